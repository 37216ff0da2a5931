"""Applying, lines and draws in the API."""
