"""How a tight face box becomes a network's window: the crop recipes of the published evaluations, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
Image = NDArray[np.uint8]


class Sides(NamedTuple):
    """How far a window reaches beyond the box: fractions of its width (left, right) and height (top, bottom)."""

    left: float
    top: float
    right: float
    bottom: float


def one_after_another(left: float, top: float, right: float, bottom: float) -> Sides:
    """The sides that published loaders make.

    They move x_min and y_min first and then let x_max and y_max grow by a share of the box that is larger by then
    (``x_max += k * abs(x_max - x_min)``), so right and bottom reach farther than it reads.

    >>> one_after_another(0.5, 0.0, 0.5, 0.0)
    Sides(left=0.5, top=0.0, right=0.75, bottom=0.0)
    """
    return Sides(left, top, right * (1 + left), bottom * (1 + top))


@dataclass(frozen=True)
class Crop:
    """How a tight box becomes the network's window: what replaces the card's own numbers.

    margin: of the box's size, on each side; ``sides`` replaces it. square: the box is made square first, by its
    longer side. clip: the window is cut at the image's border instead of the border being replicated. black: what
    is outside the image is black instead. centre: the window is not stretched to the network's input; its centred
    square of this fraction of the shorter side is (torchvision's Resize and CenterCrop). The last three only for
    boxes that are not squared.

    >>> Crop(0.6, square=False).describe()
    'margin 0.6, not squared, border replicated'
    """

    margin: float
    square: bool
    clip: bool = False
    sides: Sides | None = None
    black: bool = False
    centre: float | None = None

    @property
    def by_window(self) -> bool:
        """Whether the window is made here; otherwise the SDK's own margin and square do it."""
        return self.clip or self.black or self.sides is not None or self.centre is not None

    def describe(self) -> str:
        """In words, for reports."""
        reach = f"margin {self.margin:g}"
        if self.sides is not None:
            reach = "margins left {:.3g}, top {:.3g}, right {:.3g}, bottom {:.3g}".format(*self.sides)
        border = "clipped to the image" if self.clip else "black outside" if self.black else "border replicated"
        middle = "" if self.centre is None else f", centred square of {self.centre:g} of the shorter side"
        return f"{reach}, {'squared' if self.square else 'not squared'}, {border}{middle}"

    def windows(self, boxes_xyxy: Boxes, shape: tuple[int, ...]) -> Boxes:
        """(N, 4) tight boxes in an image (H, W, ...) -> (N, 4) windows.

        >>> Crop(0.5, False, clip=True).windows(np.array([[0, 0, 10, 10]], np.float32), (100, 12)).tolist()
        [[0.0, 0.0, 12.0, 15.0]]
        """
        left, top, right, bottom = self.sides or Sides(*[self.margin] * 4)
        size = np.tile(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 2)
        windows = boxes_xyxy + np.array([-left, -top, right, bottom]) * size
        if self.clip:
            windows = np.clip(windows, 0, np.array([shape[1], shape[0]] * 2))
        if self.centre is not None:
            middle = 0.5 * (windows[:, :2] + windows[:, 2:])
            half = 0.5 * self.centre * (windows[:, 2:] - windows[:, :2]).min(axis=1, keepdims=True)
            windows = np.concatenate([middle - half, middle + half], axis=1)
        reached: Boxes = windows.astype(np.float32)
        return reached


def on_black(image_bgr: Image, windows: Boxes) -> tuple[Image, Boxes]:
    """The image (H, W, 3) with black where windows (N, 4) reach beyond it, and the windows in it.

    >>> image, moved = on_black(np.ones((4, 4, 3), np.uint8), np.array([[-1, 0, 4, 4]], np.float32))
    >>> image.shape, moved.tolist()
    ((4, 5, 3), [[0.0, 0.0, 5.0, 4.0]])
    """
    height, width = image_bgr.shape[:2]
    low = np.maximum(0, np.ceil(-windows[:, :2].min(axis=0))).astype(int)
    high = np.maximum(0, np.ceil(windows[:, 2:].max(axis=0) - (width, height))).astype(int)
    padded = np.pad(image_bgr, ((low[1], high[1]), (low[0], high[0]), (0, 0)))
    return padded, (windows + np.tile(low, 2)).astype(np.float32)


_HOPENET = one_after_another(0.4, 0.4, 0.4, 0.12)

CROP_RECIPES: dict[str, Crop | None] = {
    "card": None,
    "tight": Crop(0.0, square=False),
    "fsanet": Crop(0.6, square=False),
    "fsanet-clipped": Crop(0.6, square=False, clip=True),
    "fsanet-biwi": Crop(0.4, square=False, clip=True),
    "hopenet": Crop(0.0, square=False, sides=_HOPENET, black=True, centre=1.0),
    "hopenet-biwi": Crop(0.0, False, sides=one_after_another(0.21, 0.35, 0.21, 0.21), black=True, centre=1.0),
    "hopenet-afw": Crop(0.0, False, sides=one_after_another(0.256, 0.64, 0.256, 0.32), black=True, centre=1.0),
    "6drepnet": Crop(0.0, square=False, sides=_HOPENET, black=True, centre=224 / 256),
}
"""Crops by name. Sources, each as its code stands:

- ``card``: the model's own. ``tight``: the box itself.
- ``fsanet-clipped``: FSA-Net, ``data/type1/TYY_create_db_type1.py``: 0.6 of width and height on each side, cut at
  the image, stretched to 64x64. ``fsanet``: the same with the border replicated, as the SDK crops.
- ``fsanet-biwi``: ``data/TYY_create_db_biwi.py``: 0.4 around MTCNN's box. 6DRepNet scores the same cut-outs.
- ``hopenet``: Hopenet, ``code/datasets.py``, AFLW2000 with k = 0.20, then ``Scale(224), CenterCrop(224)`` of
  ``test_hopenet.py``; outside the image PIL gives black. Its box is that of ``pt2d`` (21 points, -1 where hidden),
  ours that of the 68. Trained with k = 0.2 to 0.4: left and right 0.6 k, top 2 k, bottom 0.6 k.
- ``hopenet-biwi``, ``hopenet-afw``: the same file, k = 0.35 around a detector's box, k = 0.32 around AFW's.
- ``6drepnet``: 6DRepNet, ``sixdrepnet/datasets.py`` and ``test.py``: Hopenet's box, then ``Resize(256),
  CenterCrop(224)``.
"""
