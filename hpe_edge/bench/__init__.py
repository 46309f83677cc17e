"""How fast a model runs here, by backend and precision; ``hpe-edge bench`` is its command."""
