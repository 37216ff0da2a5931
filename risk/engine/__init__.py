"""The engine: load, verify and score models."""

from risk.engine.artefact import Artefact, UnableToLoadModel, read_folder, seal, verify, write_folder
from risk.engine.loaded import LoadedModel, Scored, load, try_in_child

__all__ = [
    "Artefact",
    "LoadedModel",
    "Scored",
    "UnableToLoadModel",
    "load",
    "read_folder",
    "seal",
    "try_in_child",
    "verify",
    "write_folder",
]
