"""One benchmark: every backend and precision of a model that can run, timed in one interleaved run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpe_edge.backends import Backend, available_backends, file_kind, open_backend
from hpe_edge.backends.native import NativeBackend
from hpe_edge.bench.fresh import Peak, ProbeError, Start, measure_peak, measure_start
from hpe_edge.bench.measure import Timing, Track, interleave, untracked
from hpe_edge.bench.work import multiply_adds
from hpe_edge.errors import HpeEdgeError, InvalidArgumentError
from hpe_edge.estimator import HeadPose
from hpe_edge.hub import Model, resolve

PRECISIONS: Final = ("fp32", "int8")


@dataclass(frozen=True)
class Settings:
    """What to measure.

    Attributes:
        model: name of a model, or path of a card.
        backends: names; all registered ones when empty.
        precisions: of ``PRECISIONS``.
        rounds: counted rounds.
        frame_size: width and height of the frame, pixels.
        threads: threads that one call may use.
        profile: whether to time the steps of the native network.
    """

    model: str = "fsanet"
    backends: tuple[str, ...] = ()
    precisions: tuple[str, ...] = PRECISIONS
    rounds: int = 1000
    frame_size: tuple[int, int] = (1280, 720)
    threads: int = 1
    profile: bool = False

    def __post_init__(self) -> None:
        known = available_backends()
        unknown = [name for name in self.backends if name not in known]
        if unknown:
            raise InvalidArgumentError(f"backend: expected one of {known}, got {unknown[0]!r}")
        for name, value, low, high in (
            ("rounds", self.rounds, 1, 1_000_000),
            ("threads", self.threads, 1, 256),
            ("frame width", self.frame_size[0], 32, 16384),
            ("frame height", self.frame_size[1], 32, 16384),
        ):
            if not low <= value <= high:
                raise InvalidArgumentError(f"{name}: expected {low} to {high}, got {value}")

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The one face: a square of a sixth of the frame's shorter side, at least 16 pixels, in the middle."""
        width, height = self.frame_size
        half = max(16, min(width, height) // 6) / 2
        return (width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half)


@dataclass
class Row:
    """One backend and precision.

    Attributes:
        problem: why it cannot run; ``None`` when it can.
        version, provider: as the backend reports them.
        file_bytes: size of its network file.
        network: ``Backend.run`` on one crop.
        estimate: ``HeadPose.estimate`` on a frame with one box.
        start: cold start and memory, or ``start_problem``.
        network_ratio, estimate_ratio: how many times faster it is than the best float32 of the other backends, by
            the medians; ``None`` where there is no other.
        peak_share: multiply-adds a second of the network alone, as a share of the machine's float32 peak.
        steps: name and microseconds of the steps of the native network, where they were asked for.
    """

    backend: str
    precision: str
    problem: str | None = None
    version: str | None = None
    provider: str | None = None
    file_bytes: int | None = None
    network: Timing | None = None
    estimate: Timing | None = None
    start: Start | None = None
    start_problem: str | None = None
    network_ratio: float | None = None
    estimate_ratio: float | None = None
    peak_share: float | None = None
    steps: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """All rows, what stands behind the shares of the peak, and why there are none where there are none."""

    settings: Settings
    model: Model
    rows: list[Row]
    multiply_adds: int | None
    peak: Peak | None
    peak_problem: str | None


@dataclass(frozen=True)
class Inputs:
    """The frame (H, W, 3), the box in it (1, 4), and its crop as the network takes it (1, 3, H, W)."""

    frame: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    crop: NDArray[np.float32]


@dataclass(frozen=True)
class _Contender:
    row: Row
    backend: Backend
    pose: HeadPose


def run_benchmark(settings: Settings, track: Track = untracked) -> Report:
    """Measure every combination of backend and precision.

    Raises:
        ModelNotFoundError, CorruptModelError: the card is missing or damaged.

    >>> report = run_benchmark(Settings(backends=("native",), precisions=("fp32",), rounds=2))
    >>> report.rows[0].network.p50_us > 0
    True
    """
    model = resolve(settings.model)
    inputs = make_inputs(settings, model)
    rows = [Row(name, p) for name in settings.backends or available_backends() for p in settings.precisions]
    found = [_open(row, settings, model, inputs) for row in rows]
    contenders = [contender for contender in found if contender is not None]
    if contenders:
        _time(contenders, settings, inputs, track)
    for contender in track(contenders, "fresh processes"):
        _start(contender.row, settings)
    macs, peak, problem = _peak(settings, model)
    for row in rows:
        row.network_ratio = _ratio(row, rows, "network")
        row.estimate_ratio = _ratio(row, rows, "estimate")
        if row.network is not None and macs is not None and peak is not None:
            row.peak_share = macs / (row.network.p50_us * 1e-6) / peak.macs_per_s
    return Report(settings, model, rows, macs, peak, problem)


def make_inputs(settings: Settings, model: Model) -> Inputs:
    """A frame of noise and its face."""
    width, height = settings.frame_size
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    boxes = np.array([settings.box], np.float32)
    return Inputs(frame, boxes, model.card.input.crops(frame, boxes))


def _open(row: Row, settings: Settings, model: Model, inputs: Inputs) -> _Contender | None:
    """Load what the row names; where that fails, the row says why."""
    options: dict[str, Any] = {"precision": row.precision, "threads": settings.threads}
    try:
        backend = open_backend(row.backend, model.card, model.read, **options)
        backend.run(inputs.crop)
        pose = HeadPose(settings.model, backend=row.backend, **options)
        pose.estimate(inputs.frame, inputs.boxes)
    except HpeEdgeError as error:
        row.problem = " ".join(str(error).split())
        return None
    row.version, row.provider = backend.info.version, backend.info.provider
    row.file_bytes = model.card.files[file_kind(backend, row.precision)].bytes
    return _Contender(row, backend, pose)


def _time(contenders: Sequence[_Contender], settings: Settings, inputs: Inputs, track: Track) -> None:
    calls: list[Callable[[], Any]] = [partial(c.backend.run, inputs.crop) for c in contenders]
    calls += [partial(c.pose.estimate, inputs.frame, inputs.boxes) for c in contenders]
    timings = interleave(calls, settings.rounds, track=track)
    for index, contender in enumerate(contenders):
        contender.row.network, contender.row.estimate = timings[index], timings[index + len(contenders)]
        if settings.profile and isinstance(contender.backend, NativeBackend):
            contender.row.steps = contender.backend.profile()


def _start(row: Row, settings: Settings) -> None:
    try:
        row.start = measure_start(
            settings.model, row.backend, row.precision, settings.threads, settings.frame_size, settings.box
        )
    except ProbeError as error:
        row.start_problem = str(error)


def _peak(settings: Settings, model: Model) -> tuple[int | None, Peak | None, str | None]:
    """Multiply-adds of the network, the peak, and why one of the two is missing."""
    try:
        macs = multiply_adds(model.card, model.read)
    except HpeEdgeError as error:
        return None, None, str(error)
    if settings.threads != 1:
        return macs, None, f"the peak is that of one thread, the rows have {settings.threads}"
    try:
        return macs, measure_peak(), None
    except ProbeError as error:
        return macs, None, str(error)


def _ratio(row: Row, rows: Sequence[Row], what: str) -> float | None:
    """How many times faster the row is than the fastest float32 of the other backends."""
    own: Timing | None = getattr(row, what)
    others: list[Timing | None] = [
        getattr(other, what) for other in rows if other.backend != row.backend and other.precision == "fp32"
    ]
    medians = [timing.p50_us for timing in others if timing is not None]
    return min(medians) / own.p50_us if own is not None and medians else None
