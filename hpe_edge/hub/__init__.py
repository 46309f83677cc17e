"""From a name or a path to a model: its checked card and, on demand, its verified files (docs/HUB.md).

A name is that of a bundled model or of one that was added to the user's folder; anything else is the path of a card.
Nothing is downloaded but by :func:`add_model`, when it is given an address. No file is ever unpickled.
"""

from hpe_edge.hub.check import FileCheck, verify_model
from hpe_edge.hub.entries import (
    Entry,
    Model,
    card_paths,
    catalog,
    find,
    list_models,
    models_folder,
    resolve,
    user_folder,
)
from hpe_edge.hub.store import add_model, remove_model

__all__ = [
    "Entry",
    "FileCheck",
    "Model",
    "add_model",
    "card_paths",
    "catalog",
    "find",
    "list_models",
    "models_folder",
    "remove_model",
    "resolve",
    "user_folder",
    "verify_model",
]
