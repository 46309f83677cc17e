"""Things found by entry point: backends and detectors, ours and those of other packages alike."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hpe_edge.errors import BackendError, HpeEdgeError, InvalidArgumentError


def plugin_names(group: str) -> list[str]:
    """The sorted names of all installed plug-ins of a group such as ``hpe_edge.backends``."""
    return sorted({entry.name for entry in entry_points(group=group)})


def load_plugin(group: str, name: str, argument: str) -> Any:
    """The object behind one plug-in.

    Args:
        group: the entry-point group.
        name: the plug-in's name.
        argument: the argument of the public API that named it, for messages.

    Raises:
        InvalidArgumentError: no plug-in of this name is installed.
        BackendError: the plug-in's module cannot be imported.
    """
    found: dict[str, EntryPoint] = {entry.name: entry for entry in entry_points(group=group)}
    if name not in found:
        raise InvalidArgumentError(f"{argument}: expected one of {['auto', *sorted(found)]}, got {name!r}")
    try:
        return found[name].load()
    except HpeEdgeError:
        raise
    except (ImportError, AttributeError) as error:
        raise BackendError(f"{argument} {name!r} ({found[name].value}) cannot be loaded: {error}") from error
