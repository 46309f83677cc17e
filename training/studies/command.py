"""``hpe-edge study``: the papers' studies as commands. Heavy imports wait until one runs."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.training.data.catalog import Selection
    from hpe_edge.training.studies.models import Contender
    from hpe_edge.training.studies.report import Report

MOST_HEADS = 400  # rendered heads that a study looks at without --limit

_EPILOG = """\
examples:
  hpe-edge study margins --path AFLW2000 --model fsanet --out margins
  hpe-edge study low-resolution --path AFLW2000 --model with=a/last.pt --model without=b/last.pt --out far
  hpe-edge study landmark-pnp --path AFLW2000 --model fsanet --out pnp
  hpe-edge study structure-maps --path AFLW2000 --checkpoint run/last.pt --out maps
  hpe-edge study loss-weights --grid hopenet --data heads --aflw2000 AFLW2000 --out alpha
  hpe-edge study methods --data heads --aflw2000 AFLW2000 --pointing04 pointing04 --out methods
  hpe-edge study smoothing --sequences still shake nod mixed --out smooth

Each writes table.md, results.json and figure.png. docs/STUDIES.md says what they show.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``study`` and the studies."""
    parser = subparsers.add_parser(
        "study",
        help="repeat a study of the papers: a table and a figure",
        description="Repeat a study of the papers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = parser.add_subparsers(dest="study", metavar="NAME", required=True)
    _add_margins(names)
    _add_low_resolution(names)
    _add_landmark_pnp(names)
    _add_structure_maps(names)
    _add_loss_weights(names)
    _add_methods(names)
    _add_smoothing(names)
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Run the study, write what it found, print its table or its JSON."""
    from hpe_edge.training.provenance import source_commit
    from hpe_edge.training.studies.report import check_out, write_report

    check_out(args.out)
    report: Report = args.make(args)
    command = shlex.join(["hpe-edge", *sys.argv[1:]])
    report.results.update(study=args.study, command=command, commit=source_commit())
    write_report(report, args.out)
    print(json.dumps(report.results) if args.json else f"{report.markdown()}\nwritten: {args.out}")
    return 0


