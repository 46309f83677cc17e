"""``hpe-edge annotate``: the head poses of many pictures, as a table in shards."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

from hpe_edge.cli.pipeline import hush_opencv, open_bar

if TYPE_CHECKING:
    from hpe_edge.annotate import Summary

_EPILOG = """\
examples:
  hpe-edge annotate photos/ poses/
  hpe-edge annotate 'shards/train-{000000..000099}.tar' poses/ --workers 8
  hpe-edge annotate faces.parquet poses/ --column image --key-column id --format jsonl
  hpe-edge annotate /shared/shards /shared/poses --engine ray --ray-address auto

IN is a folder of images, tars (webdataset) or Parquet files, one of these, or a pattern with braces. OUT becomes a
folder of shards: one row a face; one with an empty face for a picture without faces; one with an error for a
picture that cannot be read. A shard gets its name when it is whole: after Ctrl-C, or when it was killed, the same
command goes on, and gives the same bytes.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "annotate",
        help="the head poses of many pictures, as a table",
        description="Estimate the heads in a folder of images, in webdataset shards or in Parquet, resumably.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="IN", help="folder, tar, Parquet file, or pattern with braces")
    parser.add_argument("out", metavar="OUT", help="folder for the shards")
    parser.add_argument("--format", default="parquet", choices=("parquet", "jsonl"), help="of the shards [%(default)s]")
    parser.add_argument(
        "--pictures-per-shard", type=int, default=1000, metavar="N", help="of a folder of images [%(default)s]"
    )
    parser.add_argument("--column", metavar="C", help="of Parquet: bytes or paths of images [found by its name]")
    parser.add_argument("--key-column", metavar="C", help="of Parquet: what pictures are called [the row's number]")
    parser.add_argument("--model", default="fsanet", metavar="M", help="model name or card.json [%(default)s]")
    parser.add_argument("--backend", default="native", metavar="B", help="backend [%(default)s]")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "int8"), help="of the network [%(default)s]")
    parser.add_argument("--detector", default="auto", metavar="D", help="face detector [%(default)s]")
    parser.add_argument("--crop", action="store_true", help="every picture is one head, loosely cut")
    parser.add_argument(
        "--engine", default="local", choices=("local", "ray"), help="processes here, or a Ray cluster [%(default)s]"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes or Ray actors [one a core]")
    parser.add_argument(
        "--ray-address", metavar="A", help="of the Ray cluster [$RAY_ADDRESS, else one is started here]"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Plan, estimate, write, sum up."""
    hush_opencv()
    from hpe_edge.annotate import Estimation, annotate

    estimation = Estimation(
        model=options.model,
        backend=options.backend,
        precision=options.precision,
        detector=options.detector,
        is_crop=options.crop,
    )
    with closing(_Progress(options.quiet)) as progress:
        summary = annotate(
            options.source,
            options.out,
            estimation,
            form=options.format,
            pictures_per_shard=options.pictures_per_shard,
            column=options.column,
            key_column=options.key_column,
            workers=options.workers,
            engine=options.engine,
            ray_address=options.ray_address,
            on_shard=progress.show,
        )
    if options.json:
        print(json.dumps({"out": options.out, **summary.as_dict()}, indent=2))
    elif not options.quiet:
        print(_as_text(options.out, summary))
    return 0


class _Progress:
    """A bar of shards."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None

    def show(self, finished: int, total: int) -> None:
        """So many shards are finished."""
        if self._bar is None:
            self._bar = open_bar(self._quiet, total=total, initial=finished, unit=" shards")
        if self._bar is not None:
            self._bar.update(finished - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def _as_text(out: str, summary: Summary) -> str:
    resumed = f" ({summary.resumed} were there)" if summary.resumed else ""
    return (
        f"{out}: {summary.pictures} pictures, {summary.faces} faces, {summary.errors} errors in {summary.shards} "
        f"shards{resumed}, {summary.elapsed_s:.1f} s"
    )
