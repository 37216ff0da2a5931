"""The kinds of notice of this room."""


def register() -> None:
    """Register the kinds; filled below."""
