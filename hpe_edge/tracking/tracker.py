"""``Tracker``: images with times in, poses of the same people out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_edge.boxes import as_boxes
from hpe_edge.errors import InvalidArgumentError, InvalidBoxError
from hpe_edge.images import AnyImage, check_image, image_shape
from hpe_edge.results import Detections, HeadPoses, no_scores
from hpe_edge.tracking.association import import_lap, iou, match, similarity
from hpe_edge.tracking.smoothing import RotationSmoother, smoother_factory
from hpe_edge.tracking.track import Track

Floats: TypeAlias = NDArray[np.floating[Any]]

SAME_FACE_IOU: Final = 0.5
"""Two boxes that overlap more are of one face."""
MOST_LOST: Final = 64
"""Lost faces remembered; more are forgotten, the longest lost first."""


class Estimator(Protocol):
    """What gives the poses: :class:`hpe_edge.HeadPose`, or anything that estimates as it does."""

    def estimate(self, image: AnyImage, boxes: ArrayLike, *, pixel_format: str) -> HeadPoses:
        """Poses of the heads in these tight boxes (N, 4), in their order."""


class Finder(Protocol):
    """What finds faces, as :class:`hpe_edge.detectors.Detector`."""

    def detect(self, image: AnyImage, pixel_format: str) -> Detections:
        """The faces of a checked image."""


@runtime_checkable
class FollowingFinder(Finder, Protocol):
    """A finder that can also look for known faces near where they were, which costs much less."""

    def follow(self, image: AnyImage, boxes_xyxy: NDArray[np.float32], pixel_format: str) -> Detections:
        """For each box (N, 4) the face near it, in their order: NaN in the row where there is none any more."""


class Tracker:
    """Follows the faces of one video: finds them, keeps their numbers, smooths boxes and poses.

    A detector that can ``follow`` looks through the whole picture only every ``detect_every_s``, at once when a face
    is lost, and every ``search_every_s`` while one is or nobody is there; between, the crop around each face gives
    its next box. Any other detector looks through every picture. A face that is not found goes on unseen at its
    velocity for ``max_lost_s`` and takes its number up again where it reappears; the results hold only faces that
    are seen. Two tracks of one face become one. What is remembered stays bounded however long the video is.

    One tracker serves one video and one thread; several may share an estimator.

    Args:
        estimator: what gives the poses, such as ``HeadPose``.
        detector: what finds faces; ``None`` when :meth:`update` gets boxes.
        detect_every_s: seconds between looks through the whole picture, with a detector that follows.
        search_every_s: the same while a face is lost or none is there.
        smoothing: ``"one-euro"``, ``"kalman"``, ``None``, or a callable that makes a
            :class:`hpe_edge.tracking.RotationSmoother` for each face.
        smooth_boxes: hold the boxes, and so the crops, still too.
        max_lost_s: how long a face that is not found is remembered.
        confirm_hits: looks that must find a new face before it has a number. Faces of the first picture and those
            without a score (given boxes) have one at once.

    Raises:
        InvalidArgumentError: an option has no such value.
        MissingDependencyError: the package ``lap`` is not installed (``pip install 'hpe-edge[video]'``).

    >>> from hpe_edge import HeadPose
    >>> tracker = HeadPose().tracker()
    >>> frame = np.full((90, 90, 3), 128, np.uint8)
    >>> [tracker.update(frame, n / 30, boxes=[[20 + n, 20, 60 + n, 70]]).ids.tolist() for n in range(3)]
    [[0], [0], [0]]
    """

    def __init__(
        self,
        estimator: Estimator,
        *,
        detector: Finder | None = None,
        detect_every_s: float = 1.0,
        search_every_s: float = 0.2,
        smoothing: str | Callable[[], RotationSmoother] | None = "one-euro",
        smooth_boxes: bool = True,
        max_lost_s: float = 1.0,
        confirm_hits: int = 2,
    ) -> None:
        _check_times(detect_every_s=detect_every_s, search_every_s=search_every_s, max_lost_s=max_lost_s)
        if not isinstance(confirm_hits, int) or isinstance(confirm_hits, bool) or confirm_hits < 1:
            raise InvalidArgumentError(f"confirm_hits: expected a whole number >= 1, got {confirm_hits!r}")
        import_lap()  # not only when the second face comes
        self._estimator = estimator
        self._detector = detector
        self._follower = detector if isinstance(detector, FollowingFinder) else None
        self._detect_every_s = detect_every_s
        self._search_every_s = min(search_every_s, detect_every_s)
        self._make_smoother = smoother_factory(smoothing)
        self._smooth_boxes = smooth_boxes
        self._max_lost_s = max_lost_s
        self._confirm_hits = confirm_hits
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as before the first picture; numbers begin at 0 again."""
        self._tracks: list[Track] = []
        self._next_id = 0
        self._time_s = -math.inf
        self._detected_s = -math.inf

    def __len__(self) -> int:
        """Faces remembered: seen, lost, and not yet confirmed."""
        return len(self._tracks)

    def update(
        self, image: AnyImage, time_s: float, *, boxes: ArrayLike | None = None, pixel_format: str = "bgr8"
    ) -> HeadPoses:
        """Take the next picture, give the poses of the faces in it.

        Args:
            image, pixel_format: as for :meth:`hpe_edge.HeadPose.estimate`.
            time_s: when it was taken, in seconds of any clock; frames may be missing. A clock that steps back
                begins the filters anew and keeps the numbers.
            boxes: (N, 4) tight face boxes of this picture, which then is not searched.

        Returns:
            ``HeadPoses`` with ``ids``, smoothed; in the order of ``boxes`` if given, else of the ids.

        Raises:
            InvalidImageError, InvalidArgumentError: as :meth:`hpe_edge.HeadPose.estimate`; no detector and no boxes;
                a time that is not finite.
            InvalidBoxError: given boxes that are not finite, have no area or lie outside the image.
        """
        checked = check_image(image, pixel_format)
        self._set_clock(time_s)
        if boxes is not None:
            found = _given(boxes, image_shape(checked, pixel_format))
            seen = self._associate(found, time_s)
        else:
            seen = sorted(self._look(checked, time_s, pixel_format), key=lambda track: track.id)
        self._time_s = time_s
        self._forget(time_s)
        return self._pose(checked, time_s, pixel_format, seen)

    def _set_clock(self, time_s: float) -> None:
        if not math.isfinite(time_s):
            raise InvalidArgumentError(f"time_s: expected seconds, got {time_s!r}")
        if time_s < self._time_s:
            self._detected_s = -math.inf
            for track in self._tracks:
                track.seen_s = min(track.seen_s, time_s)

    def _look(self, image: AnyImage, time_s: float, pixel_format: str) -> list[Track]:
        """The confirmed faces that are in the picture, by following, detecting or both."""
        if self._detector is None:
            raise InvalidArgumentError(
                "boxes: expected tight face boxes for each picture, because there is no detector, got None; "
                "make the tracker with detector=..."
            )
        if self._follower is None:
            self._associate(
                _usable(self._detector.detect(image, pixel_format), image_shape(image, pixel_format)), time_s
            )
        else:
            lost_one = self._follow(self._follower, image, time_s, pixel_format)
            if lost_one or self._is_due(time_s):
                self._detected_s = time_s
                self._discover(
                    _usable(self._follower.detect(image, pixel_format), image_shape(image, pixel_format)), time_s
                )
        return [track for track in self._tracks if track.confirmed and not track.lost]

    def _is_due(self, time_s: float) -> bool:
        known = [track for track in self._tracks if track.confirmed]
        settled = known and not any(track.lost for track in known)
        # A thousandth of tolerance: 1/30 s thirty times is not quite one second.
        return time_s - self._detected_s >= (self._detect_every_s if settled else self._search_every_s) - 1e-3

    def _follow(self, follower: FollowingFinder, image: AnyImage, time_s: float, pixel_format: str) -> bool:
        """Move each seen face to where it is now; whether a confirmed one was lost."""
        followed = [track for track in self._tracks if not track.lost]
        if not followed:
            return False
        expected = _stacked([track.predict(time_s) for track in followed])
        inside = _overlaps(expected, image_shape(image, pixel_format))
        boxes = np.full((len(followed), 4), np.nan, dtype=np.float32)
        scores = np.zeros(len(followed), dtype=np.float32)
        if inside.any():
            found = follower.follow(image, expected[inside].astype(np.float32), pixel_format)
            boxes[inside], scores[inside] = found.boxes_xyxy, found.scores
        there = np.flatnonzero(_overlaps(boxes, image_shape(image, pixel_format)))
        there = there[_one_each(boxes[there], expected[there], [followed[row] for row in there])]
        for track in followed:
            track.lost = True
        for row in there:
            self._see(followed[row], boxes[row], float(scores[row]), time_s)
        return any(track.lost and track.confirmed for track in followed)

    def _discover(self, found: Detections, time_s: float) -> None:
        """Faces that nobody follows: lost ones that are back, and new ones."""
        seen = _stacked([track.box_xyxy for track in self._tracks if not track.lost])
        free = np.asarray((iou(found.boxes_xyxy, seen) <= SAME_FACE_IOU).all(axis=1))
        self._take(_rows(found, free), [track for track in self._tracks if track.lost], time_s)

    def _associate(self, found: Detections, time_s: float) -> list[Track]:
        """The track of each box: first of faces that were seen just now, then of lost ones, then new ones."""
        current = [track for track in self._tracks if not track.lost]
        lost = [track for track in self._tracks if track.lost]
        owners = self._assign(found, current, time_s)
        for track in set(current) - set(owners.values()):
            track.lost = True
        free = np.array([row not in owners for row in range(len(found))], dtype=bool)
        rest = self._take(_rows(found, free), lost, time_s)
        owners.update(zip(np.flatnonzero(free).tolist(), rest, strict=True))
        return [owners[row] for row in range(len(found))]

    def _take(self, found: Detections, known: list[Track], time_s: float) -> list[Track]:
        """The track of each box: the known ones where they fit, new ones where none does."""
        owners = self._assign(found, known, time_s)
        return [owners[row] if row in owners else self._begin(found, row, time_s) for row in range(len(found))]

    def _assign(self, found: Detections, known: list[Track], time_s: float) -> dict[int, Track]:
        """Box number -> the known track whose it is."""
        expected = _stacked([track.predict(time_s) for track in known])
        owners = {row: known[number] for number, row in match(expected, found.boxes_xyxy)}
        for row, track in owners.items():
            self._see(track, found.boxes_xyxy[row], float(found.scores[row]), time_s)
        return owners

    def _begin(self, found: Detections, row: int, time_s: float) -> Track:
        smoother = None if self._make_smoother is None else self._make_smoother()
        track = Track(found.boxes_xyxy[row], float(found.scores[row]), time_s, smoother, self._smooth_boxes)
        self._tracks.append(track)
        self._confirm(track)
        return track

    def _see(self, track: Track, box_xyxy: Floats, score: float, time_s: float) -> None:
        track.see(box_xyxy, score, time_s)
        self._confirm(track)

    def _confirm(self, track: Track) -> None:
        first_picture = self._time_s == -math.inf
        if not track.confirmed and (track.hits >= self._confirm_hits or math.isnan(track.score) or first_picture):
            track.id = self._next_id
            self._next_id += 1

    def _forget(self, time_s: float) -> None:
        lost = [t for t in self._tracks if t.lost and t.confirmed and time_s - t.seen_s <= self._max_lost_s]
        kept = set(sorted(lost, key=lambda track: -track.seen_s)[:MOST_LOST])
        self._tracks = [track for track in self._tracks if not track.lost or track in kept]

    def _pose(self, image: AnyImage, time_s: float, pixel_format: str, seen: Sequence[Track]) -> HeadPoses:
        boxes = _stacked([track.box_xyxy for track in seen]).astype(np.float32)
        inside = _overlaps(boxes, image_shape(image, pixel_format))
        if not inside.all():  # a smoothed box may lag behind, when the picture became smaller or a face is at its edge
            boxes[~inside] = _stacked([track.measured_xyxy for track in seen])[~inside]
        poses = self._estimator.estimate(image, boxes, pixel_format=pixel_format)
        euler_deg = [
            track.smooth(euler, std, time_s)
            for track, euler, std in zip(seen, poses.euler_deg, poses.std_deg, strict=True)
        ]
        return replace(
            poses,
            euler_deg=np.array(euler_deg, dtype=np.float32).reshape(-1, 3),
            scores=np.array([track.score for track in seen], dtype=np.float32),
            ids=np.array([track.id for track in seen], dtype=np.int64),
        )


