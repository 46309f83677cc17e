"""``HeadPose``: images in, head poses out."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_edge import _core
from hpe_edge.backends import Backend, FrameBackend, available_backends, file_kind, open_backend
from hpe_edge.boxes import as_boxes, on_boxes
from hpe_edge.camera import Camera, place_heads
from hpe_edge.detectors import Detector, available_detectors, open_detector
from hpe_edge.detectors.face import BUNDLED
from hpe_edge.detectors.full_frame import full_frame_box
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.heads import decode
from hpe_edge.hub import Model, resolve
from hpe_edge.images import AnyImage, check_image, describe, image_shape
from hpe_edge.results import HeadPoses, no_scores
from hpe_edge.sources import AnySource, Frame, Stream, open_source
from hpe_edge.tracking import Tracker

FloatArray: TypeAlias = NDArray[np.float32]

PRECISIONS: Final = ("auto", "fp32", "int8", "fp16", "bf16")


@dataclass(frozen=True)
class RuntimeInfo:
    """What runs, as reported by the parts themselves.

    Attributes:
        model, model_version, sha256: the card's name and version and the digest of the loaded file.
        backend, backend_version, provider: what runs the network.
        instruction_set: what the C++ core uses (``"scalar"``, ``"avx2"``, ``"avx512vnni"``,
            ``"neon"``, ``"neondot"``).
        precision: arithmetic of the network.
        threads: threads that one call may use.
        detector: name of the detector.
    """

    model: str
    model_version: str
    sha256: str
    backend: str
    backend_version: str
    provider: str
    instruction_set: str
    precision: str
    threads: int
    detector: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


class _Frame(NamedTuple):
    """An image with its faces, and what the caller calls their boxes."""

    image: AnyImage
    boxes_xyxy: FloatArray
    scores: FloatArray
    argument: str
    camera: Camera | None


class HeadPose:
    """Estimates yaw, pitch and roll of heads in images.

    Calls do not change the object, so one instance may serve several threads.

    Args:
        model: name of a bundled or added model (``hpe-edge models list``), also as ``"name@version"``, or path of a
            card (``*.json``).
        backend: ``"auto"``, the name of a registered backend, which raises where it cannot load, with its device where
            it has more than the CPU (``"openvino:gpu"``, ``"onnxruntime:cuda"``; docs/BACKENDS.md), or a
            :class:`hpe_edge.backends.Backend` that has loaded the model's network; ``precision`` and ``threads``
            are then its own.
        precision: ``"fp32"``, ``"int8"`` where the card has such a file, ``"fp16"`` or ``"bf16"`` where the device
            computes in it, or ``"auto"``: float32, but on the CPU the one of the first two that runs faster, tried for
            a few milliseconds, if the card says that 8 bits keep their bound.
        threads: threads that the network may use in one call.
        detector: ``"auto"``, the bundled face detector, opened when it is first needed; ``"face:640"``, the same on
            images of up to 640 pixels a side; ``"card:NAME"``, one that was added, or ``"card:/path.json"``;
            ``"yunet:/path.onnx"``; ``"full-frame"``; the name of another registered detector; or an object with
            ``name`` and ``detect(image, pixel_format)``.
        camera: a :class:`hpe_edge.Camera`. Poses are then in its axes, turned by its mount, in place of relative to
            each face's viewing ray, and ``translation_m`` is there, from an assumed size of the face
            (docs/CONVENTIONS.md, Camera).

    Raises:
        InvalidArgumentError: an argument has no such value; the message lists those there are.
        ModelNotFoundError, CorruptModelError: the model is missing or damaged.
        MissingDependencyError, BackendError: the backend cannot load.

    >>> from hpe_edge import HeadPose
    >>> import numpy as np
    >>> pose = HeadPose()
    >>> poses = pose.estimate(np.full((90, 90, 3), 128, np.uint8), is_crop=True)
    >>> poses.euler_deg.shape
    (1, 3)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "fsanet",
        *,
        backend: str | Backend = "auto",
        precision: str = "auto",
        threads: int = 1,
        detector: str | Detector = "auto",
        camera: Camera | None = None,
    ) -> None:
        _check_options(precision, threads, camera)
        self._camera = camera
        found = resolve(model)
        self._card = found.card
        self._backend = _make_backend(backend, found, precision, threads)
        self._frame_backend = self._backend if isinstance(self._backend, FrameBackend) else None
        self._opening = Lock()
        self._detector = _make_detector(detector, self)
        running = self._backend.info
        self._info = RuntimeInfo(
            model=found.card.name,
            model_version=found.card.version,
            sha256=found.card.files[file_kind(self._backend, running.precision)].sha256,
            backend=running.name,
            backend_version=running.version,
            provider=running.provider,
            instruction_set=_core.isa(),
            precision=running.precision,
            threads=running.threads,
            detector=BUNDLED if self._detector is None else self._detector.name,
        )

    @property
    def info(self) -> RuntimeInfo:
        """What runs: model, sha256, backend, provider, instruction set, precision, threads, detector."""
        return self._info

    @property
    def detector(self) -> Detector:
        """What finds the faces. The bundled detector is opened here, the first time that one is needed."""
        with self._opening:  # else threads could get detectors of different precision
            if self._detector is None:
                self._detector = open_detector(BUNDLED, self._card.input)
            return self._detector

    def __repr__(self) -> str:
        info = self._info
        return f"HeadPose(model={info.model!r}, backend={info.backend!r}, provider={info.provider!r})"

    def estimate(
        self,
        image: AnyImage,
        boxes: ArrayLike | None = None,
        *,
        is_crop: bool = False,
        pixel_format: str = "bgr8",
    ) -> HeadPoses:
        """Estimate the poses of the heads in one image.

        Args:
            image: uint8, by ``pixel_format``; any row stride:

                - bgr8 (OpenCV), rgb8: (H, W, 3); bgra8, rgba8: (H, W, 4), whose alpha is not read; mono8: (H, W)
                - yuyv: (H, W, 2), W even
                - nv12: (H * 3 / 2, W) as OpenCV holds it, or a pair (y, uv) of (H, W) and (H / 2, W) or
                  (H / 2, W / 2, 2); H and W even
            boxes: (N, 4) tight face boxes ``x0, y0, x1, y1`` in pixels, brows to chin and jaw to jaw,
                without margin: the model adds its own. N may be 0. Without them the detector looks for faces.
            is_crop: the image is one head, loosely cut; the whole image becomes the model's crop
                (:func:`hpe_edge.detectors.full_frame.full_frame_box`).
            pixel_format: what the image is. Nothing is converted but the crops (docs/CONVENTIONS.md, Pixel formats).

        Returns:
            ``HeadPoses`` of length N, in the order of the boxes, or of the detector: the surest face first.

        Raises:
            InvalidImageError: wrong dtype, rank, channels or planes, an odd size, or no pixels.
            InvalidBoxError: wrong shape, NaN, no area, or outside the image.
            InvalidArgumentError: both ``boxes`` and ``is_crop``, an unknown pixel format, or, with a camera,
                ``is_crop`` or an image of another size than the camera's.
        """
        return self._estimate([image], [boxes], is_crop, pixel_format, batch=False)[0]

    def estimate_batch(
        self,
        images: Sequence[AnyImage],
        boxes: Sequence[ArrayLike | None] | None = None,
        *,
        is_crop: bool = False,
        pixel_format: str = "bgr8",
    ) -> list[HeadPoses]:
        """Estimate several images with one call of the network.

        Args:
            images: images as for :meth:`estimate`; they may differ in size.
            boxes: for each image its (N_i, 4) boxes; ``None`` for all images or for one of them as
                in :meth:`estimate`.
            is_crop, pixel_format: as for :meth:`estimate`, for all images.

        Returns:
            One ``HeadPoses`` an image.

        Raises:
            As :meth:`estimate`; messages name the image by its number, ``images[3]``.
        """
        per_image: list[ArrayLike | None] = [None] * len(images) if boxes is None else list(boxes)
        if len(per_image) != len(images):
            raise InvalidArgumentError(
                f"boxes: expected one (N, 4) array for each of {len(images)} images, got {len(per_image)}"
            )
        return self._estimate(images, per_image, is_crop, pixel_format, batch=True)

    def tracker(self, **options: Any) -> Tracker:
        """A tracker of the faces of one video, with this estimator and its detector.

        Args:
            options: of :class:`hpe_edge.tracking.Tracker`, such as ``detect_every_s``, ``smoothing``, ``max_lost_s``.

        Raises:
            InvalidArgumentError, MissingDependencyError: as :class:`hpe_edge.tracking.Tracker`.

        >>> import numpy as np
        >>> tracker = HeadPose(detector="full-frame").tracker(smoothing=None)
        >>> tracker.update(np.full((90, 90, 3), 128, np.uint8), time_s=0.0).ids.tolist()
        [0]
        """
        return Tracker(self, **({"detector": self.detector} | options))

    def stream(self, source: AnySource, *, boxes: ArrayLike | None = None, **tracker_options: Any) -> Stream[HeadPoses]:
        """Follow the faces of a video: an iterator of frames and their poses.

        Args:
            source: video file, folder of images, camera's number, address, images or an opened
                :class:`hpe_edge.sources.Source` (:func:`hpe_edge.sources.open_source`, which has more options). It is
                closed when the iterator ends, or with ``with pose.stream(...) as stream``.
            boxes: (N, 4) tight face boxes in pixels that hold for all frames, as for a camera before a fixed seat.
            tracker_options: as for :meth:`tracker`.

        Returns:
            Pairs of a :class:`hpe_edge.sources.Frame` (``frame.image``, ``frame.time_s``) and its ``HeadPoses``.

        Raises:
            SourceError: the source cannot be opened; while iterating: it is lost for good.
            InvalidArgumentError: an option makes no sense, or there is neither a detector nor boxes.

        >>> import numpy as np
        >>> pose = HeadPose(detector="full-frame")
        >>> for frame, poses in pose.stream([np.full((90, 90, 3), 128, np.uint8)] * 2):
        ...     print(frame.time_s, len(poses))
        0.0 1
        0.03333333333333333 1
        """
        follow = self._follow(boxes, tracker_options)
        return Stream(open_source(source), follow)

    def astream(
        self, source: AnySource, *, boxes: ArrayLike | None = None, **tracker_options: Any
    ) -> AsyncGenerator[tuple[Frame, HeadPoses], None]:
        """:meth:`stream` for ``async for``: opening, reading and estimating happen in a thread of their own.

        A task that is cancelled while it waits for a frame closes the source. So does leaving the loop early inside
        ``async with contextlib.aclosing(pose.astream(...)) as stream``.

        Args, Raises:
            As :meth:`stream`; errors of the source come while iterating.
        """
        from hpe_edge.sources.astream import iterate_async

        follow = self._follow(boxes, tracker_options)
        return iterate_async(lambda: Stream(open_source(source), follow))

    def _follow(self, boxes: ArrayLike | None, options: dict[str, Any]) -> Callable[[Frame], HeadPoses]:
        """What is done with each frame of one video."""
        given = None if boxes is None else as_boxes(boxes, "boxes")
        if given is None and options.get("detector", BUNDLED) is None:
            raise InvalidArgumentError("detector=None: expected a detector; or pass boxes= (tight face boxes, pixels)")
        tracker = self.tracker(**options)
        return lambda frame: tracker.update(frame.image, frame.time_s, boxes=given)

    def _estimate(
        self,
        images: Sequence[AnyImage],
        boxes: Sequence[ArrayLike | None],
        is_crop: bool,
        pixel_format: str,
        batch: bool,
    ) -> list[HeadPoses]:
        frames: list[_Frame] = []
        for index, (image, given) in enumerate(zip(images, boxes, strict=True)):
            checked = check_image(image, pixel_format, f"images[{index}]" if batch else "image")
            argument = f"boxes[{index}]" if batch else "boxes"
            boxes_xyxy, scores = self._locate(checked, given, is_crop, pixel_format, argument)
            camera = None if self._camera is None else _for_image(self._camera, checked, is_crop, pixel_format)
            frames.append(_Frame(checked, boxes_xyxy, scores, argument, camera))
        return [
            _as_poses(frame, euler_deg, std_deg)
            for frame, (euler_deg, std_deg) in zip(frames, self._angles(frames, pixel_format), strict=True)
        ]

    def _angles(self, frames: Sequence[_Frame], pixel_format: str) -> list[tuple[FloatArray, FloatArray]]:
        """Angles and spread of the heads of each frame, (N_i, 3) each."""
        if self._frame_backend is not None:
            estimate = self._frame_backend.estimate
            return [on_boxes(estimate, f.image, f.boxes_xyxy, pixel_format, f.argument) for f in frames]
        if not frames:
            return []
        cut = self._card.input.crops
        crops = [on_boxes(cut, f.image, f.boxes_xyxy, pixel_format, f.argument) for f in frames]
        euler_deg, std_deg = self._run([crop for crop in crops if len(crop)])
        ends = np.cumsum([len(crop) for crop in crops])[:-1]
        return list(zip(np.split(euler_deg, ends), np.split(std_deg, ends), strict=True))

    def _locate(
        self, image: AnyImage, given: ArrayLike | None, is_crop: bool, pixel_format: str, argument: str
    ) -> tuple[FloatArray, FloatArray]:
        """The boxes (N, 4) and their scores (N,)."""
        if given is not None and is_crop:
            raise InvalidArgumentError(f"{argument} and is_crop=True: expected one of the two, got both")
        if given is not None:
            boxes_xyxy = as_boxes(given, argument)
            return boxes_xyxy, no_scores(len(boxes_xyxy))
        if is_crop:
            height, width = image_shape(image, pixel_format)
            return full_frame_box(width, height, self._card.input.margin), no_scores(1)
        found = self.detector.detect(image, pixel_format)
        return found.boxes_xyxy, found.scores

    def _run(self, crops: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
        if not crops:
            return np.zeros((0, 3), dtype=np.float32), np.zeros((0, 3), dtype=np.float32)
        batch = crops[0] if len(crops) == 1 else np.concatenate(crops)
        euler_deg, std_deg = decode(self._card.head, self._backend.run(batch))
        shifted = _core.offset_pitch_zero(euler_deg, self._card.pitch_zero_deg)
        # The spread stays as it is: this turn changes it by a few percent (docs/CONVENTIONS.md, Spread).
        return np.asarray(shifted, dtype=np.float32), std_deg


def _for_image(camera: Camera, image: AnyImage, is_crop: bool, pixel_format: str) -> Camera:
    """The camera for images of this one's size."""
    if is_crop:
        raise InvalidArgumentError(
            "is_crop=True and a camera: expected an image as the camera took it, with boxes= or a detector; "
            "where a cut-out head stood in it is not known"
        )
    height, width = image_shape(image, pixel_format)
    return camera.for_image(width, height)


def _as_poses(frame: _Frame, euler_deg: FloatArray, std_deg: FloatArray) -> HeadPoses:
    """Poses relative to the viewing rays, or, with a camera, in its axes."""
    if frame.camera is None:
        return HeadPoses(euler_deg, std_deg, frame.boxes_xyxy, frame.scores)
    places = place_heads(frame.camera, euler_deg, std_deg, frame.boxes_xyxy)
    return HeadPoses(
        places.euler_deg, places.std_deg, frame.boxes_xyxy, frame.scores, translation_m=places.translation_m
    )


def _check_options(precision: str, threads: int, camera: object) -> None:
    if precision not in PRECISIONS:
        raise InvalidArgumentError(f"precision: expected one of {PRECISIONS}, got {precision!r}")
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise InvalidArgumentError(f"threads: expected a whole number >= 1, got {threads!r}")
    if camera is not None and not isinstance(camera, Camera):
        raise InvalidArgumentError(
            f"camera: expected a hpe_edge.Camera, such as Camera.from_fov(640, 480, horizontal_fov_deg=60), "
            f"got {describe(camera)}"
        )


def _make_backend(backend: str | Backend, model: Model, precision: str, threads: int) -> Backend:
    if isinstance(backend, str):
        return open_backend(backend, model.card, model.read, precision=precision, threads=threads)
    if isinstance(backend, Backend):
        return backend
    raise InvalidArgumentError(
        f"backend: expected one of {['auto', *available_backends()]} or an object with file_kind, info and run(), "
        f"got {describe(backend)}"
    )


def _make_detector(detector: str | Detector, owner: HeadPose) -> Detector | None:
    if isinstance(detector, str):
        return None if detector == "auto" else open_detector(detector, owner._card.input)
    if isinstance(detector, Detector):
        return detector
    raise InvalidArgumentError(
        f"detector: expected one of {['auto', *available_detectors()]} or an object with name and detect(), "
        f"got {describe(detector)}"
    )
