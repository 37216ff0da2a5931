"""The addresses of shops' computers, and of buyers' apps."""
