"""Typed errors of hpe-edge.

Every message says what was expected, what came, and what to do. Each class also derives from the
built-in exception that a caller would guess (``ValueError``, ``FileNotFoundError``, ...), so
plain ``except ValueError`` keeps working.
"""

from __future__ import annotations


class HpeEdgeError(Exception):
    """Base of every error raised by hpe-edge."""


class InvalidArgumentError(HpeEdgeError, ValueError):
    """An argument has a wrong value, or a combination of arguments makes no sense."""


class InvalidImageError(InvalidArgumentError):
    """An image has the wrong dtype, rank, channel count, or is empty or undecodable."""


class InvalidBoxError(InvalidArgumentError):
    """A box is NaN or infinite, has no area, or lies outside the image."""


class ModelNotFoundError(HpeEdgeError, FileNotFoundError):
    """No model of this name is bundled or at this path."""


class CorruptModelError(HpeEdgeError, ValueError):
    """A model file or card is damaged: wrong sha256, truncated, or not what the card says."""


class HubError(HpeEdgeError, OSError):
    """A model cannot be fetched or stored: offline, no connection, the server's answer, a full disk."""


class SourceError(HpeEdgeError, OSError):
    """A video, folder, camera or stream cannot be opened, or stopped giving pictures for good."""


class BackendError(HpeEdgeError, RuntimeError):
    """A named backend cannot load or run; there is no silent fallback."""


class MissingDependencyError(HpeEdgeError, ImportError):
    """An optional package is not installed; the message names the pip command."""


class AssetError(HpeEdgeError, ValueError):
    """A rendering asset is missing, altered, or not what the manifest says."""


class DatasetError(HpeEdgeError, ValueError):
    """A dataset folder or shard has the wrong layout, or a file in it cannot be read."""


class CheckpointError(HpeEdgeError, ValueError):
    """A training checkpoint is damaged or belongs to another model or recipe."""


class TrainingError(HpeEdgeError, ArithmeticError):
    """A training run diverged: its loss is NaN or infinite."""


class CoreError(HpeEdgeError, RuntimeError):
    """The C++ core refused for a reason that no other class covers (a bug, or a lack of memory)."""


def missing_dependency(package: str, extra: str, purpose: str) -> MissingDependencyError:
    """The one wording for a package that is not installed.

    >>> raise_me = missing_dependency("onnxruntime", "onnx", "the ONNX Runtime backend")
    """
    return MissingDependencyError(
        f"{purpose} needs the package {package!r}, which is not installed. Run: pip install 'hpe-edge[{extra}]'"
    )
