"""Landmark-to-pose: what number, noise, camera and mean face do to a pose that is solved from landmarks.

Ruiz et al., "Fine-Grained Head Pose Estimation Without Keypoints" (CVPRW 2018), section IV-B, figs. 3 to 5,
table I: labelled landmarks of AFLW2000, a mean 3D face, solvePnP. The paper's faces are the 3DMM behind the
labels; here it is the head studio's mean head, which no label has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.evaluation.evaluate import Evaluation, Progress, evaluate, fit_pitch_zero, truth_of
from hpe_edge.training.evaluation.metrics import Metrics
from hpe_edge.training.studies.landmark_pnp_figure import pnp_figure
from hpe_edge.training.studies.mean_face import stretched
from hpe_edge.training.studies.models import Contender
from hpe_edge.training.studies.pnp import LEAST_POINTS, STARTS, chosen, pinhole, pose_from_points
from hpe_edge.training.studies.report import Cell, Report, Table, saver
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError, InvalidArgumentError

PAPER = "Hopenet, table I, labelled landmarks: yaw 5.92, pitch 11.76, roll 8.27, mean 8.65 (1,969 images)"


@dataclass(frozen=True)
class Setting:
    """One way to solve. focal: image sides. jitter: sigma in box sides. width, height: of the mean face."""

    points: int = 68
    focal: float = 1.0
    jitter: float = 0.0
    width: float = 1.0
    height: float = 1.0
    start: str = "orthographic"


@dataclass(frozen=True)
class Plan:
    """What is varied; ``focal`` and ``start`` hold where they are not. ``repeats``: draws of the jitter."""

    points: tuple[int, ...] = (5, 6, 10, 14, 21, 52, 68)
    jitters: tuple[float, ...] = (0.0, 0.01, 0.02, 0.03, 0.05)
    stretches: tuple[float, ...] = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)
    focals: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 16.0)
    focal: float = 1.0
    start: str = "orthographic"
    repeats: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        for count in self.points:
            chosen(count, self.start)
        if not self.points or self.repeats < 1:
            raise InvalidArgumentError(f"plan: expected points and at least one repeat, got {self}")
        if any(not 0 <= jitter <= 1 for jitter in self.jitters):
            raise InvalidArgumentError(f"--jitter: expected fractions of the box, 0 to 1, got {list(self.jitters)}")
        if any(not value > 0 for value in (*self.stretches, *self.focals, self.focal)):
            raise InvalidArgumentError("--stretch and --focal: expected factors above 0")

    def sweeps(self) -> dict[str, list[Setting]]:
        """The settings of each sweep, by the name of what is varied."""
        values: dict[str, tuple[Any, ...]] = {
            "focal": tuple(sorted({*self.focals, self.focal})),
            "jitter": tuple(sorted({0.0, *self.jitters})),
            "width": tuple(sorted({1.0, *self.stretches})),
            "height": tuple(sorted({1.0, *self.stretches})),
        }
        plain = Setting(focal=self.focal, start=self.start)
        return {
            name: [replace(plain, points=count, **{name: value}) for count in self.points for value in those]
            for name, those in values.items()
        }

    def first(self) -> list[Setting]:
        """Nothing varied but the number of points."""
        return [Setting(points=count, focal=self.focal, start=self.start) for count in self.points]

    def starts(self) -> list[Setting]:
        """Both starts of the solver, each for as many points as it can."""
        return [
            replace(plain, start=start)
            for plain in self.first()
            for start in STARTS
            if plain.points >= LEAST_POINTS[start]
        ]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """points_xy (N, 68, 2) pixels, truth_deg (N, 3), sides_px (N,) of the tight boxes, sizes (N) of the images."""

    points_xy: NDArray[np.float64]
    truth_deg: NDArray[np.float32]
    sides_px: NDArray[np.float64]
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Solved:
    """Errors of a setting: as they are, and after the fit of one pitch-zero rotation."""

    metrics: Metrics
    pitch_zero_deg: float
    fitted_mae_deg: float

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        fit = {"pitch_zero_deg": self.pitch_zero_deg, "fitted_mae_deg": self.fitted_mae_deg}
        return {**self.metrics.as_dict(), **fit}


def read_landmarks(samples: Sequence[Sample], progress: Progress = iter) -> Landmarks:
    """Landmarks and image sizes of photographs. Raises DatasetError for a sample without landmarks."""
    points, sizes = [], []
    for sample in progress(samples):
        if sample.landmarks_xy is None:
            raise DatasetError(f"sample {sample.name}: expected 68 landmarks, as aflw2000 and 300wlp have; got none")
        height, width = sample.image_bgr().shape[:2]
        points.append(sample.landmarks_xy.astype(np.float64))
        sizes.append((width, height))
    xy = np.stack(points)
    extent = xy.max(axis=1) - xy.min(axis=1)
    return Landmarks(xy, truth_of(samples), np.sqrt(extent.prod(axis=1)), tuple(sizes))


def solve(setting: Setting, landmarks: Landmarks, face_mm: NDArray[np.float64], plan: Plan) -> Solved:
    """Poses of all photographs under one setting. Every setting of a plan sees the same noise."""
    index = chosen(setting.points, setting.start)
    model = stretched(face_mm, setting.width, setting.height)[index]
    rng = np.random.default_rng(plan.seed)
    repeats = plan.repeats if setting.jitter > 0 else 1
    found = []
    for _ in range(repeats):
        noise = setting.jitter * rng.standard_normal(landmarks.points_xy.shape) * landmarks.sides_px[:, None, None]
        for points, size in zip(landmarks.points_xy + noise, landmarks.sizes, strict=True):
            camera = pinhole(size, setting.focal)
            found.append(pose_from_points(points[index], model, camera, setting.start))
    names = tuple(str(number) for number in range(len(found)))
    evaluation = Evaluation(names, np.tile(landmarks.truth_deg, (repeats, 1)), np.stack(found))
    fit = fit_pitch_zero(evaluation)
    return Solved(evaluation.metrics, fit.rotation_deg, fit.rotation_mae_deg)


def study_landmark_pnp(
    samples: Sequence[Sample],
    face_mm: NDArray[np.float64],
    plan: Plan,
    contenders: Sequence[Contender] = (),
    *,
    bar: Callable[[str], Any] = lambda _: iter,
) -> Report:
    """All sweeps of a plan, and the networks on the same photographs. ``bar(label)`` makes a progress bar.

    Raises DatasetError for photographs without landmarks and what solving and evaluating raise.
    """
    landmarks = read_landmarks(samples, bar("read"))
    sweeps = plan.sweeps()
    varied = [setting for settings in sweeps.values() for setting in settings]
    unique = list(dict.fromkeys([*plan.first(), *plan.starts(), *varied]))
    solved = {setting: solve(setting, landmarks, face_mm, plan) for setting in bar("solvePnP")(unique)}
    networks = {c.label: evaluate(c.predictor(), samples, progress=bar(c.label)).metrics for c in contenders}
    tables = [_overview(plan.first(), solved, networks, len(samples)), _by_start(plan.first(), solved)]
    tables += [_pivot(name, settings, solved) for name, settings in sweeps.items()]
    results = {
        "plan": vars(plan),
        "settings": [vars(setting) | solved[setting].as_dict() for setting in unique],
        "models": [c.describe() | {"metrics": networks[c.label].as_dict()} for c in contenders],
        "paper": PAPER,
    }
    figure = pnp_figure(
        {name: _lines(name, settings, solved) for name, settings in sweeps.items()},
        {label: metrics.mae_deg for label, metrics in networks.items()},
    )
    return Report(tables, [f"Paper: {PAPER}."], results, saver(figure))


def _overview(
    first: Sequence[Setting], solved: dict[Setting, Solved], networks: dict[str, Metrics], count: int
) -> Table:
    """Each number of points at the plan's focal length, then the networks."""
    rows: list[Sequence[Cell]] = []
    for setting in first:
        result = solved[setting]
        name = f"solvePnP, {setting.points} points"
        rows.append((name, *_angles(result.metrics), result.fitted_mae_deg, f"{result.pitch_zero_deg:+.1f}"))
    rows += [(label, *_angles(metrics), None, None) for label, metrics in networks.items()]
    title = (
        f"Labelled landmarks of {count} photographs and a mean face: errors (degrees); "
        f"focal length {first[0].focal:g} image sides, start {first[0].start}"
    )
    return Table(title, ("", "yaw", "pitch", "roll", "mean", "geodesic", "mean, fitted", "pitch zero"), rows)


