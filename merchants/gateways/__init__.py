"""The outside world of shops."""
