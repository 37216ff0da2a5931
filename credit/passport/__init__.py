"""The credit passport: facts in, a signed report out, shared by its owner, verified by anybody."""
