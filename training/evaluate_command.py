"""``hpe-edge evaluate``: score a model on labelled photographs."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_edge.errors import InvalidArgumentError, missing_dependency

if TYPE_CHECKING:
    from hpe_edge.training.data.catalog import Selection
    from hpe_edge.training.data.samples import Sample
    from hpe_edge.training.evaluate import Evaluation, Progress
    from hpe_edge.training.metrics import Metrics
    from hpe_edge.training.predictors import Network, Predictor

_EPILOG = """\
examples:
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000
  hpe-edge evaluate --dataset pointing04 --path pointing04 --all-poses --json
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000 --model peer.onnx --crop-recipe fsanet-clipped
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000 --margin-curve --out report
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000 --constant
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command; the heavy imports wait until it runs."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a model on labelled photographs",
        description="Score a model on labelled photographs: MAE, geodesic error, MAEV, error by |yaw| bin.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dataset", required=True, metavar="NAME", help="aflw2000, pointing04 or 300wlp")
    parser.add_argument("--path", required=True, type=Path, metavar="DIR", help="its folder or zip")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--model", default="fsanet", metavar="M", help="model name, card.json or a bare .onnx [%(default)s]"
    )
    what.add_argument("--checkpoint", type=Path, metavar="FILE", help="averaged weights of a training run")
    what.add_argument("--constant", action="store_true", help="guess the mean label: the score to beat")
    parser.add_argument(
        "--crop-recipe", default="card", metavar="R", help="card, fsanet or fsanet-clipped [%(default)s]"
    )
    parser.add_argument("--margin", type=float, metavar="F", help="grow the box by F of its size on each side")
    parser.add_argument(
        "--square", action=argparse.BooleanOptionalAction, help="make the box square first [the recipe's]"
    )
    parser.add_argument("--backend", default="auto", metavar="B", help="backend [%(default)s]")
    parser.add_argument("--flip", action="store_true", help="average with the mirrored photograph")
    parser.add_argument("--margin-curve", action="store_true", help="also score the margins 0, 0.1, ... 0.8")
    parser.add_argument(
        "--fit-pitch-zero", action="store_true", help="also fit the pitch constant that suits the labels best"
    )
    parser.add_argument("--all-poses", action="store_true", help="keep the poses that the protocol drops")
    parser.add_argument("--limit", type=int, metavar="N", help="only N samples, spread over the data set")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write report.json, predictions.csv and PNGs")
    parser.add_argument("--record", action="store_true", help="also write the result into the model's card")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="chooses the random photographs of --out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress bar; print the MAE only")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Read, predict, measure, print, write."""
    try:
        from hpe_edge.training.data.catalog import select
        from hpe_edge.training.evaluate import constant_baseline, evaluate
    except ModuleNotFoundError as error:
        raise missing_dependency(str(error.name), "training", "hpe-edge evaluate") from error

    _check(options)
    selection = select(options.dataset, options.path, limit=options.limit, all_poses=options.all_poses)
    samples = selection.samples
    if options.constant:
        evaluation, report = constant_baseline(samples), {"model": "constant: mean label"}
    else:
        network = _network(options)
        predictor = _predictor(options, network, options.margin)
        evaluation = evaluate(predictor, samples, flip=options.flip, progress=_progress(options, "evaluate"))
        report = _model_report(options, predictor) | _extras(options, samples, evaluation, network)
    report = _data_report(options, selection) | report | {"metrics": evaluation.metrics.as_dict()}
    if options.out is not None:
        _write(options, samples, evaluation, report)
    if options.record:
        _record(options, report)
    _print(options, evaluation.metrics, report)
    return 0


def _check(options: argparse.Namespace) -> None:
    crop_given = options.margin is not None or options.square is not None or options.crop_recipe != "card"
    if options.constant and (crop_given or options.flip or options.margin_curve or options.fit_pitch_zero):
        raise InvalidArgumentError(
            "--constant: expected no crop, flip, margin curve or pitch fit with it: it looks at no photograph"
        )
    partial = options.checkpoint or options.flip or options.limit or crop_given
    if options.record and (options.constant or partial):
        raise InvalidArgumentError(
            "--record: expected a model with its own crop on the whole data set, got --constant, "
            "--checkpoint, --flip, --limit or a crop option with it"
        )
    if options.record and options.model.endswith(".onnx"):
        raise InvalidArgumentError(f"--record: expected a model with a card, got {options.model}")
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise InvalidArgumentError(f"--out: expected a folder, got the file {options.out}")


def _network(options: argparse.Namespace) -> Network:
    from hpe_edge.training.predictors import open_checkpoint, open_network

    return open_network(options.model) if options.checkpoint is None else open_checkpoint(options.checkpoint)


def _predictor(options: argparse.Namespace, network: Network, margin: float | None) -> Predictor:
    from hpe_edge.training.predictors import choose_crop

    return network.predictor(choose_crop(network, options.crop_recipe, margin, options.square), options.backend)


def _progress(options: argparse.Namespace, label: str) -> Progress:
    from tqdm import tqdm

    def bar(samples: Sequence[Sample]) -> Iterable[Sample]:
        return tqdm(samples, desc=label, unit="photo", disable=options.quiet, leave=False)

    return bar


def _data_report(options: argparse.Namespace, selection: Selection) -> dict[str, Any]:
    return {
        "dataset": options.dataset,
        "protocol": selection.protocol,
        "count": len(selection.samples),
        "dropped": selection.dropped,
        "limit": options.limit,
        "command": shlex.join(["hpe-edge", *sys.argv[1:]]),
    }


def _model_report(options: argparse.Namespace, predictor: Predictor) -> dict[str, Any]:
    info = predictor.pose.info
    return {
        "model": info.model if options.checkpoint is None else str(options.checkpoint),
        "weights_sha256": info.sha256,
        "crop": predictor.crop.describe(),
        "flip": options.flip,
        "pitch_zero_deg": predictor.pitch_zero_deg,
        "runtime": info.as_dict(),
    }


def _extras(
    options: argparse.Namespace, samples: Sequence[Sample], evaluation: Evaluation, network: Network
) -> dict[str, Any]:
    """The parts that are only made when asked for: the pitch fit and the margin curve."""
    from hpe_edge.training.evaluate import fit_pitch_zero, margin_curve

    extras: dict[str, Any] = {}
    if options.fit_pitch_zero:
        extras["pitch_zero_fit"] = asdict(fit_pitch_zero(evaluation))
    if options.margin_curve:
        curve = margin_curve(
            lambda margin: _predictor(options, network, margin),
            samples,
            flip=options.flip,
            progress=_progress(options, "margin curve"),
        )
        extras["margin_curve"] = [{"margin": margin, **metrics.as_dict()} for margin, metrics in curve]
    return extras


def _write(
    options: argparse.Namespace, samples: Sequence[Sample], evaluation: Evaluation, report: dict[str, Any]
) -> None:
    try:
        from hpe_edge.training.evaluation_plots import write_pictures
    except ModuleNotFoundError as error:
        raise missing_dependency(str(error.name), "training", "hpe-edge evaluate --out") from error

    options.out.mkdir(parents=True, exist_ok=True)
    lines = ["name,true_yaw,true_pitch,true_roll,predicted_yaw,predicted_pitch,predicted_roll"]
    for name, truth, predicted in zip(evaluation.names, evaluation.truth_deg, evaluation.predicted_deg, strict=True):
        lines.append(",".join([name, *(f"{value:.3f}" for value in (*truth, *predicted))]))
    (options.out / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (options.out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    write_pictures(samples, evaluation, options.out, seed=options.seed)


def _record(options: argparse.Namespace, report: dict[str, Any]) -> None:
    """Put the result into the card, in place of an earlier one on the same data and protocol."""
    from hpe_edge.hub import resolve
    from hpe_edge.modelcard import save_card

    found = resolve(options.model)
    names = ("mae_deg", "yaw_deg", "pitch_deg", "roll_deg", "geodesic_deg", "maev_deg", "count")
    entry = {key: report[key] for key in ("dataset", "protocol", "crop")}
    entry |= {key: report["metrics"][key] for key in names}
    # The folder's name and not its place: a card travels, the machine it was measured on does not.
    where = ["--dataset", options.dataset, "--path", options.path.resolve().name]
    protocol = ["--all-poses"] if options.all_poses else []
    entry["command"] = shlex.join(["hpe-edge", "evaluate", *where, *protocol])
    entry["split"] = options.path.resolve().name
    same = ("dataset", "protocol", "split")
    others = [m for m in found.card.metrics if any(m.get(key) != entry[key] for key in same)]
    save_card(replace(found.card, metrics=(*others, entry)), found.card_path)


def _print(options: argparse.Namespace, metrics: Metrics, report: dict[str, Any]) -> None:
    if options.json:
        print(json.dumps(report, indent=2))
        return
    if options.quiet:
        print(f"{metrics.mae_deg:.3f}")
        return
    print(f"{report['dataset']}: {report['count']} images ({report['protocol']}; {report['dropped']} dropped)")
    print(f"model: {report['model']}")
    if "crop" in report:
        print(f"sha256 {report['weights_sha256']}")
        print(f"crop: {report['crop']}{'; flip averaged' if report['flip'] else ''}")
    print(f"\n{metrics.table()}")
    if "pitch_zero_fit" in report:
        fit = report["pitch_zero_fit"]
        print(
            f"\npitch zero: rotate by {fit['rotation_deg']:+.2f} on top of the card's "
            f"{report['pitch_zero_deg']:+.2f} -> MAE {fit['rotation_mae_deg']:.3f}; "
            f"or add {fit['additive_deg']:+.2f} to pitch -> MAE {fit['additive_mae_deg']:.3f} "
            "(fitted on these labels)"
        )
    if "margin_curve" in report:
        print("\nmargin  MAE    yaw    pitch  roll   geodesic")
        for row in report["margin_curve"]:
            cells = [row[k] for k in ("mae_deg", "yaw_deg", "pitch_deg", "roll_deg", "geodesic_deg")]
            numbers = " ".join("     -" if cell is None else f"{cell:6.2f}" for cell in cells)
            print(f"{row['margin']:>6.1f} {numbers}")
    if options.out is not None:
        print(f"\nwritten: {options.out}")
