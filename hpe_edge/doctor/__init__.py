"""What ``hpe-edge doctor`` looks at: files, detector, and every backend on one picture beside the native network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.backends import Device, available_backends, backend_class, backend_devices, file_kind
from hpe_edge.bench.machine import describe_machine
from hpe_edge.bench.picture import drawn_boxes, drawn_head
from hpe_edge.detectors import open_detector
from hpe_edge.detectors.card import load_detector_card
from hpe_edge.detectors.face import BUNDLED, bundled_card_path
from hpe_edge.errors import BackendError, CorruptModelError, HpeEdgeError, InvalidArgumentError, ModelNotFoundError
from hpe_edge.estimator import HeadPose
from hpe_edge.hub import Model, resolve
from hpe_edge.hub.check import check_file
from hpe_edge.hub.entries import AnyCard
from hpe_edge.images import ImageArray

__all__ = ["BOUNDS_DEG", "Examination", "FileFinding", "RunCheck", "examine"]

BOUNDS_DEG: Final = {"fp32": 0.05, "int8": 0.5, "fp16": 0.5, "bf16": 0.5}
"""How far angles may be from the native network's in float32: in float32 each, in fewer bits in the mean.

What rounding costs differs from picture to picture; the card's ``int8.shift_deg`` is a mean, too.
"""

NATIVE: Final = "native"
"""What the others are compared with: it needs nothing that is not bundled."""

_MODULES: Final = ("numpy", "cv2", "onnxruntime", "openvino", "torch", "lap", "tqdm", "aiohttp")


@dataclass(frozen=True)
class FileFinding:
    """A network file of a card: ``problem`` is ``None`` where it is what the card says."""

    model: str
    kind: str
    path: str
    problem: str | None


@dataclass(frozen=True)
class RunCheck:
    """A backend on a device in a precision.

    Attributes:
        backend: as ``HeadPose(backend=...)`` takes it.
        precision: ``None`` where it does not come to that.
        provider, version: what really runs.
        shift_deg: the largest difference of an angle from the native network's in float32; ``None`` where it cannot
            run.
        mean_shift_deg: the mean difference.
        bound_deg: what the first of them may be in float32, the second in fewer bits.
        problem: why it cannot run and what mends it, or that its angles are too far off.
        usable: whether it runs and gives the right angles.
    """

    backend: str
    precision: str | None = None
    provider: str | None = None
    version: str | None = None
    shift_deg: float | None = None
    mean_shift_deg: float | None = None
    bound_deg: float | None = None
    problem: str | None = None

    @property
    def usable(self) -> bool:
        """Whether it runs and gives the right angles."""
        return self.problem is None


@dataclass(frozen=True)
class Examination:
    """All that was found.

    Attributes:
        machine: processor, cores, system and Python.
        instruction_set: what the core uses.
        instruction_sets: those that it can use here.
        packages: installed distribution and version by module, ``None`` where there is none.
        files, runs: the checks.
        crops: how many crops of the picture every backend was tried on.
        detector_problem: why the bundled detector cannot run, or that it finds no face.
    """

    machine: dict[str, object]
    instruction_set: str
    instruction_sets: tuple[str, ...]
    packages: dict[str, str | None]
    files: tuple[FileFinding, ...]
    runs: tuple[RunCheck, ...]
    crops: int
    detector_problem: str | None

    @property
    def broken(self) -> tuple[str, ...]:
        """What should work and does not: a file, the detector, the native network, or angles that are too far off."""
        damaged = [f"{check.path}: {check.problem}" for check in self.files if check.problem is not None]
        wrong = [
            f"{check.backend} {check.precision}: {check.problem}"
            for check in self.runs
            if check.problem is not None and check.precision is not None
            if check.shift_deg is not None or check.backend == f"{NATIVE}:cpu"
        ]
        detector = [] if self.detector_problem is None else [f"detector {BUNDLED}: {self.detector_problem}"]
        return (*damaged, *detector, *wrong)


def examine(model: str = "fsanet", image: ImageArray | None = None) -> Examination:
    """Check files, detector and backends.

    Args:
        model: name of a model, or path of a card.
        image: a photograph with a face, BGR; a drawn head where it is left out.

    Raises:
        InvalidArgumentError: no face was found in the photograph.
        ModelNotFoundError, CorruptModelError: the card is missing or damaged.

    >>> examine().broken
    ()
    """
    found = resolve(model)
    detector_card = load_detector_card(bundled_card_path())
    files = [*_files(found.card, found.card_path.parent), *_files(detector_card, bundled_card_path().parent)]
    picture, boxes, problem = _picture(found, image)
    return Examination(
        machine={key: value for key, value in describe_machine().items() if key in ("cpu", "cores", "os", "python")},
        instruction_set=_core.isa(),
        instruction_sets=tuple(_core.available_isas()),
        packages=_packages(),
        files=tuple(files),
        runs=tuple(_runs(_trial(found, picture, boxes))),
        crops=len(boxes),
        detector_problem=problem,
    )


def _files(card: AnyCard, folder: Path) -> Iterator[FileFinding]:
    for kind, entry in card.files.items():
        problem = None
        try:
            check_file(card, kind, folder)
        except (ModelNotFoundError, CorruptModelError) as error:
            problem = str(error)
        yield FileFinding(card.name, kind, entry.path, problem)


def _picture(model: Model, image: ImageArray | None) -> tuple[ImageArray, NDArray[np.float32], str | None]:
    """The picture and boxes (N, 4) to try the backends on, and what is wrong with the detector."""
    drawn, boxes = drawn_head(), drawn_boxes()
    try:
        found = open_detector(BUNDLED, model.card.input).detect(drawn if image is None else image, "bgr8")
    except (ModelNotFoundError, CorruptModelError, BackendError) as error:
        return drawn, boxes, str(error)
    if image is not None:
        if not len(found):
            raise InvalidArgumentError("image: expected a photograph with a face, found none")
        return image, found.boxes_xyxy, None
    return drawn, boxes, None if len(found) == 1 else f"expected one face in the drawn picture, found {len(found)}"


def _packages() -> dict[str, str | None]:
    """The distributions behind importable modules: ONNX Runtime's has many names."""
    installed = packages_distributions()
    found = {module: dict.fromkeys(installed.get(module, [])) for module in _MODULES}
    return {module: ", ".join(f"{name} {version(name)}" for name in names) or None for module, names in found.items()}


