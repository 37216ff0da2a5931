"""Identity checks behind one interface: a person's eyes, the sandbox, or a vendor."""
