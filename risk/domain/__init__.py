"""Pure rules and arithmetic of risk: no Django, no clock, no database, no settings."""
