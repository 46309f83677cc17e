"""Where the C++ and C library lies that comes with the package: headers, library, CMake package (docs/CPP.md)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from hpe_edge.errors import MissingDependencyError


def include_dir() -> Path:
    """The folder of ``hpe_edge.h`` and ``hpe/``.

    Raises:
        MissingDependencyError: the package was installed without them.

    >>> from hpe_edge._sdk import include_dir
    >>> (include_dir() / "hpe_edge.h").exists()
    True
    """
    return _found("include")


def cmake_dir() -> Path:
    """The folder that CMake wants as ``hpe_edge_DIR``.

    Raises:
        MissingDependencyError: as :func:`include_dir`.
    """
    return _found("lib/cmake/hpe_edge")


def pkgconfig_dir() -> Path:
    """The folder that pkg-config wants in ``PKG_CONFIG_PATH``.

    Raises:
        MissingDependencyError: as :func:`include_dir`.
    """
    return _found("lib/pkgconfig")


def _found(folder: str) -> Path:
    # Beside the compiled module and not beside this file: in an editable install this file stays in the source tree.
    core = find_spec("hpe_edge._core")
    if core is not None and core.origin is not None:
        path = Path(core.origin).parent / "sdk" / folder
        if path.is_dir():
            return path
    raise MissingDependencyError(
        f"the C++ library: expected its folder {folder!r} in hpe_edge/sdk beside the compiled module, found none. "
        "Install the package anew: pip install --force-reinstall --no-deps hpe-edge, or in a checkout pip install -e ."
    )
