"""Pages of people and businesses."""
