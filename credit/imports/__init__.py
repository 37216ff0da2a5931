"""Bring a book over from another system: customers, lines, loans and payments as CSV, documented in docs/desk/import.md."""
