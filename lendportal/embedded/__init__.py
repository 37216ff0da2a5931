"""Real servers from wheels, for one-command runs and for tests. Nothing here imports Django."""
