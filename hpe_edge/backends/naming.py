"""How a backend is named: ``"openvino"``, ``"onnxruntime:cuda:1"``, ``"onnxruntime:tensorrt,cache=/var/cache/trt"``.

The same text for ``HeadPose(backend=...)``, for ``--backend`` and for every backend (docs/BACKENDS.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, Final

from hpe_edge.errors import InvalidArgumentError

_FORM: Final = "NAME, NAME:DEVICE or NAME:DEVICE,OPTION=VALUE"


@dataclass(frozen=True)
class BackendName:
    """A backend's entry-point name, and what goes to it by keyword: ``device``, ``cache``, ..."""

    name: str
    options: Mapping[str, str]


def parse_backend(text: str) -> BackendName:
    """Take a backend's name apart.

    Raises:
        InvalidArgumentError: it has another form.

    >>> parse_backend("onnxruntime:cuda:1,cache=/tmp/engines")
    BackendName(name='onnxruntime', options={'device': 'cuda:1', 'cache': '/tmp/engines'})
    """
    name, colon, rest = text.partition(":")
    options: dict[str, str] = {}
    for number, part in enumerate(rest.split(",") if colon else []):
        key, equals, value = part.partition("=")
        if not equals and number == 0:
            key, value = "device", part
        if not key or not value or key in options:
            raise InvalidArgumentError(f"backend: expected {_FORM}, got {text!r}")
        options[key] = value
    return BackendName(name, options)


def options_for(factory: Callable[..., Any], found: BackendName) -> dict[str, str]:
    """The options of a name, for a backend that takes them; one without a choice runs on the CPU.

    Raises:
        InvalidArgumentError: the backend does not know one.
    """
    known = [name for name in signature(factory).parameters if name not in ("data", "card", "precision", "threads")]
    options = dict(found.options)
    if "device" not in known and options.get("device") in ("cpu", "auto"):
        del options["device"]
    for option, value in options.items():
        if option not in known:
            takes = f"the options {known}" if known else "no options and runs on the CPU"
            raise InvalidArgumentError(f"backend: {found.name!r} takes {takes}, got {option}={value!r}")
    return options


def split_device(device: str, known: Mapping[str, object]) -> tuple[str, str | None]:
    """``"cuda:1"`` as ``("cuda", "1")``, ``"cuda"`` as ``("cuda", None)``.

    Raises:
        InvalidArgumentError: the backend has no such device.

    >>> split_device("gpu:1", {"cpu": None, "gpu": None})
    ('gpu', '1')
    """
    name, colon, which = device.partition(":")
    if name not in known or (colon and not which):
        raise InvalidArgumentError(f"device: expected 'auto' or one of {list(known)}, got {device!r}")
    return name, which or None


def device_number(which: str | None) -> int:
    """Which of several devices of a kind; the first where none is named.

    Raises:
        InvalidArgumentError: not a whole number.
    """
    if which is not None and not which.isdecimal():
        raise InvalidArgumentError(f"device: expected a number behind the colon, as 'cuda:0', got {which!r}")
    return int(which or 0)
