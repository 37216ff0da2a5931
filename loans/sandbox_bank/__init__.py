"""A bank to practise on: a process of its own, with its own books, that can be told to misbehave.

It shares nothing with the portal but the wire: plain WSGI, no Django, its own schema in PostgreSQL. What it
offers is in README.md beside this file.
"""
