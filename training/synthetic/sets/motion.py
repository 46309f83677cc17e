"""How a head moves before a camera: smooth, known at every moment, drawn from a seed.

Each angle and place is a sum of sinusoids, some of them only in a window of time with smooth edges, so that pose,
angular velocity and their derivatives are continuous and exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.people.pose import Matrix, rotation_x, rotation_y, rotation_z
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError

Rng = np.random.Generator
Range = tuple[float, float]

# kind -> frequency in Hz and, for each channel, its amplitude (degrees) and its phase against the others (turns)
_KINDS: dict[str, tuple[Range, dict[str, tuple[Range, float]]]] = {
    "nod": ((0.6, 1.6), {"elevation": ((8, 18), 0.0)}),
    "shake": ((0.5, 1.3), {"azimuth": ((12, 30), 0.0)}),
    "turn": ((0.10, 0.25), {"azimuth": ((50, 75), 0.0), "lean": ((2, 8), 0.2)}),
    "orbit": ((0.20, 0.40), {"azimuth": ((25, 45), 0.0), "elevation": ((12, 22), 0.25)}),
    "still": ((1.0, 1.0), {}),
}
TRAJECTORIES = (*_KINDS, "mixed")
_DRIFT: dict[str, Range] = {  # degrees; shares of the room beside the head; share of the distance
    "azimuth": (1.0, 4.0), "elevation": (1.0, 3.0), "lean": (1.0, 4.0),
    "right": (0.05, 0.4), "up": (0.02, 0.2), "closer": (0.02, 0.12),
}  # fmt: skip
_OFFSETS = {"azimuth": 8.0, "elevation": 5.0, "lean": 3.0, "right": 0.3, "up": 0.15}
_EDGE_S = 0.6  # of a window, at most
_STEP_S = 1e-4  # of the numerical derivative
_BODY_FOLLOWS = 0.35  # share of the head's turn


@dataclass(frozen=True)
class _Wave:
    channel: str
    amplitude: float
    hz: float
    phase: float
    window: tuple[float, float]

    def at(self, seconds: float) -> float:
        start, end = self.window
        edge = min(_EDGE_S, (end - start) / 3)
        value = self.amplitude * np.sin(2 * np.pi * (self.hz * seconds + self.phase))
        return float(value * _smooth((seconds - start) / edge) * _smooth((end - seconds) / edge))


@dataclass(frozen=True)
class Motion:
    """A head's way; ``place`` in shares of the room that the picture leaves beside the head."""

    offsets: dict[str, float]
    waves: tuple[_Wave, ...]

    def value(self, channel: str, seconds: float) -> float:
        """One of azimuth, elevation, lean (degrees), right, up, closer (shares)."""
        moving = sum(wave.at(seconds) for wave in self.waves if wave.channel == channel)
        return self.offsets.get(channel, 0.0) + moving

    def rotation(self, seconds: float) -> Matrix:
        """(3, 3) label frame."""
        azimuth, elevation, lean = (self.value(channel, seconds) for channel in ("azimuth", "elevation", "lean"))
        return rotation_y(azimuth) @ rotation_x(elevation) @ rotation_z(lean)

    def angular_velocity_deg_s(self, seconds: float) -> NDArray[np.float64]:
        """(3,) right-handed about the axes of the viewing ray: x image-right, y up, z toward the viewer."""
        before, after = self.rotation(seconds - _STEP_S), self.rotation(seconds + _STEP_S)
        spin = (after - before) / (2 * _STEP_S) @ self.rotation(seconds).T
        return np.degrees([spin[2, 1] - spin[1, 2], spin[0, 2] - spin[2, 0], spin[1, 0] - spin[0, 1]]) / 2

    def trunk(self, seconds: float) -> Matrix:
        """Rotation of the trunk against the head: it stands, and follows the head's turn by a share."""
        standing = rotation_y(_BODY_FOLLOWS * self.value("azimuth", seconds))
        return self.rotation(seconds).T @ standing


def sample_motion(kind: str, duration_s: float, rng: Rng) -> Motion:
    """A motion of a kind. "still" holds the head quite still; "mixed" goes through all the others in some order."""
    if kind not in TRAJECTORIES:
        raise InvalidArgumentError(f"trajectory: expected one of {', '.join(TRAJECTORIES)}, got {kind!r}")
    offsets = {channel: float(rng.normal(0, spread)) for channel, spread in _OFFSETS.items()}
    waves = [] if kind == "still" else [_drift(channel, rng) for channel in _DRIFT]
    kinds = [str(name) for name in rng.permutation(list(_KINDS))] if kind == "mixed" else [kind]
    share = duration_s / len(kinds)
    for number, name in enumerate(kinds):
        # a kind that fills the whole time has no edges within it
        window = (number * share, (number + 1) * share) if kind == "mixed" else (-10.0, duration_s + 10.0)
        waves += _waves(name, window, rng)
    return Motion(offsets, tuple(waves))


def _waves(name: str, window: tuple[float, float], rng: Rng) -> list[_Wave]:
    frequency, channels = _KINDS[name]
    hz, phase = float(rng.uniform(*frequency)), float(rng.random())
    return [
        _Wave(channel, float(rng.uniform(*amplitude)), hz, phase + later, window)
        for channel, (amplitude, later) in channels.items()
    ]


def _drift(channel: str, rng: Rng) -> _Wave:
    always = (-1e6, 1e6)
    return _Wave(channel, float(rng.uniform(*_DRIFT[channel])), float(rng.uniform(0.05, 0.25)), rng.random(), always)


def _smooth(share: float) -> float:
    """0 to 1 with two continuous derivatives (Perlin, "Improving noise", 2002)."""
    x = min(max(share, 0.0), 1.0)
    return x * x * x * (x * (x * 6 - 15) + 10)


@dataclass(frozen=True)
class Face:
    """What the face does over a sequence: blinks at moments, phrases of speech."""

    blinks_s: tuple[float, ...]
    syllable_hz: float
    phrases: tuple[tuple[float, float], ...]

    def weights(self, seconds: float) -> dict[str, float]:
        """Expression units on top of a resting face."""
        shut = max((1 - _smooth(abs(seconds - moment) / 0.16) for moment in self.blinks_s), default=0.0)
        speaking = max(
            (_smooth((seconds - start) / 0.2) * _smooth((end - seconds) / 0.2) for start, end in self.phrases),
            default=0.0,
        )
        turn = 2 * np.pi * self.syllable_hz * seconds
        # two incommensurate rates: syllables of uneven height
        opening = speaking * (0.5 + 0.3 * np.sin(turn) + 0.2 * np.sin(1.618 * turn + 1))
        pursing = speaking * (0.5 + 0.5 * np.sin(0.37 * turn))
        closure = {f"eye-{side}-closure": shut for side in ("left", "right")}
        return {**closure, "mouth-open": 0.3 * float(opening), "mouth-pursing": 0.3 * float(pursing)}


def sample_face(duration_s: float, rng: Rng) -> Face:
    """A blink every 2 to 6 seconds, speech in phrases of 1 to 3 with pauses."""
    blinks = np.cumsum(rng.uniform(2.0, 6.0, int(duration_s / 2) + 2)) - rng.uniform(0, 3)
    phrases, now = [], float(rng.uniform(0, 1.5))
    while now < duration_s:
        end = now + float(rng.uniform(1.0, 3.0))
        phrases.append((now, end))
        now = end + float(rng.uniform(0.4, 2.0))
    return Face(tuple(float(blink) for blink in blinks), float(rng.uniform(3.0, 5.0)), tuple(phrases))
