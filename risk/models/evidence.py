"""Tables of evidence: raw events, imports and monthly roll-ups."""

__all__: list[str] = []
