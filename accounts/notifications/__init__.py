"""Notices: what is said for each kind, and how each channel carries it."""
