"""Light and what is behind people."""
