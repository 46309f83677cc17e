"""``hpe-edge evaluate-faces``: how many faces a detector finds, and how many it invents."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_edge.errors import DatasetError, InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.training.detection.evaluation.detectors import Candidate
    from hpe_edge.training.detection.evaluation.measure import Findings, Progress
    from hpe_edge.training.detection.evaluation.sets import FacePicture, PictureSet

FORMAT = "hpe-edge-faces/1"
_EPILOG = """\
examples:
  hpe-edge evaluate-faces --faces helen_test:helen_test aflw2000:AFLW2000 --faceless maps
  hpe-edge evaluate-faces --detector face mtcnn --faces pointing04-profile:pointing04 --faceless maps wallpapers
  hpe-edge evaluate-faces --detector run/face.json --faces helen_test:helen_test --beside peers/faces.json --out report
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command; the heavy imports wait until it runs."""
    parser = subparsers.add_parser(
        "evaluate-faces",
        help="score face detectors on photographs",
        description="Score face detectors: recall, overlap, landmarks and time on photographs with labelled faces, "
        "false alarms on pictures without.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--detector", nargs="+", default=["face"], metavar="D",
        help="a registered detector, a card.json, or a peer: mtcnn, blazeface, blazeface-full, blazeface-back [face]",
    )  # fmt: skip
    parser.add_argument(
        "--precision", default="auto", choices=("auto", "fp32", "int8"), help="arithmetic of our detector [%(default)s]"
    )
    parser.add_argument(
        "--faces", nargs="+", default=[], metavar="NAME:DIR",
        help="labelled faces: helen_test, pointing04-profile or one of `hpe-edge datasets`",
    )  # fmt: skip
    parser.add_argument(
        "--faceless", nargs="+", default=[], metavar="maps|DIR",
        help="pictures without faces: views of held-out environment maps, or a folder of such photographs",
    )  # fmt: skip
    parser.add_argument("--assets", type=Path, metavar="DIR", help="rendering material for maps [$HPE_EDGE_ASSETS]")
    parser.add_argument("--count", type=int, default=500, metavar="N", help="pictures of a faceless set [%(default)s]")
    parser.add_argument("--limit", type=int, metavar="N", help="only N labelled pictures, spread over each set")
    parser.add_argument(
        "--beside", nargs="+", type=Path, default=[], metavar="JSON", help="faces.json of earlier runs to tell beside"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write faces.json, faces.md, curves.png and sheets")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="chooses the faceless pictures [%(default)s]")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Detect, measure, print, write."""
    import cv2
    from hpe_edge.training.detection.evaluation.detectors import open_candidate

    _check(options)
    cv2.setNumThreads(1)  # times are those of one thread
    sets = _sets(options)
    rows: list[dict[str, Any]] = []
    for name in options.detector:
        candidate = open_candidate(name, options.precision)
        rows += _rows(options, [_run(options, candidate, pictures) for pictures in sets])
    rows += [row for path in options.beside for row in read_rows(path)]
    report = {"format": FORMAT, "command": shlex.join(["hpe-edge", *sys.argv[1:]]), "seed": options.seed, "rows": rows}
    text = _text(rows)
    if options.out is not None:
        _write(options.out, report, text)
    print(json.dumps(report, indent=2) if options.json else text)
    return 0


def _check(options: argparse.Namespace) -> None:
    if not options.faces and not options.faceless:
        raise InvalidArgumentError("--faces, --faceless: expected at least one set of pictures, got none")
    for name, value in (("--count", options.count), ("--limit", options.limit)):
        if value is not None and value < 1:
            raise InvalidArgumentError(f"{name}: expected at least 1, got {value}")
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise InvalidArgumentError(f"--out: expected a folder, got the file {options.out}")


def _sets(options: argparse.Namespace) -> list[PictureSet]:
    from hpe_edge.training.detection.evaluation.faceless import folder_pictures, map_views
    from hpe_edge.training.detection.evaluation.sets import face_set

    sets = []
    for given in options.faces:
        name, colon, path = given.partition(":")
        if not colon:
            raise InvalidArgumentError(f"--faces: expected NAME:DIR, got {given!r}")
        sets.append(face_set(name, Path(path), options.limit))
    for given in options.faceless:
        if given == "maps":
            sets.append(map_views(options.assets, options.count, options.seed))
        else:
            sets.append(folder_pictures(Path(given), options.count, options.seed))
    return sets


def _run(options: argparse.Namespace, candidate: Candidate, pictures: PictureSet) -> Findings:
    from hpe_edge.training.detection.evaluation.measure import run_detector

    return run_detector(candidate, pictures, progress=_progress(options, f"{candidate.name}, {pictures.name}"))


def _progress(options: argparse.Namespace, label: str) -> Progress:
    from tqdm import tqdm

    def bar(pictures: Sequence[FacePicture]) -> Iterable[FacePicture]:
        shown: Iterable[FacePicture] = tqdm(pictures, desc=label, unit="picture", disable=options.quiet, leave=False)
        return shown

    return bar


def _rows(options: argparse.Namespace, all_findings: Sequence[Findings]) -> list[dict[str, Any]]:
    """A row for each set, and the contact sheets of ``--out``."""
    from hpe_edge.training.detection.evaluation.measure import curve, rates

    faceless = [findings for findings in all_findings if findings.pictures.faceless]
    pictures = max(1, sum(len(findings.found) for findings in faceless))
    alarms = sum(rates(findings).extra_a_picture * len(findings.found) for findings in faceless) / pictures
    rows = []
    for findings in all_findings:
        curves = {}
        if faceless and not findings.pictures.faceless:
            curves = {rule: curve(findings, faceless, rule) for rule in ("tight", "centre")}
        candidate = findings.candidate
        rows.append(
            {
                "detector": candidate.name, "set": findings.pictures.name, "faceless": findings.pictures.faceless,
                "precision": getattr(candidate.detector, "precision", None), "threshold": max(candidate.threshold, 0.0),
                "loose_boxes": candidate.loose, "rates": rates(findings).as_dict(), "alarms": alarms, "curve": curves,
            }
        )  # fmt: skip
        if options.out is not None:
            _write_sheet(options.out, findings)
    return rows


def _write_sheet(out: Path, findings: Findings) -> None:
    import cv2
    from hpe_edge.training.detection.evaluation.report import false_alarms, misses

    kind, draw = ("alarms", false_alarms) if findings.pictures.faceless else ("misses", misses)
    name = Path(findings.candidate.name.replace(":", "-")).stem
    out.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out / f"{kind}-{name}-{findings.pictures.name}.png"), draw(findings))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of an earlier ``faces.json``. Raises DatasetError for another file."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        form, rows = report["format"], list(report["rows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: expected a faces.json of evaluate-faces, got: {error!r}") from error
    if form != FORMAT:
        raise DatasetError(f"{path}: expected the format {FORMAT!r}, got {form!r}")
    return rows


def _text(rows: Sequence[dict[str, Any]]) -> str:
    from hpe_edge.training.detection.evaluation.report import table, yaw_table

    return "\n\n".join(part for part in (table(rows), yaw_table(rows)) if part)


def _write(out: Path, report: dict[str, Any], text: str) -> None:
    from hpe_edge.training.detection.evaluation.report import plot_curves

    out.mkdir(parents=True, exist_ok=True)
    (out / "faces.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (out / "faces.md").write_text(text + "\n", encoding="utf-8")
    if any(row["curve"] for row in report["rows"]):
        plot_curves(report["rows"], out / "curves.png")
