"""Signing up and logging in: one field for e-mail or number, neutral answers, counted tries."""
