"""Numbers as a reader wants them: with a unit that fits, or a dash."""

from __future__ import annotations


def time_text(us: float | None) -> str:
    """Microseconds.

    >>> time_text(812.4), time_text(23_456.0), time_text(2.4e6), time_text(None)
    ('812 µs', '23.5 ms', '2.4 s', '-')
    """
    return "-" if us is None else _scaled(us, (("µs", 1.0), ("ms", 1e3), ("s", 1e6)))


def energy_text(joules: float | None) -> str:
    """Joules.

    >>> energy_text(0.0123), energy_text(4.2e-5)
    ('12.3 mJ', '42 µJ')
    """
    return "-" if joules is None else _scaled(joules * 1e6, (("µJ", 1.0), ("mJ", 1e3), ("J", 1e6)))


def bytes_text(count: float | None) -> str:
    """Bytes, in powers of ten.

    >>> bytes_text(1_234_567), bytes_text(16_500_000_000)
    ('1.23 MB', '16.5 GB')
    """
    return "-" if count is None else _scaled(count, (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)))


def number_text(value: float | None, unit: str = "") -> str:
    """Three digits, thousands apart.

    >>> number_text(12345.6), number_text(3.14159, "W"), number_text(None)
    ('12,346', '3.14 W', '-')
    """
    if value is None:
        return "-"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def _scaled(value: float, units: tuple[tuple[str, float], ...]) -> str:
    name, size = next(((name, size) for name, size in reversed(units) if abs(value) >= size), units[0])
    return number_text(value / size, name)
