"""Commands that the training package adds to ``hpe-edge``."""

from __future__ import annotations

import argparse

from hpe_edge.training import engine_command, evaluate_command
from hpe_edge.training.synthetic import command as synthetic_command


def add_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``render``, ``contact-sheet``, ``train``, ``evaluate`` and ``export``."""
    for module in (synthetic_command, engine_command, evaluate_command):
        module.add_parser(subparsers)
