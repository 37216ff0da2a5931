"""The main job on real bank accounts: see docs/real_data.md. Nothing of the data is shipped with the portal."""
