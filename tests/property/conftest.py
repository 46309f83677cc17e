"""One profile for all property tests: reproducible, and without a deadline on busy machines."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("hpe-edge", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("hpe-edge")
