"""Commands that the training package adds to ``hpe-edge``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from hpe_edge.training.data import command as data_command
from hpe_edge.training.detection import command as detection_command
from hpe_edge.training.detection.evaluation import command as faces_command
from hpe_edge.training.evaluation import command as evaluate_command
from hpe_edge.training.evaluation import compare_command
from hpe_edge.training.likeness import command as likeness_command
from hpe_edge.training.loop import command as engine_command
from hpe_edge.training.native import command as native_command
from hpe_edge.training.native import quantize_command
from hpe_edge.training.studies import command as studies_command
from hpe_edge.training.synthetic.sets import card_command, sets_command
from hpe_edge.training.synthetic.sets import command as synthetic_command

from hpe_edge.errors import missing_dependency

Run = Callable[[argparse.Namespace], int]


_COMMANDS = (
    synthetic_command, sets_command, card_command, engine_command, native_command, quantize_command, evaluate_command,
    compare_command, faces_command, studies_command, data_command, likeness_command, detection_command,
)  # fmt: skip


def add_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the commands that render, describe, train, export, evaluate, study, measure likeness, and so on."""
    before = set(subparsers.choices)
    for module in _COMMANDS:
        module.add_parser(subparsers)
    for name in set(subparsers.choices) - before:
        parser = subparsers.choices[name]
        parser.set_defaults(func=_with_extra(parser.get_default("func"), name))


def _with_extra(run: Run, name: str) -> Run:
    """Run a command; a package of the ``training`` extra that is absent is said by name."""

    def guarded(args: argparse.Namespace) -> int:
        try:
            return run(args)
        except ModuleNotFoundError as error:
            if str(error.name).startswith("hpe_edge"):  # ours: a broken install, not a missing extra
                raise
            raise missing_dependency(str(error.name), "training", f"hpe-edge {name}") from error

    return guarded
