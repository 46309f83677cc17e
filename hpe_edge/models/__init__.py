"""Bundled models: cards (``*.json``) and the network files they name. Data only; see ``hpe_edge.hub``."""