def _by_start(first: Sequence[Setting], solved: dict[Setting, Solved]) -> Table:
    rows = []
    for plain in first:
        both = [solved.get(replace(plain, start=start)) for start in STARTS]
        rows.append((str(plain.points), *(found.metrics.mae_deg if found else None for found in both)))
    return Table("MAE (degrees) by start of the solver", ("points", "orthographic", "DLT (solvePnP's own)"), rows)


def _angles(m: Metrics) -> tuple[float, ...]:
    return m.yaw_deg, m.pitch_deg, m.roll_deg, m.mae_deg, m.geodesic_deg


def _lines(
    name: str, settings: Sequence[Setting], solved: dict[Setting, Solved]
) -> dict[int, list[tuple[float, float]]]:
    """MAE over the varied value, for each number of points."""
    lines: dict[int, list[tuple[float, float]]] = {}
    for setting in settings:
        point = (float(getattr(setting, name)), solved[setting].metrics.mae_deg)
        lines.setdefault(setting.points, []).append(point)
    return lines


_TITLES = {
    "focal": "by focal length (image sides)",
    "jitter": "by jitter of the landmarks (sigma, fraction of the box)",
    "width": "by width of the mean face",
    "height": "by height of the mean face",
}


def _pivot(name: str, settings: Sequence[Setting], solved: dict[Setting, Solved]) -> Table:
    lines = _lines(name, settings, solved)
    values = [value for value, _ in next(iter(lines.values()))]
    rows = [(str(points), *(mae for _, mae in line)) for points, line in lines.items()]
    return Table(f"MAE (degrees) {_TITLES[name]}", ("points", *(f"{value:g}" for value in values)), rows)
