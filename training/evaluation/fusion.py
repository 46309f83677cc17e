"""Several predictions of one head as one: fused models, and a photograph with its mirror image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from hpe_edge.training.evaluation.metrics import difference_deg
from numpy.typing import NDArray

from hpe_edge import HeadPoses
from hpe_edge.errors import InvalidArgumentError

Predict: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.float32]], HeadPoses]
"""(image_bgr (H, W, 3) uint8, boxes_xyxy (N, 4) float32) -> poses of length N."""
Member = TypeVar("Member", bound=Predict)


@dataclass(frozen=True)
class Fused(Generic[Member]):
    """Several predictors whose poses are averaged, itself a predictor.

    >>> def at(yaw): return lambda _, boxes: HeadPoses.from_euler(np.array([[yaw, 0.0, 0.0]]), boxes)
    >>> Fused((at(10.0), at(20.0)))(np.zeros((1, 1, 3), np.uint8), np.ones((1, 4), np.float32))[0].yaw_deg
    15.0
    """

    members: tuple[Member, ...]

    def __call__(self, image_bgr: NDArray[np.uint8], boxes_xyxy: NDArray[np.float32]) -> HeadPoses:
        """Ask every member and average."""
        return average([predict(image_bgr, boxes_xyxy) for predict in self.members])


def average(members: Sequence[HeadPoses]) -> HeadPoses:
    """The mean of the angles, and the spread of the members' equal mixture; boxes of the first.

    Angles are averaged one by one, as the fusion of FSA-Net does (Yang et al., CVPR 2019, the rows "Fusion"),
    each member brought within 180 degrees of the first. The variance is the mean of the members' variances plus the
    variance between them, section 2.4 of Lakshminarayanan et al., "Simple and Scalable Predictive Uncertainty
    Estimation using Deep Ensembles", NeurIPS 2017: members that disagree are less certain. NaN where a member
    has no spread. Raises InvalidArgumentError for no member, or members of different lengths.

    >>> box = np.ones((1, 4), np.float32)
    >>> a, b = (HeadPoses.from_euler(np.full((1, 3), v), box, np.full((1, 3), 3.0)) for v in (-4.0, 4.0))
    >>> average([a, b])[0].yaw_deg, average([a, b])[0].std_deg
    (0.0, (5.0, 5.0, 5.0))
    """
    if len({len(poses) for poses in members}) != 1:
        raise InvalidArgumentError(
            f"members: expected at least one, all with as many poses, got {[len(poses) for poses in members]}"
        )
    first = members[0].euler_deg.astype(np.float64)
    offsets = np.stack([difference_deg(first, poses.euler_deg) for poses in members])
    variance = np.stack([poses.std_deg.astype(np.float64) ** 2 for poses in members]).mean(axis=0)
    std_deg = np.sqrt(variance + offsets.var(axis=0))
    return HeadPoses.from_euler(first + offsets.mean(axis=0), members[0].boxes_xyxy, std_deg, members[0].scores)