@dataclass(frozen=True)
class _Trial:
    """A model, the picture and boxes (N, 4) that every backend gets, and what the native network makes of them."""

    model: Model
    picture: ImageArray
    boxes: NDArray[np.float32]
    exact_deg: NDArray[np.float32] | None

    def run(self, backend: str, precision: str) -> RunCheck:
        """Try one backend and precision."""
        try:
            pose = HeadPose(self.model.card_path, backend=backend, precision=precision)
            angles = pose.estimate(self.picture, self.boxes).euler_deg
        except HpeEdgeError as error:
            return RunCheck(backend, precision, problem=_line(error))
        info, bound = pose.info, BOUNDS_DEG[precision]
        if self.exact_deg is None:
            return RunCheck(backend, precision, info.provider, info.backend_version)
        away = np.abs(angles - self.exact_deg)
        largest, mean = float(away.max()), float(away.mean())
        judged, what = (largest, "up to ") if precision == "fp32" else (mean, "on average ")
        problem = None
        if not judged <= bound:  # NaN is not, either
            problem = f"its angles are {what}{judged:.2g} degrees from the native network's, expected {bound} at most"
        return RunCheck(backend, precision, info.provider, info.backend_version, largest, mean, bound, problem)


def _trial(model: Model, picture: ImageArray, boxes: NDArray[np.float32]) -> _Trial:
    try:
        native = HeadPose(model.card_path, backend=NATIVE, precision="fp32")
        return _Trial(model, picture, boxes, native.estimate(picture, boxes).euler_deg)
    except HpeEdgeError:
        return _Trial(model, picture, boxes, None)  # its own row says why


def _runs(trial: _Trial) -> Iterator[RunCheck]:
    for name in sorted(available_backends(), key=lambda name: (name != NATIVE, name)):
        try:
            devices = backend_devices(name)
        except HpeEdgeError as error:
            yield RunCheck(name, problem=_line(error))
            continue
        for device in reversed(devices):
            yield from _on_device(trial, name, device)


def _on_device(trial: _Trial, name: str, device: Device) -> Iterator[RunCheck]:
    backend, reader = f"{name}:{device.name}", backend_class(name)
    able = [each for each in device.precisions if file_kind(reader, each) in trial.model.card.files]
    if device.problem is not None:
        yield RunCheck(backend, problem=device.problem)
    elif not able:
        yield RunCheck(backend, problem=f"the card has no {reader.file_kind} file, which it reads")
    else:
        yield from (trial.run(backend, precision) for precision in able)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
