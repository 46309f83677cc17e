"""Draws docs/conventions.svg. The heads are turned by the library's own conversions, so signs cannot drift.

python docs/make_conventions_figure.py            # rewrite the figure
python docs/make_conventions_figure.py --check    # exit 1 when the file differs
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpe_edge.rotation import euler_to_rotation

Array = NDArray[np.float64]

TARGET = Path(__file__).with_name("conventions.svg")
WIDTH, HEIGHT = 1000, 640
SKIN, LINE, TEXT, FAINT = "#f3d9c4", "#5b4636", "#1d1d1f", "#6b6b70"
RED, GREEN, BLUE = "#d62828", "#2a9d3a", "#1f6fe0"
RADII = np.array([0.74, 1.0, 0.86])  # of the head, in units of its half height; OpenCV head axes


def _line(a: Array, b: Array, colour: str, width: float = 2.0, arrow: str = "") -> str:
    head = f' marker-end="url(#{arrow})"' if arrow else ""
    return (
        f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" '
        f'stroke="{colour}" stroke-width="{width}" stroke-linecap="round"{head}/>'
    )


def _path(points: Array, fill: str, colour: str = LINE, close: bool = True) -> str:
    steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    end = " Z" if close else ""
    style = f'fill="{fill}" stroke="{colour}" stroke-width="1.6" stroke-linejoin="round"'
    return f'<path d="M{steps}{end}" {style}/>'


def _text(x: float, y: float, words: str, size: int = 14, colour: str = TEXT, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="middle"{weight}>{words}</text>'
    )


def _head(centre: Array, size: float, rotation: Array) -> list[str]:
    """A head seen orthographically: silhouette of an ellipsoid, eyes, nose and mouth in 3D."""

    def at(points: Array) -> Array:
        return np.asarray(centre + size * (points @ rotation.T)[:, :2])

    def on_surface(x: Array, y: Array) -> Array:
        z = -RADII[2] * np.sqrt(np.maximum(0.0, 1 - (x / RADII[0]) ** 2 - (y / RADII[1]) ** 2))
        return np.stack([x, y, z], axis=1)

    shape = (rotation @ np.diag(RADII**2) @ rotation.T)[:2, :2]
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    parts = [_path(centre + size * circle @ np.linalg.cholesky(shape).T, SKIN)]
    for side in (-0.3, 0.3):
        parts.append(_path(at(on_surface(side + 0.11 * circle[:, 0], -0.16 + 0.06 * circle[:, 1])), "white"))
        parts.append(_path(at(on_surface(side + 0.045 * circle[:, 0], -0.16 + 0.05 * circle[:, 1])), LINE))
        brow = np.linspace(-0.15, 0.15, 9)
        parts.append(_path(at(on_surface(side + brow, -0.34 + 0.9 * brow**2)), "none", close=False))
    mouth = np.linspace(-0.24, 0.24, 13)
    parts.append(_path(at(on_surface(mouth, 0.52 - 0.9 * mouth**2)), "none", close=False))
    nose = np.array([[-0.13, 0.26, -0.8], [0.0, -0.14, -0.84], [0.13, 0.26, -0.8], [0.0, 0.22, -1.16]])
    parts.append(_path(at(nose[[0, 1, 3]]), "#e9c6ab"))
    parts.append(_path(at(nose[[1, 2, 3]]), "#e3bb9d"))
    parts.append(_path(at(nose[[0, 2, 3]]), "#d9ab8b"))
    return parts


def _axes(centre: Array, size: float, rotation: Array) -> list[str]:
    tips = [(rotation[:, 0], RED, "red"), (rotation[:, 1], GREEN, "green"), (-rotation[:, 2], BLUE, "blue")]
    parts = []
    for tip, colour, name in sorted(tips, key=lambda item: -float(item[0][2])):
        if np.hypot(tip[0], tip[1]) > 0.1:
            parts.append(_line(centre, centre + 1.25 * size * tip[:2], colour, 3.5, name))
        else:
            parts.append(_toward(centre, colour))
    return parts


def _toward(at: Array, colour: str, away: bool = False) -> str:
    x, y = at
    ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="white" stroke="{colour}" stroke-width="3"/>'
    if away:
        d, across = 5.0, np.array([5.0, -5.0])
        return ring + _line(at - d, at + d, colour) + _line(at - across, at + across, colour)
    return ring + f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def _turned(centre: Array, euler: tuple[float, float, float], title: str, note: str) -> list[str]:
    rotation = np.asarray(euler_to_rotation([euler])[0], dtype=np.float64)
    return [
        *_head(centre, 78, rotation),
        *_axes(centre, 78, rotation),
        _text(centre[0], centre[1] + 136, title, 17, bold=True),
        _text(centre[0], centre[1] + 157, note, 14, FAINT),
    ]


def _frame(centre: Array, axes: tuple[str, str, str], title: str, note: str) -> list[str]:
    """A frame on the frontal head; each axis is ``right``, ``up``, ``down``, ``toward`` or ``away``."""
    ways = {"right": np.array([1.0, 0.0]), "up": np.array([0.0, -1.0]), "down": np.array([0.0, 1.0])}
    parts, last = _head(centre, 62, np.eye(3)), []
    for letter, way, colour, name in zip("xyz", axes, (RED, GREEN, BLUE), ("red", "green", "blue"), strict=True):
        if way in ways:
            tip = centre + 84 * ways[way]
            parts.append(_line(centre, tip, colour, 3.5, name))
            label = tip + 20 * ways[way] + np.array([0.0, 5.0])
        else:
            last.append(_toward(centre, colour, away=way == "away"))
            label = centre + np.array([-21.0, 9.0])
        parts.append(_text(label[0], label[1], letter, 17, colour, bold=True))
    parts.append(_text(centre[0], centre[1] + 132, title, 17, bold=True))
    parts.append(_text(centre[0], centre[1] + 153, note, 14, FAINT))
    return parts + last


def _boxes(centre: Array) -> list[str]:
    half_w, half_h, margin = 40.0, 46.0, 0.4
    grown = (1 + 2 * margin) * max(half_w, half_h)
    x, y = centre
    return [
        f'<rect x="{x - grown:.1f}" y="{y - grown:.1f}" width="{2 * grown:.1f}" height="{2 * grown:.1f}" '
        f'fill="#eef3fb" stroke="{FAINT}" stroke-width="1.6" stroke-dasharray="6 5"/>',
        *_head(np.array([x, y - 12]), 62, np.eye(3)),
        f'<rect x="{x - half_w:.1f}" y="{y - half_h + 4:.1f}" width="{2 * half_w:.1f}" '
        f'height="{2 * half_h:.1f}" fill="none" stroke="{RED}" stroke-width="2.6"/>',
        _text(x, y + 132, "tight box, model's crop", 17, bold=True),
        _text(x, y + 153, "brows to chin; margin: the card", 14, FAINT),
    ]


def figure() -> str:
    """The figure as SVG text."""
    markers = "".join(
        f'<marker id="{name}" viewBox="0 0 10 10" refX="6" refY="5" markerWidth="4.2" markerHeight="4.2" '
        f'orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 Z" fill="{colour}"/></marker>'
        for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE))
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="Helvetica, Arial, sans-serif">',
        "<title>Conventions of hpe-edge: signs of the angles, frames, boxes</title>",
        f"<defs>{markers}</defs>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    columns = (130.0, 377.0, 623.0, 870.0)
    turns = (
        ((0.0, 0.0, 0.0), "frontal: 0, 0, 0", "rotation is the identity"),
        ((30.0, 0.0, 0.0), "yaw +30&#176;", "the nose points to image-left"),
        ((0.0, 25.0, 0.0), "pitch +25&#176;", "the face looks up"),
        ((0.0, 0.0, 25.0), "roll +25&#176;", "clockwise in the image"),
    )
    for x, (euler, title, note) in zip(columns, turns, strict=True):
        parts += _turned(np.array([x, 140.0]), euler, title, note)
    frames = (
        (("right", "down", "away"), "OpenCV / ROS optical", "what rotation is expressed in"),
        (("right", "up", "toward"), "label frame", "of 300W-LP and MediaPipe"),
        (("toward", "right", "up"), "REP-103 body", "x forward, y left, z up"),
    )
    for x, (axes, title, note) in zip(columns, frames, strict=False):
        parts += _frame(np.array([x, 460.0]), axes, title, note)
    parts += _boxes(np.array([columns[3], 460.0]))
    parts.append("</svg>\n")
    return "\n".join(parts)


def main() -> int:
    """Write the figure, or compare it."""
    if "--check" in sys.argv[1:]:
        return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != figure())
    TARGET.write_text(figure(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
