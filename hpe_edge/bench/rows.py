"""One benchmark: every backend, converted runtime and precision that can run, timed in one interleaved run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpe_edge.backends import Backend, available_backends, file_kind, open_backend
from hpe_edge.backends.native import NativeBackend
from hpe_edge.bench import runtimes
from hpe_edge.bench.energy import find_meter
from hpe_edge.bench.fresh import Peak, ProbeError, Start, measure_peak, measure_start
from hpe_edge.bench.measure import Timing, Track, interleave, untracked
from hpe_edge.bench.picture import drawn_boxes, drawn_head
from hpe_edge.bench.sustain import Sustained, measure_idle_w, sustain
from hpe_edge.bench.work import multiply_adds
from hpe_edge.cardfiles import size_bytes
from hpe_edge.errors import BackendError, HpeEdgeError, InvalidArgumentError
from hpe_edge.estimator import HeadPose
from hpe_edge.heads import decode
from hpe_edge.hub import Model, resolve

PRECISIONS: Final = ("fp32", "int8")

CONVERSION_BOUND_DEG: Final = 0.1
"""A converted network whose angles are further from the native network's computes something else."""


def known_backends() -> list[str]:
    """What can have a row: the registered backends, and the runtimes that a card's ONNX file is converted for."""
    return [*available_backends(), *runtimes.NAMES]


