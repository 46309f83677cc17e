"""Stillness against lateness: filters for the pose of a video, on rendered sequences whose true motion is known.

Casiez, Roussel and Vogel tune their filter by the same two numbers (1-euro Filter, CHI 2012, section "tuning"):
jitter where nothing moves, lag where something does. Every filter gets the very same poses of one model, from three
kinds of boxes: labelled ones, and ones as a detector gives them, shaken independently and slowly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hpe_edge.training.studies.jitter_lag import apart_deg, jitter_deg, lag_frames
from hpe_edge.training.studies.models import Contender
from hpe_edge.training.studies.report import COLOURS, Report, Table, saver
from hpe_edge.training.studies.sequences import Film, shaken
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hpe_edge import rotation
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.tracking import KalmanRotation, OneEuroBox, OneEuroRotation, RotationSmoother

F64 = NDArray[np.float64]
Bar = Callable[[Sequence[Film]], Any]

STILL = "still"
DEFAULT = "one-euro 0.5 Hz, smoothed boxes, beta 0.4"
_SLOW = 0.9  # correlation of slow noise from frame to frame


@dataclass(frozen=True)
class Filter:
    """One row: a filter of the pose, after boxes as they came or held still too. ``family`` joins points by a line."""

    family: str
    setting: str
    make: Callable[[], RotationSmoother] | None
    still_boxes: bool

    @property
    def default(self) -> bool:
        """Whether it is what ``Tracker`` does unless told otherwise."""
        return self.label == DEFAULT

    @property
    def label(self) -> str:
        """For tables."""
        return f"{self.family}, {self.setting}" if self.setting else self.family


def filters() -> list[Filter]:
    """The rows: nothing, boxes alone, and three families of filters from still to quick."""
    one_euro = [
        Filter(f"one-euro {cutoff:g} Hz{', smoothed boxes' * boxes}", f"beta {beta:g}", _one_euro(cutoff, beta), boxes)
        for cutoff, boxes in ((0.5, False), (2.0, True), (0.5, True))
        for beta in (0.05, 0.1, 0.2, 0.4, 0.8)
    ]
    kalman = [
        Filter("kalman, smoothed boxes", f"{acceleration:g} deg/s^2/rtHz", _kalman(acceleration), True)
        for acceleration in (10.0, 20.0, 40.0, 80.0, 160.0)
    ]
    return [Filter("raw", "", None, False), Filter("smoothed boxes alone", "", None, True), *one_euro, *kalman]


def study_smoothing(
    contender: Contender, films: Sequence[Film], *, sigma: float = 0.03, seed: int = 0, bar: Bar = iter
) -> Report:
    """Jitter of resting heads and lag behind moving ones, for each kind of boxes and each filter.

    Args:
        contender: the model whose poses are smoothed.
        films: sequences, at least one that rests (``--trajectory still``) and one that moves.
        sigma: how much a detector's boxes shake, in box sides.
        seed: of that.
        bar: wraps the films while their poses are estimated.

    Raises InvalidArgumentError for films that all rest or all move, what `shaken` and `lag_frames` raise.
    """
    if not {film.trajectory == STILL for film in films} == {True, False}:
        raise InvalidArgumentError(
            "--sequences: expected at least one of --trajectory still and one of another, got "
            f"{[film.trajectory for film in films]}"
        )
    boxes = {"labelled": (0.0, 0.0), "shaken": (sigma, 0.0), "shaken slowly": (sigma, _SLOW)}
    tracks: dict[str, list[_Track]] = {name: [] for name in boxes}
    for number, film in enumerate(bar(films)):
        for name, (size, correlation) in boxes.items():
            noisy = shaken(film.boxes_xyxy, size, correlation, np.random.default_rng((seed, number)))
            tracks[name].append(_estimate(contender, film, noisy))
    rows = {name: [_score(found, each) for each in filters()] for name, found in tracks.items()}
    results = {
        "model": contender.describe(),
        "sequences": [
            {"name": film.name, "trajectory": film.trajectory, "frames": len(film.time_s), "fps": film.fps}
            for film in films
        ],
        "sigma": sigma,
        "seed": seed,
        "rows": [{"boxes": name, **row} for name, scored in rows.items() for row in scored],
    }
    return Report(
        [_table(name, scored) for name, scored in rows.items()], [_note(films)], results, saver(_figure(rows))
    )


@dataclass(frozen=True)
class _Track:
    """Poses of one film, from boxes as they came and from boxes held still: (N, 3, 3) and their spread (N, 3)."""

    film: Film
    raw: tuple[F64, F64]
    steady: tuple[F64, F64]

    def smoothed(self, each: Filter) -> F64:
        rotations, std_deg = self.steady if each.still_boxes else self.raw
        if each.make is None:
            return rotations
        smoother = each.make()
        moments = zip(rotations, self.film.time_s.tolist(), std_deg, strict=True)
        return np.array([smoother.update(turn, time_s, std) for turn, time_s, std in moments])


def _estimate(contender: Contender, film: Film, boxes_xyxy: F64) -> _Track:
    pose = contender.predictor().pose
    smooth = OneEuroBox()
    steady = [smooth.update(box, time_s) for box, time_s in zip(boxes_xyxy, film.time_s.tolist(), strict=True)]

    def poses(boxes: Sequence[F64] | F64) -> tuple[F64, F64]:
        found = [pose.estimate(image, box[None]) for image, box in zip(film.images_bgr, boxes, strict=True)]
        euler_deg = np.concatenate([each.euler_deg for each in found]).astype(np.float64)
        return rotation.euler_to_rotation(euler_deg), np.concatenate([each.std_deg for each in found])

    return _Track(film, poses(boxes_xyxy), poses(steady))


def _score(tracks: Sequence[_Track], each: Filter) -> dict[str, Any]:
    found = [(track.smoothed(each), track.film) for track in tracks]
    moving = [(turns, film.rotation) for turns, film in found if film.trajectory != STILL]
    return {
        "filter": each.label,
        "family": each.family,
        "setting": each.setting,
        "default": each.default,
        "jitter_deg": float(np.mean([jitter_deg(turns) for turns, film in found if film.trajectory == STILL])),
        "lag_frames": lag_frames(moving),
        "worst_lag_frames": max(lag_frames([one]) for one in moving),
        "error_deg": float(np.concatenate([apart_deg(*one) for one in moving]).mean()),
    }


def _table(name: str, rows: Sequence[dict[str, Any]]) -> Table:
    raw = rows[0]["jitter_deg"] or math.nan  # pictures that are all the same
    return Table(
        f"Boxes: {name}. Jitter (degrees a frame) at rest, lag (frames) and geodesic error (degrees) in motion",
        ("filter", "jitter", "of raw", "lag", "worst sequence", "error"),
        [
            (
                row["filter"] + (" (default)" if row["default"] else ""), f"{row['jitter_deg']:.3f}",
                f"{100 * row['jitter_deg'] / raw:.0f} %", row["lag_frames"], row["worst_lag_frames"], row["error_deg"],
            )
            for row in rows
        ],
    )  # fmt: skip


def _note(films: Sequence[Film]) -> str:
    rest = [film for film in films if film.trajectory == STILL]
    kinds = ", ".join(film.trajectory for film in films if film.trajectory != STILL)
    return f"{len(rest)} sequences at rest; in motion: {kinds}; {sum(len(film.time_s) for film in films)} frames."


def _figure(rows: dict[str, list[dict[str, Any]]]) -> Figure:
    """A panel for each kind of boxes: jitter over lag, a line for each family, the default ringed."""
    figure = Figure(figsize=(12, 4.7), layout="constrained")
    for axis, (name, scored) in zip(figure.subplots(1, len(rows)), rows.items(), strict=True):
        _panel(axis, name, scored)
    figure.axes[0].set_ylabel("jitter at rest (degrees a frame)")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _panel(axis: Axes, name: str, scored: Sequence[dict[str, Any]]) -> None:
    raw = scored[0]["jitter_deg"]
    axis.axhspan(0, raw / 2, xmax=0.6, color="0.93", zorder=0)  # half the jitter within a frame; x runs from -0.5 to 2
    for number, family in enumerate(dict.fromkeys(row["family"] for row in scored)):
        points = sorted((row["lag_frames"], row["jitter_deg"]) for row in scored if row["family"] == family)
        axis.plot(*zip(*points, strict=True), marker="o", markersize=4, color=COLOURS[number], label=family)
    for row in scored:
        if row["default"]:
            axis.plot(row["lag_frames"], row["jitter_deg"], "o", markersize=11, markerfacecolor="none", color="black")
    axis.set(title=f"boxes: {name}", xlabel="lag in motion (frames)", xlim=(-0.5, 2.0))
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)


def _one_euro(min_cutoff_hz: float, beta: float) -> Callable[[], RotationSmoother]:
    return lambda: OneEuroRotation(min_cutoff_hz, beta)


def _kalman(acceleration_deg: float) -> Callable[[], RotationSmoother]:
    return lambda: KalmanRotation(acceleration_deg)
