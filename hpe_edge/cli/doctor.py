"""``hpe-edge doctor``: what runs on this machine, what does not, and what mends it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpe_edge.doctor import Examination, RunCheck

_EPILOG = """\
examples:
  hpe-edge doctor
  hpe-edge doctor --image face.jpg
  hpe-edge doctor --model my/card.json --json

Every file of the model and of the face detector is read and its sha256 checked. Then every backend runs the
same picture on each of its devices and in each of its precisions, beside the native network in float32: largest
and mean are of the differences of the angles in degrees. The largest may be 0.05 in float32, the mean 0.5 in 8
or 16 bits. The picture is a drawn head in nine crops, or the faces that the bundled detector finds in --image.

Exit codes: 0 all that is bundled works and all that runs agrees; 1 a file is damaged, the detector or the native
network does not work, or a backend gives other angles; 2 bad input.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "doctor",
        help="which backends and devices work here, and what mends those that do not",
        description="Check the files, the face detector and every backend, device and precision on one picture.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="fsanet", metavar="M", help="model name or card.json [%(default)s]")
    parser.add_argument("--image", metavar="PHOTO", help="a photograph with a face, in place of a drawn head")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="print only what is broken")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Examine, print."""
    from hpe_edge.doctor import examine
    from hpe_edge.images import read_image

    found = examine(options.model, None if options.image is None else read_image(options.image))
    if options.json:
        print(json.dumps(_as_json(found), indent=2))
    elif not options.quiet:
        print(_as_text(found))
    elif found.broken:
        print("\n".join(found.broken))
    return 1 if found.broken else 0


def _as_json(found: Examination) -> dict[str, object]:
    runs = [asdict(check) | {"usable": check.usable} for check in found.runs]
    return {"format": "hpe-edge-doctor/1"} | asdict(found) | {"runs": runs, "broken": list(found.broken)}


def _as_text(found: Examination) -> str:
    machine = found.machine
    packages = [name or f"no {module}" for module, name in found.packages.items()]
    damaged = [
        f"  {check.model} {check.kind} ({check.path}): {check.problem}" for check in found.files if check.problem
    ]
    picture = f"{found.crops} crop{'s' if found.crops != 1 else ''}"
    lines = [
        f"machine   {machine['cpu']}, {machine['cores']} cores; {machine['os']}; {machine['python']}",
        f"core      {found.instruction_set}, of {', '.join(found.instruction_sets)}",
        f"packages  {', '.join(packages)}",
        f"files     {len(found.files) - len(damaged)} of {len(found.files)} are what their cards say",
        *damaged,
        f"detector  {found.detector_problem or 'works'}",
        "",
        *_table([check for check in found.runs if check.usable or check.precision is not None], picture),
        *_unusable([check for check in found.runs if not check.usable]),
        "",
        "broken: " + "; ".join(found.broken) if found.broken else "nothing is broken",
    ]
    return "\n".join(lines)


def _table(checks: Sequence[RunCheck], picture: str) -> list[str]:
    """What ran, or should have."""
    rows: list[tuple[str, ...]] = [("backend", "precision", "running", "version", "largest deg", "mean deg", "")]
    for check in checks:
        shifts = ("-" if each is None else f"{each:.5f}" for each in (check.shift_deg, check.mean_shift_deg))
        verdict = "works" if check.usable else "does not work"
        cells = (check.precision or "-", check.provider or "-", check.version or "-", *shifts, verdict)
        rows.append((check.backend, *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [f"on {picture}, beside the native network in float32:", *lines]


def _unusable(checks: Sequence[RunCheck]) -> list[str]:
    if not checks:
        return []
    names = [" ".join(filter(None, (check.backend, check.precision))) for check in checks]
    width = max(map(len, names))
    return [
        "",
        "not usable:",
        *(f"{name:<{width}}  {check.problem}" for name, check in zip(names, checks, strict=True)),
    ]
