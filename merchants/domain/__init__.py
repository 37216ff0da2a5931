"""Rules of purchases: no Django, no clock, no database."""
