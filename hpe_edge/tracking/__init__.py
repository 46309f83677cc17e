"""Faces over time: who is who, where each one is now, and a pose that holds still while the head does."""

from __future__ import annotations

from hpe_edge.tracking.smoothing import KalmanRotation, OneEuroBox, OneEuroRotation, RotationSmoother
from hpe_edge.tracking.tracker import Estimator, Finder, FollowingFinder, Tracker

__all__ = [
    "Estimator",
    "Finder",
    "FollowingFinder",
    "KalmanRotation",
    "OneEuroBox",
    "OneEuroRotation",
    "RotationSmoother",
    "Tracker",
]
