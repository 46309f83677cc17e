"""Where the photograph ends inside the stored picture: bands beside it, black as data sets pad them, or other."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_KINDS = ("black", "white", "replicated", "mirrored", "blurred")
_DEEPEST = 0.36  # of the picture's side: it cuts into the head, never to the middle of the face
_MOST_ACROSS = 0.5  # two opposite bands together: a little more than the face is left


@dataclass(frozen=True)
class Frame:
    """``kind`` of the bands and where the photograph is: pixels ``left``, ``top``, ``right``, ``bottom``."""

    kind: str
    left: int
    top: int
    right: int
    bottom: int

    def fill(self, image: Image) -> Image:
        """Replace what lies outside."""
        side = image.shape[0]
        inside = image[self.top : self.bottom, self.left : self.right]
        bands = (self.top, side - self.bottom, self.left, side - self.right)
        if self.kind == "replicated":
            return np.asarray(cv2.copyMakeBorder(inside, *bands, cv2.BORDER_REPLICATE), np.uint8)
        if self.kind == "mirrored":
            return np.asarray(cv2.copyMakeBorder(inside, *bands, cv2.BORDER_REFLECT), np.uint8)
        out = np.full_like(image, 255 if self.kind == "white" else 0)
        if self.kind == "blurred":
            out = np.asarray(cv2.resize(inside, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
            out = np.asarray(cv2.GaussianBlur(out, (0, 0), side * 0.05), np.uint8)
        out[self.top : self.bottom, self.left : self.right] = inside
        return out

    def outside(self, samples: int, side: int) -> NDArray[np.bool_]:
        """(samples, samples) whether a sample of a picture of ``side`` pixels lies in the bands."""
        per_px = samples // side
        hidden = np.ones((samples, samples), np.bool_)
        hidden[self.top * per_px : self.bottom * per_px, self.left * per_px : self.right * per_px] = False
        return hidden


def sample_frame(side: int, rng: np.random.Generator) -> Frame | None:
    """Bands on one to four sides in three of ten pictures; the network's crop shows them in a quarter."""
    if rng.random() > 0.3:
        return None
    kind = str(rng.choice(_KINDS, p=(0.68, 0.1, 0.12, 0.05, 0.05)))
    sides = rng.permutation(4)[: rng.choice([1, 2, 3, 4], p=(0.46, 0.32, 0.14, 0.08))]
    depths = np.zeros(4)
    deepest = _DEEPEST if kind in ("black", "white") else _DEEPEST / 2  # a deep mirror shows a second face
    depths[sides] = rng.uniform(0.08, deepest, len(sides))
    across = depths.reshape(2, 2).sum(0)  # left with right, top with bottom
    depths *= np.tile(_MOST_ACROSS / np.maximum(across, _MOST_ACROSS), 2)
    left, top, right, bottom = (int(depth) for depth in np.round(depths * side))
    return Frame(kind, left, top, side - right, side - bottom)
