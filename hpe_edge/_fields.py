"""Reads a JSON object field by field; every error names the field by its path in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hpe_edge.errors import CorruptModelError

_LONGEST: Final = 200


class Fields:
    """One JSON object whose fields are read by name; :meth:`done` refuses those nobody asked for."""

    def __init__(self, data: object, source: str, path: str = "") -> None:
        self._source = source
        self._path = path
        if not isinstance(data, dict):
            raise self.error("", "an object", _kind(data))
        self._data: dict[str, Any] = data
        self._read: set[str] = set()

    def error(self, key: str, expected: str, got: str) -> CorruptModelError:
        """The error for one field (for the object itself when ``key`` is empty)."""
        where = ".".join(part for part in (self._path, key) if part) or "the whole file"
        return CorruptModelError(f"{self._source}: field {_brief(where)!r}: expected {expected}, got {_brief(got)}")

    def names(self) -> list[str]:
        """The names of all fields, in the file's order."""
        return list(self._data)

    def has(self, key: str) -> bool:
        """Whether an optional field is there."""
        return key in self._data

    def done(self) -> None:
        """Refuse unknown fields: a misspelt one must not pass as absent."""
        unknown = [key for key in self._data if key not in self._read]
        if unknown:
            raise self.error(unknown[0], f"only the fields {sorted(self._read)}", "an unknown field")

    def child(self, key: str) -> Fields:
        """A nested object."""
        path = f"{self._path}.{key}" if self._path else key
        return Fields(self._take(key, "an object"), self._source, path)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A nested object taken as it is."""
        value = self._take(key, "an object")
        if not isinstance(value, dict):
            raise self.error(key, "an object", _kind(value))
        return value

    def mappings(self, key: str) -> list[Mapping[str, Any]]:
        """A list of objects taken as they are."""
        values = self._list(key, "a list of objects")
        for value in values:
            if not isinstance(value, dict):
                raise self.error(key, "a list of objects", f"one with {_kind(value)}")
        return list(values)

    def text(self, key: str) -> str:
        """A string that is not empty."""
        return self._text(key, self._take(key, "a string"))

    def text_or_null(self, key: str) -> str | None:
        """A string that is not empty, or null."""
        value = self._take(key, "a string or null")
        return None if value is None else self._text(key, value)

    def texts(self, key: str, length: int) -> tuple[str, ...]:
        """A list of ``length`` strings."""
        values = self._list(key, f"a list of {length} strings")
        if len(values) != length:
            raise self.error(key, f"a list of {length} strings", f"{len(values)} items")
        return tuple(self._text(key, value) for value in values)

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """One of a few strings."""
        expected = " or ".join(repr(choice) for choice in choices)
        value = self._take(key, expected)
        if value not in choices:
            raise self.error(key, expected, repr(value))
        return str(value)

    def boolean(self, key: str) -> bool:
        """true or false."""
        value = self._take(key, "true or false")
        if not isinstance(value, bool):
            raise self.error(key, "true or false", _kind(value))
        return value

    def integer(self, key: str, low: int, high: int | None = None) -> int:
        """A whole number in ``low..high``."""
        return self._integer(key, self._take(key, "a whole number"), low, high)

    def integers(self, key: str, low: int) -> tuple[int, ...]:
        """A list, not empty, of whole numbers of at least ``low``."""
        values = self._list(key, "a list of whole numbers")
        if not values:
            raise self.error(key, "a list of whole numbers", "an empty list")
        return tuple(self._integer(key, value, low, None) for value in values)

    def number(self, key: str, low: float, high: float) -> float:
        """A finite number in ``low..high``."""
        return self._number(key, self._take(key, "a number"), low, high)

    def triple(self, key: str, low: float = -1e9, high: float = 1e9) -> tuple[float, float, float]:
        """A list of three finite numbers in ``low..high``."""
        values = self._list(key, "a list of 3 numbers")
        if len(values) != 3:
            raise self.error(key, "a list of 3 numbers", f"{len(values)} items")
        first, second, third = (self._number(key, value, low, high) for value in values)
        return first, second, third

    def _take(self, key: str, expected: str) -> Any:
        if key not in self._data:
            raise self.error(key, expected, "nothing, the field is missing")
        self._read.add(key)
        return self._data[key]

    def _list(self, key: str, expected: str) -> list[Any]:
        value = self._take(key, expected)
        if not isinstance(value, list):
            raise self.error(key, expected, _kind(value))
        return value

    def _text(self, key: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise self.error(key, "a string that is not empty", _kind(value))
        return value

    def _integer(self, key: str, value: object, low: int, high: int | None) -> int:
        expected = f"a whole number >= {low}" if high is None else f"a whole number in {low}..{high}"
        # bool is an int in Python, but true is no width.
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(key, expected, _kind(value))
        if value < low or (high is not None and value > high):
            raise self.error(key, expected, str(value))
        return value

    def _number(self, key: str, value: object, low: float, high: float) -> float:
        expected = f"a number in {low:g}..{high:g}"
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.error(key, expected, _kind(value))
        if not low <= value <= high:  # neither is NaN
            raise self.error(key, expected, str(value))
        return float(value)


def _brief(text: str) -> str:
    """A card may hold text and numbers of any length; messages do not."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    if value == "":
        return "an empty string"
    return names.get(type(value), f"the number {value!r}")
