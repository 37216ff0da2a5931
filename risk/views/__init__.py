"""Pages of evidence."""
