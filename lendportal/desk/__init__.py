"""The officers' desk: Django admin over every room. History is read-only; buttons call operations."""
