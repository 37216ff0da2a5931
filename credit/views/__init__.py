"""Pages of applying, the line and drawing."""