@dataclass(frozen=True)
class Settings:
    """What to measure.

    Attributes:
        model: name of a model, or path of a card.
        backends: of ``known_backends()``, with a device where one is meant; all of them when empty.
        precisions: of ``PRECISIONS``; converted runtimes have float32 only.
        rounds: counted rounds.
        frame_size: width and height of the frame, pixels.
        threads: threads that one call may use.
        profile: whether to time the steps of the native network.
        sustain_s: seconds that each row then estimates in a loop, for frames a second, clocks and energy; 0 for none.
    """

    model: str = "fsanet"
    backends: tuple[str, ...] = ()
    precisions: tuple[str, ...] = PRECISIONS
    rounds: int = 1000
    frame_size: tuple[int, int] = (1280, 720)
    threads: int = 1
    profile: bool = False
    sustain_s: float = 0.0

    def __post_init__(self) -> None:
        known = known_backends()
        unknown = [name for name in self.backends if name.partition(":")[0] not in known]
        if unknown:
            raise InvalidArgumentError(f"backend: expected one of {known}, got {unknown[0]!r}")
        for name, value, low, high in (
            ("rounds", self.rounds, 1, 1_000_000),
            ("threads", self.threads, 1, 256),
            ("frame width", self.frame_size[0], 32, 16384),
            ("frame height", self.frame_size[1], 32, 16384),
            ("sustain", self.sustain_s, 0, 3600),
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
        file_bytes: size of its network, one file or two.
        shift_deg: the largest difference of an angle from the native network's in float32, over some crops of a drawn
            head; ``None`` where the card has no file for it.
        network: ``Backend.run`` on one crop.
        estimate: ``HeadPose.estimate`` on a frame with one box.
        sustained: ``HeadPose.estimate`` in a loop, where it was asked for.
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
    shift_deg: float | None = None
    network: Timing | None = None
    estimate: Timing | None = None
    sustained: Sustained | None = None
    start: Start | None = None
    start_problem: str | None = None
    network_ratio: float | None = None
    estimate_ratio: float | None = None
    peak_share: float | None = None
    steps: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """All rows, what stands behind the shares of the peak and the energy, and why there is none where there is none."""

    settings: Settings
    model: Model
    rows: list[Row]
    multiply_adds: int | None
    peak: Peak | None
    peak_problem: str | None
    energy_source: str


@dataclass(frozen=True)
class Inputs:
    """What is timed and checked.

    Attributes:
        frame: (H, W, 3).
        boxes: the box in it (1, 4).
        crop: of the box, as the network takes it (1, 3, H, W).
        crops: (N, 3, H, W), of the drawn head in several sizes: their angles are compared.
    """

    frame: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    crop: NDArray[np.float32]
    crops: NDArray[np.float32]


@dataclass(frozen=True)
class _Contender:
    row: Row
    backend: Backend
    pose: HeadPose
    file_bytes: int
    converted: Path | None = None


def run_benchmark(settings: Settings, track: Track = untracked) -> Report:
    """Measure every combination of backend and precision, and every runtime that the card's ONNX file converts to.

    Raises:
        ModelNotFoundError, CorruptModelError: the card is missing or damaged.

    >>> report = run_benchmark(Settings(backends=("native",), precisions=("fp32",), rounds=2))
    >>> report.rows[0].network.p50_us > 0
    True
    """
    model = resolve(settings.model)
    names = settings.backends or known_backends()
    rows = [Row(name, p) for name in names for p in settings.precisions if p == "fp32" or name not in runtimes.NAMES]
    with TemporaryDirectory(prefix="hpe-edge-bench-") as folder:
        energy_source = _measure(rows, settings, model, Path(folder), track)
    macs, peak, problem = _peak(settings, model)
    for row in rows:
        row.network_ratio = _ratio(row, rows, "network")
        row.estimate_ratio = _ratio(row, rows, "estimate")
        if row.network is not None and macs is not None and peak is not None:
            row.peak_share = macs / (row.network.p50_us * 1e-6) / peak.macs_per_s
    return Report(settings, model, rows, macs, peak, problem, energy_source)


def _measure(rows: Sequence[Row], settings: Settings, model: Model, folder: Path, track: Track) -> str:
    """Fill the rows; what the energy is of, or why there is none."""
    inputs = make_inputs(settings, model)
    reference = _native_angles(model, inputs)
    found = [_open(row, settings, model, inputs, reference, folder) for row in track(rows, "rows")]
    contenders = [contender for contender in found if contender is not None]
    if contenders:
        _time(contenders, settings, inputs, track)
    energy_source = _sustain(contenders, settings, inputs, track)
    for contender in track(contenders, "fresh processes"):
        _start(contender, settings)
    return energy_source


def make_inputs(settings: Settings, model: Model) -> Inputs:
    """A frame of noise and its face; angles are compared on the drawn head."""
    width, height = settings.frame_size
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    boxes = np.array([settings.box], np.float32)
    crops = model.card.input.crops
    return Inputs(frame, boxes, crops(frame, boxes), crops(drawn_head(), drawn_boxes()))


def _native_angles(model: Model, inputs: Inputs) -> NDArray[np.float32] | None:
    """What the rows are compared with; a file that is damaged is told in the native row."""
    try:
        native = open_backend("native", model.card, model.read, precision="fp32", threads=1)
    except HpeEdgeError:
        return None
    return decode(model.card.head, native.run(inputs.crops))[0]


def _open(
    row: Row, settings: Settings, model: Model, inputs: Inputs, reference: NDArray[np.float32] | None, folder: Path
) -> _Contender | None:
    """Load what the row names, and try it; where that fails, the row says why."""
    try:
        contender = _load(row, settings, model, folder)
        outputs = contender.backend.run(inputs.crops)
        contender.pose.estimate(inputs.frame, inputs.boxes)
        if reference is not None:
            row.shift_deg = float(np.abs(decode(model.card.head, outputs)[0] - reference).max())
            if contender.converted is not None and row.shift_deg > CONVERSION_BOUND_DEG:
                raise BackendError(
                    f"its angles are up to {row.shift_deg:.2g} degrees from the native network's, "
                    f"expected {CONVERSION_BOUND_DEG} at most: the conversion is wrong"
                )
    except HpeEdgeError as error:
        row.problem = " ".join(str(error).split())
        return None
    row.version, row.provider = contender.backend.info.version, contender.backend.info.provider
    row.file_bytes = contender.file_bytes
    return contender


def _load(row: Row, settings: Settings, model: Model, folder: Path) -> _Contender:
    if row.backend in runtimes.NAMES:
        own = folder / row.backend
        own.mkdir()
        file = runtimes.convert(row.backend, model.read("onnx"), own)
        converted = runtimes.load(row.backend, file, model.card, settings.threads)
        return _Contender(row, converted, HeadPose(settings.model, backend=converted), file.stat().st_size, file)
    options: dict[str, Any] = {"precision": row.precision, "threads": settings.threads}
    backend = open_backend(row.backend, model.card, model.read, **options)
    pose = HeadPose(settings.model, backend=row.backend, **options)
    return _Contender(row, backend, pose, size_bytes(model.card, file_kind(backend, row.precision)))


def _time(contenders: Sequence[_Contender], settings: Settings, inputs: Inputs, track: Track) -> None:
    calls: list[Callable[[], Any]] = [partial(c.backend.run, inputs.crop) for c in contenders]
    calls += [partial(c.pose.estimate, inputs.frame, inputs.boxes) for c in contenders]
    timings = interleave(calls, settings.rounds, track=track)
    for index, contender in enumerate(contenders):
        contender.row.network, contender.row.estimate = timings[index], timings[index + len(contenders)]
        if settings.profile and isinstance(contender.backend, NativeBackend):
            contender.row.steps = contender.backend.profile()


def _sustain(contenders: Sequence[_Contender], settings: Settings, inputs: Inputs, track: Track) -> str:
    if not settings.sustain_s:
        return "not asked for"
    meter, source = find_meter()
    idle_power_w = measure_idle_w(meter)
    for contender in track(contenders, "in a loop"):
        call = partial(contender.pose.estimate, inputs.frame, inputs.boxes)
        contender.row.sustained = sustain(call, settings.sustain_s, meter, idle_power_w=idle_power_w)
    return source


def _start(contender: _Contender, settings: Settings) -> None:
    row = contender.row
    frame, box, file = settings.frame_size, settings.box, contender.converted
    try:
        row.start = measure_start(settings.model, row.backend, row.precision, settings.threads, frame, box, file)
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