def _one_each(found: Floats, expected: Floats, tracks: Sequence[Track]) -> NDArray[np.bool_]:
    """Which of the followed faces (N,) keep their box, where two came upon the same face.

    It belongs to a confirmed one before others, and then to that which expected it there: when two people cross, the
    one in front.
    """
    if len(tracks) < 2:
        return np.ones(len(tracks), dtype=bool)
    fit = np.diagonal(similarity(found, expected))
    order = sorted(range(len(tracks)), key=lambda row: (not tracks[row].confirmed, -fit[row]))
    overlap = iou(found, found) > SAME_FACE_IOU
    keeps = np.zeros(len(tracks), dtype=bool)
    for row in order:
        keeps[row] = not (overlap[row] & keeps).any()
    return keeps


def _stacked(boxes: Sequence[Floats]) -> Floats:
    """(N, 4), also for N = 0."""
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _overlaps(boxes_xyxy: Floats, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which boxes (N, 4) have an area and lie at least partly in an image of this shape; not those with NaN."""
    height, width = shape[:2]
    return np.array(  # few boxes: faster than NumPy's calls
        [max(x0, 0) < min(x1, width) and max(y0, 0) < min(y1, height) for x0, y0, x1, y1 in boxes_xyxy.tolist()],
        dtype=bool,
    )


def _usable(found: Detections, shape: tuple[int, ...]) -> Detections:
    """Without boxes that no crop can be made of."""
    good = _overlaps(found.boxes_xyxy, shape) & np.isfinite(found.boxes_xyxy).all(axis=1)
    return found if good.all() else _rows(found, good)


def _rows(found: Detections, keep: NDArray[np.bool_]) -> Detections:
    return Detections(found.boxes_xyxy[keep], found.scores[keep], found.landmarks_xy[keep])


def _given(value: ArrayLike, shape: tuple[int, ...]) -> Detections:
    """The caller's boxes, checked as `HeadPose.estimate` does; they have no score."""
    boxes = as_boxes(value, "boxes")
    good = _overlaps(boxes, shape) & np.isfinite(boxes).all(axis=1)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InvalidBoxError(
            f"boxes: expected finite x0 < x1, y0 < y1 that overlap an image of {shape[1]} x {shape[0]} pixels, "
            f"got {boxes[row].tolist()} in row {row}"
        )
    return Detections(boxes, no_scores(len(boxes)))


def _check_times(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0.0):
            raise InvalidArgumentError(f"{name}: expected seconds >= 0, got {value!r}")