def _add_margins(names: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = names.add_parser("margins", help="error over the margin around the face box, several models")
    _photographs(parser)
    _models(parser)
    parser.add_argument("--margins", type=float, nargs="+", metavar="F", help="[0 0.1 ... 0.8]")
    _common(parser)
    parser.set_defaults(make=_margins)


def _margins(args: argparse.Namespace) -> Report:
    from hpe_edge.training.evaluation.evaluate import MARGINS
    from hpe_edge.training.studies.margins import check_margins, study_margins

    margins = check_margins(args.margins or MARGINS)
    selection = _select(args)
    report = study_margins(_contenders(args), selection.samples, margins=margins, bar=lambda name: _bar(args, name))
    report.results.update(_data(args, selection))
    return report


def _add_low_resolution(names: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = names.add_parser(
        "low-resolution", help="error on photographs made coarse: x1 to x15 (Hopenet, sect. IV-E, fig. 8)"
    )
    _photographs(parser)
    _models(parser)
    parser.add_argument("--factors", type=float, nargs="+", metavar="X", help="[1 2 3 5 7 10 12 15]")
    parser.add_argument(
        "--interpolation", default="nearest", metavar="I", help="nearest, as the paper, or area [%(default)s]"
    )
    _common(parser)
    parser.set_defaults(make=_low_resolution)


def _low_resolution(args: argparse.Namespace) -> Report:
    from hpe_edge.training.studies.low_resolution import FACTORS, check_factors, study_low_resolution

    factors = check_factors(FACTORS if args.factors is None else args.factors)
    selection = _select(args)
    report = study_low_resolution(
        _contenders(args), selection.samples, factors=factors, interpolation=args.interpolation,
        bar=lambda name: _bar(args, name),
    )  # fmt: skip
    report.results.update(_data(args, selection))
    return report


def _add_landmark_pnp(names: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = names.add_parser(
        "landmark-pnp", help="pose from labelled landmarks by solvePnP: points, noise, mean face (Hopenet, sect. IV-B)"
    )
    _photographs(parser)
    _models(parser)
    parser.add_argument("--points", type=int, nargs="+", metavar="N", help="[5 6 10 14 21 52 68]")
    parser.add_argument("--jitter", type=float, nargs="+", metavar="F", help="sigma in box sides [0 .01 .02 .03 .05]")
    parser.add_argument("--stretch", type=float, nargs="+", metavar="F", help="of the mean face [0.7 ... 1.3]")
    parser.add_argument("--focals", type=float, nargs="+", metavar="F", help="in image sides [0.5 1 2 4 16]")
    parser.add_argument("--focal", type=float, default=1.0, metavar="F", help="where it is not varied [%(default)s]")
    parser.add_argument(
        "--start",
        default="orthographic",
        metavar="S",
        help="of the solver: orthographic, or dlt, the paper's [%(default)s]",
    )
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="draws of the jitter [%(default)s]")
    parser.add_argument("--mean-face", type=Path, metavar="CSV", help="68 lines x,y,z [the head studio's mean head]")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the jitter [%(default)s]")
    _common(parser)
    parser.set_defaults(make=_landmark_pnp)


def _landmark_pnp(args: argparse.Namespace) -> Report:
    from hpe_edge.training.studies.landmark_pnp import Plan, study_landmark_pnp
    from hpe_edge.training.studies.mean_face import read_mean_face

    given = {"points": args.points, "jitters": args.jitter, "stretches": args.stretch, "focals": args.focals}
    plan = Plan(
        focal=args.focal, start=args.start, repeats=args.repeats, seed=args.seed,
        **{name: tuple(values) for name, values in given.items() if values is not None},
    )  # fmt: skip
    face = read_mean_face(args.mean_face)
    selection = _select(args)
    contenders = _contenders(args)
    report = study_landmark_pnp(selection.samples, face, plan, contenders, bar=lambda name: _bar(args, name))
    report.results.update(_data(args, selection))
    return report


def _add_structure_maps(names: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = names.add_parser("structure-maps", help="FSA-Net's structure maps over faces (FSA-Net, sect. 3.5, fig. 5)")
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="FILE", help="last.pt of a training run")
    parser.add_argument("--dataset", default="aflw2000", metavar="NAME", help="as hpe-edge evaluate [%(default)s]")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--path", type=Path, metavar="DIR", help="photographs: folder or zip")
    where.add_argument("--heads", type=Path, metavar="DIR", help="or rendered heads: folder of hpe-edge render")
    parser.add_argument("--rows", default="s", metavar="R", help="s: rows of S_k, m: rows of M_k [%(default)s]")
    parser.add_argument("--faces", type=int, default=7, metavar="N", help="faces shown, spread over yaw [%(default)s]")
    _common(parser)
    parser.set_defaults(make=_structure_maps)


def _structure_maps(args: argparse.Namespace) -> Report:
    from hpe_edge.training.data.shards import read_description
    from hpe_edge.training.likeness.crops import rendered_heads
    from hpe_edge.training.loop.checkpoint import load_trained
    from hpe_edge.training.studies.structure_maps import Face, find_mapping, study_structure_maps

    network, recipe, _ = load_trained(args.checkpoint)
    find_mapping(network)  # before the faces are read
    if args.heads is not None:
        if args.limit is not None and args.limit < 1:
            raise InvalidArgumentError(f"limit: expected at least 1, got {args.limit}")
        limit = min(args.limit or MOST_HEADS, int(read_description(args.heads)["count"]))
        heads = rendered_heads(args.heads, limit)
        faces = [Face(h.image_bgr, h.box_xyxy, h.yaw_deg) for h in _bar(args, "heads")(heads, total=limit)]
        data: dict[str, Any] = {"heads": args.heads.resolve().name, "count": len(faces)}
    else:
        selection = _select(args)
        samples = _bar(args, "photographs")(selection.samples)
        faces = [Face(s.image_bgr(), s.box_xyxy, float(s.euler_deg[0])) for s in samples]
        data = _data(args, selection)
    report = study_structure_maps(network, recipe.input, faces, which=args.rows, shown=args.faces)
    report.results.update(data, checkpoint=str(args.checkpoint), recipe=recipe.name)
    return report


def _add_loss_weights(names: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = names.add_parser(
        "loss-weights",
        help="train every row of a paper's table of loss weights, the paper's figures beside it",
        description="Train every row of a table of loss weights with one small budget and score it on photographs. "
        "An interrupted run goes on when the command is given again; finished rows are kept.",
    )
    parser.add_argument(
        "--grid", required=True, metavar="G",
        help="hopenet, hopenet-alexnet, coarse-fine, label-distribution, rotation, or a .toml file",
    )  # fmt: skip
    _trains(parser)


def _add_methods(names: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = names.add_parser(
        "methods",
        help="train every method of the papers on one set with one budget, the papers' figures beside it",
        description="Train every method of the five papers on one set with one budget and score it on photographs. "
        "An interrupted run goes on when the command is given again; finished rows are kept.",
    )
    parser.set_defaults(grid="methods")
    _trains(parser)


def _add_smoothing(names: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = names.add_parser(
        "smoothing",
        help="filters for video: jitter of resting heads against lag behind moving ones (1-euro filter, CHI 2012)",
        description="Smooth the poses of rendered sequences with every filter and tell how still and how late each is.",
    )
    parser.add_argument(
        "--sequences", type=Path, nargs="+", required=True, metavar="DIR",
        help="of hpe-edge render-sequence: at least one of --trajectory still and one of another",
    )  # fmt: skip
    _models(parser)
    parser.add_argument(
        "--sigma", type=float, default=0.03, metavar="F", help="shake of a detector's boxes, in box sides [%(default)s]"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of that shake [%(default)s]")
    _common(parser, limited=False)
    parser.set_defaults(make=_smoothing)


def _smoothing(args: argparse.Namespace) -> Report:
    from hpe_edge.training.studies.sequences import read_film
    from hpe_edge.training.studies.smoothing import study_smoothing

    contenders = _contenders(args)
    if len(contenders) > 1:
        raise InvalidArgumentError(f"--model: expected one model, got {len(contenders)}")
    films = [read_film(folder) for folder in args.sequences]
    return study_smoothing(contenders[0], films, sigma=args.sigma, seed=args.seed, bar=_bar(args, "sequences"))


def _trains(parser: argparse.ArgumentParser) -> None:
    """What the studies that train have in common."""
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR", help="of hpe-edge render")
    parser.add_argument("--aflw2000", type=Path, metavar="DIR", help="photographs to score on")
    parser.add_argument("--pointing04", type=Path, metavar="DIR", help="photographs to score on")
    parser.add_argument("--recipe", metavar="R", help="trunk, input, optimisation, augmentation [the grid's]")
    parser.add_argument("--epochs", type=int, metavar="N", help="in place of the recipe's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="S", help="of the training [0]")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="variants trained at a time [%(default)s]")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of each network [%(default)s]")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="loader processes of each [%(default)s]")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    _common(parser)
    parser.set_defaults(make=_loss_weights)


def _loss_weights(args: argparse.Namespace) -> Report:
    from hpe_edge.training.studies.loss_weights import Places, report_of, train_variants
    from hpe_edge.training.studies.weight_grids import read_grid
    from hpe_edge.training.trials import Bench

    grid = read_grid(args.grid, args.recipe, args.epochs)
    places = {name: path for name, path in (("aflw2000", args.aflw2000), ("pointing04", args.pointing04)) if path}
    bench = Bench(
        seeds=tuple(args.seeds), photographs={}, threads=args.threads, workers=args.workers, device=args.device,
        quiet=args.quiet or args.json, say=_say(args), progress=_bar(args, "score"),
    )  # fmt: skip
    results = train_variants(grid, Places(tuple(args.data), places, args.out, args.limit), bench, args.jobs)
    return report_of(grid, results)


def _say(args: argparse.Namespace) -> Any:
    """Progress in words, on stderr: stdout holds the result."""
    return (lambda _: None) if args.quiet or args.json else lambda text: print(text, file=sys.stderr, flush=True)


def _photographs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", default="aflw2000", metavar="NAME", help="as hpe-edge evaluate [%(default)s]")
    parser.add_argument("--path", type=Path, required=True, metavar="DIR", help="its folder or zip")


def _models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", action="append", metavar="[LABEL=]M", help="name, card.json, bare .onnx or last.pt; repeat [fsanet]"
    )
    parser.add_argument(
        "--crop-recipe", default="card", metavar="R", help="of bare .onnx files, as hpe-edge evaluate [%(default)s]"
    )
    parser.add_argument("--backend", default="auto", metavar="B", help="backend [%(default)s]")


def _common(parser: argparse.ArgumentParser, limited: bool = True) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="table.md, results.json, figure.png")
    if limited:
        parser.add_argument("--limit", type=int, metavar="N", help="only N samples, spread over the data set")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


def _contenders(args: argparse.Namespace) -> list[Contender]:
    from hpe_edge.training.studies.models import open_contenders

    contenders: list[Contender] = open_contenders(args.model or ["fsanet"], args.crop_recipe, args.backend)
    return contenders


def _select(args: argparse.Namespace) -> Selection:
    from hpe_edge.training.data.catalog import select

    return select(args.dataset, args.path, limit=args.limit)


def _data(args: argparse.Namespace, selection: Selection) -> dict[str, Any]:
    return {
        "dataset": args.dataset, "protocol": selection.protocol, "count": len(selection.samples),
        "dropped": selection.dropped, "limit": args.limit,
    }  # fmt: skip


def _bar(args: argparse.Namespace, label: str) -> Any:
    from tqdm import tqdm

    def bar(items: Iterable[Any], total: int | None = None) -> Iterable[Any]:
        shown: Iterable[Any] = tqdm(items, desc=label, total=total, disable=args.quiet or args.json, leave=False)
        return shown

    return bar
