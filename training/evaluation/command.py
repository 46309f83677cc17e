"""``hpe-edge evaluate``: score a model on labelled photographs."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hpe_edge.errors import InvalidArgumentError, missing_dependency

if TYPE_CHECKING:
    from hpe_edge.training.data.catalog import Selection
    from hpe_edge.training.data.samples import Sample
    from hpe_edge.training.evaluation.evaluate import Evaluation
    from hpe_edge.training.evaluation.found_boxes import FoundBoxes
    from hpe_edge.training.evaluation.fusion import Fused
    from hpe_edge.training.evaluation.predictors import Network, Predictor

Item = TypeVar("Item")

_EPILOG = """\
examples:
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000
  hpe-edge evaluate --dataset pointing04 --path pointing04 --all-poses --json
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000 --model peer.onnx --crop-recipe fsanet-clipped
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000 --margin-curve --out report
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000 --model one/card.json --fuse two/card.json three/last.pt
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000 --boxes detector
  hpe-edge evaluate --dataset aflw2000 --path AFLW2000 --constant
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command; the heavy imports wait until it runs."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a model on labelled photographs",
        description="Score a model on labelled photographs: MAE, geodesic error, MAEV, error by |yaw| bin, and how "
        "well its spread describes its errors.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dataset", required=True, metavar="NAME", help="one of `hpe-edge datasets`, such as aflw2000")
    parser.add_argument("--path", required=True, type=Path, metavar="DIR", help="its folder or zip")
    parser.add_argument(
        "--boxes",
        metavar="B",
        help="instead of the set's own boxes: detector, or detector:NAME as in evaluate-faces, to find the faces; "
        "a CSV of a detector's boxes (BIWI)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--model",
        default="fsanet",
        metavar="M",
        help="model name, card.json, a bare .onnx or a checkpoint .pt [%(default)s]",
    )
    what.add_argument("--checkpoint", type=Path, metavar="FILE", help="averaged weights of a training run")
    what.add_argument("--constant", action="store_true", help="guess the mean label: the score to beat")
    parser.add_argument(
        "--fuse", nargs="+", default=[], metavar="M", help="average with these models (as --model) or checkpoints (.pt)"
    )
    parser.add_argument(
        "--crop-recipe",
        default="card",
        metavar="R",
        help="card, tight, fsanet, fsanet-clipped, fsanet-biwi, hopenet, hopenet-biwi, hopenet-afw or 6drepnet "
        "[%(default)s]",
    )
    parser.add_argument("--margin", type=float, metavar="F", help="grow the box by F of its size on each side")
    parser.add_argument(
        "--square", action=argparse.BooleanOptionalAction, help="make the box square first [the recipe's]"
    )
    parser.add_argument("--backend", default="auto", metavar="B", help="backend [%(default)s]")
    parser.add_argument(
        "--precision", default="fp32", choices=("fp32", "int8"), help="arithmetic of the network [%(default)s]"
    )
    parser.add_argument("--flip", action="store_true", help="average with the mirrored photograph")
    parser.add_argument("--margin-curve", action="store_true", help="also score the margins 0, 0.1, ... 0.8")
    parser.add_argument(
        "--fit-pitch-zero", action="store_true", help="also fit the pitch constant that suits the labels best"
    )
    parser.add_argument("--all-poses", action="store_true", help="keep the poses that the protocol drops")
    parser.add_argument("--limit", type=int, metavar="N", help="only N samples, spread over the data set")
    parser.add_argument("--whole", action="store_true", help="refuse a data set that is not as large as published")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write report.html, report.json, predictions.csv and PNGs"
    )
    parser.add_argument("--record", action="store_true", help="also write the result into the model's card")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="chooses the random photographs of --out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress bar; print the MAE only")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Read, predict, measure, print, write."""
    try:
        from hpe_edge.training.evaluation.evaluate import constant_baseline, evaluate
    except ModuleNotFoundError as error:
        raise missing_dependency(str(error.name), "training", "hpe-edge evaluate") from error

    _check(options)
    selection = _select(options)
    found = _found_boxes(options, selection.samples)
    if found is not None:
        selection = replace(selection, samples=found.samples)
    samples = selection.samples
    if options.constant:
        evaluation = constant_baseline(samples)
        report: dict[str, Any] = {"model": "constant: mean label", "members": [], "flip": False}
    else:
        members = _members(options)
        fused = _fused(options, members, options.margin)
        evaluation = evaluate(fused, samples, flip=options.flip, progress=_progress(options, "evaluate"))
        report = _model_report(options, members, fused) | _extras(options, samples, evaluation, members)
        if found is not None:
            report["boxes"] = _boxes_report(options, found, fused)
    report = _data_report(options, selection) | report | _scores(evaluation)
    if options.dataset == "afw":
        report["yaw_within_15"] = _yaw_within_15(evaluation)
    if options.out is not None:
        _write(options, samples, evaluation, report)
    if options.record:
        _record(options, report)
    _print(options, evaluation, report)
    return 0


def _select(options: argparse.Namespace) -> Selection:
    from hpe_edge.training.data.catalog import select

    return select(
        options.dataset, options.path, limit=options.limit, all_poses=options.all_poses,
        boxes=None if options.boxes is None or _detector_name(options) else Path(options.boxes),
        expect_whole=options.whole,
    )  # fmt: skip


def _detector_name(options: argparse.Namespace) -> str | None:
    """The detector of ``--boxes detector[:NAME]``."""
    word, _, name = (options.boxes or "").partition(":")
    return (name or "face") if word == "detector" else None


def _found_boxes(options: argparse.Namespace, samples: Sequence[Sample]) -> FoundBoxes | None:
    name = _detector_name(options)
    if name is None:
        return None
    from hpe_edge.training.detection.evaluation.detectors import open_candidate
    from hpe_edge.training.evaluation.found_boxes import find_boxes

    return find_boxes(open_candidate(name), samples, progress=_progress(options, "find faces"))


def _boxes_report(options: argparse.Namespace, found: FoundBoxes, fused: Fused[Predictor]) -> dict[str, Any]:
    """Whose boxes these are, and the same images with the labelled boxes."""
    from hpe_edge.training.evaluation.evaluate import evaluate

    labelled = evaluate(fused, found.labelled, flip=options.flip, progress=_progress(options, "labelled boxes"))
    return {
        "detector": _detector_name(options), "found": len(found.samples), "missed": list(found.missed),
        "mean_iou": found.mean_iou, "labelled_boxes_mae_deg": labelled.metrics.mae_deg,
    }  # fmt: skip


def _yaw_within_15(evaluation: Evaluation) -> float:
    from hpe_edge.training.data.afw import yaw_within_15

    return yaw_within_15(evaluation.truth_deg, evaluation.predicted_deg)


def _check(options: argparse.Namespace) -> None:
    crop_given = options.margin is not None or options.square is not None or options.crop_recipe != "card"
    looks = crop_given or options.flip or options.margin_curve or options.fit_pitch_zero or options.fuse
    looks = looks or _detector_name(options)
    if options.constant and looks:
        raise InvalidArgumentError(
            "--constant: expected no crop, flip, fusion, detector, margin curve or pitch fit: it looks at no photograph"
        )
    partial = options.checkpoint or options.fuse or options.flip or options.limit or options.boxes or crop_given
    partial = partial or options.precision != "fp32"
    if options.record and (options.constant or partial):
        raise InvalidArgumentError(
            "--record: expected a model with its own crop on the whole data set, got --constant, "
            "--checkpoint, --fuse, --flip, --limit, --boxes, --precision or a crop option with it"
        )
    if options.record and options.model.endswith((".onnx", ".pt")):
        raise InvalidArgumentError(f"--record: expected a model with a card, got {options.model}")
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise InvalidArgumentError(f"--out: expected a folder, got the file {options.out}")


@dataclass(frozen=True)
class _Member:
    """One of the fused models: what to call it, and its network."""

    label: str
    network: Network


def _members(options: argparse.Namespace) -> list[_Member]:
    from hpe_edge.training.evaluation.predictors import open_any, open_checkpoint

    if options.checkpoint is None:
        first = _member(options.model, open_any(options.model))
    else:
        first = _Member(str(options.checkpoint), open_checkpoint(options.checkpoint))
    return [first, *(_member(model, open_any(model)) for model in options.fuse)]


def _member(given: str, network: Network) -> _Member:
    return _Member(given if given.endswith(".pt") else network.card.name, network)


def _fused(options: argparse.Namespace, members: Sequence[_Member], margin: float | None) -> Fused[Predictor]:
    from hpe_edge.training.evaluation.fusion import Fused
    from hpe_edge.training.evaluation.predictors import choose_crop

    return Fused(
        tuple(
            member.network.predictor(
                choose_crop(member.network, options.crop_recipe, margin, options.square),
                options.backend,
                options.precision,
            )
            for member in members
        )
    )


def _progress(options: argparse.Namespace, label: str) -> Callable[[Sequence[Item]], Iterable[Item]]:
    from tqdm import tqdm

    def bar(samples: Sequence[Item]) -> Iterable[Item]:
        shown: Iterable[Item] = tqdm(samples, desc=label, unit="photo", disable=options.quiet, leave=False)
        return shown

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


def _model_report(options: argparse.Namespace, members: Sequence[_Member], fused: Fused[Predictor]) -> dict[str, Any]:
    return {
        "model": " + ".join(member.label for member in members),
        "members": [
            {
                "model": member.label,
                "weights_sha256": predictor.pose.info.sha256,
                "parameters": member.network.parameters(),
                "input_px": [member.network.card.input.width, member.network.card.input.height],
                "crop": predictor.crop.describe(),
                "pitch_zero_deg": predictor.pitch_zero_deg,
                "runtime": predictor.pose.info.as_dict(),
            }
            for member, predictor in zip(members, fused.members, strict=True)
        ],
        "flip": options.flip,
    }


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    """The metrics, and the quality of the spread; null for a model without one."""
    calibration = evaluation.calibration
    return {
        "metrics": evaluation.metrics.as_dict(),
        "calibration": None if calibration is None else calibration.as_dict(),
    }


def _extras(
    options: argparse.Namespace, samples: Sequence[Sample], evaluation: Evaluation, members: Sequence[_Member]
) -> dict[str, Any]:
    """The parts that are only made when asked for: the pitch fit and the margin curve."""
    from hpe_edge.training.evaluation.evaluate import fit_pitch_zero, margin_curve

    extras: dict[str, Any] = {}
    if options.fit_pitch_zero:
        extras["pitch_zero_fit"] = asdict(fit_pitch_zero(evaluation))
    if options.margin_curve:
        curve = margin_curve(
            lambda margin: _fused(options, members, margin),
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
        from hpe_edge.training.evaluation.reports.files import write_report
    except ModuleNotFoundError as error:
        raise missing_dependency(str(error.name), "training", "hpe-edge evaluate --out") from error
    write_report(options.out, samples, evaluation, report, seed=options.seed)


def _record(options: argparse.Namespace, report: dict[str, Any]) -> None:
    """Put the result into the card, in place of an earlier one on the same data and protocol."""
    from hpe_edge.hub import resolve
    from hpe_edge.modelcard import save_card

    found = resolve(options.model)
    names = ("mae_deg", "yaw_deg", "pitch_deg", "roll_deg", "geodesic_deg", "maev_deg", "count")
    entry = {key: report[key] for key in ("dataset", "protocol")} | {"crop": report["members"][0]["crop"]}
    entry |= {key: report["metrics"][key] for key in names}
    if report["calibration"] is not None:
        entry["spread_coverage"] = report["calibration"]["overall"]["coverage"]
    # The folder's name and not its place: a card travels, the machine it was measured on does not.
    where = ["--dataset", options.dataset, "--path", options.path.resolve().name]
    protocol = ["--all-poses"] if options.all_poses else []
    entry["command"] = shlex.join(["hpe-edge", "evaluate", *where, *protocol])
    entry["split"] = options.path.resolve().name
    same = ("dataset", "protocol", "split")
    others = [m for m in found.card.metrics if any(m.get(key) != entry[key] for key in same)]
    save_card(replace(found.card, metrics=(*others, entry)), found.card_path)


def _print(options: argparse.Namespace, evaluation: Evaluation, report: dict[str, Any]) -> None:
    if options.json:
        print(json.dumps(report, indent=2))
        return
    if options.quiet:
        print(f"{evaluation.metrics.mae_deg:.3f}")
        return
    print(f"{report['dataset']}: {report['count']} images ({report['protocol']}; {report['dropped']} dropped)")
    print(f"model: {report['model']}{'; flip averaged' if report['flip'] else ''}")
    for member in report["members"]:
        print(f"sha256 {member['weights_sha256']}\ncrop: {member['crop']}")
    print(f"\n{evaluation.metrics.table()}")
    if "yaw_within_15" in report:
        print(f"\nyaw, rounded to 15 degrees, at most 15 off: {100 * report['yaw_within_15']:.2f} %")
    if "boxes" in report:
        _print_boxes(report["boxes"])
    calibration = evaluation.calibration
    print("\nno spread: the model gives none" if calibration is None else f"\n{calibration.table()}")
    _print_extras(report)
    if options.out is not None:
        print(f"\nwritten: {options.out}")


def _print_boxes(boxes: dict[str, Any]) -> None:
    print(
        f"\nboxes found by {boxes['detector']}: {boxes['found']} images, mean IoU {boxes['mean_iou']:.3f}; not found: "
        f"{len(boxes['missed'])}; MAE with the labelled boxes on the same images: {boxes['labelled_boxes_mae_deg']:.3f}"
    )


def _print_extras(report: dict[str, Any]) -> None:
    if "pitch_zero_fit" in report:
        fit = report["pitch_zero_fit"]
        zeros = ", ".join(f"{member['pitch_zero_deg']:+.2f}" for member in report["members"])
        print(
            f"\npitch zero: rotate by {fit['rotation_deg']:+.2f} on top of the card's "
            f"{zeros} -> MAE {fit['rotation_mae_deg']:.3f}; "
            f"or add {fit['additive_deg']:+.2f} to pitch -> MAE {fit['additive_mae_deg']:.3f} "
            "(fitted on these labels)"
        )
    if "margin_curve" in report:
        print("\nmargin  MAE    yaw    pitch  roll   geodesic")
        for row in report["margin_curve"]:
            cells = [row[k] for k in ("mae_deg", "yaw_deg", "pitch_deg", "roll_deg", "geodesic_deg")]
            numbers = " ".join("     -" if cell is None else f"{cell:6.2f}" for cell in cells)
            print(f"{row['margin']:>6.1f} {numbers}")
