"""What a skin's sample looks like beyond texture: folds, lips, blushes, spots, make-up (``people/skin_map.py``)."""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.raster.materials import (
    M_BLOTCHES,
    M_CIRCLES,
    M_DETAIL,
    M_FLUSH,
    M_FOLDS,
    M_FRECKLES,
    M_LID,
    M_LID_SHARE,
    M_LINER,
    M_LIPS,
    M_MOLES,
    M_PORES,
    M_SHIFT,
)
from numba import njit

# The window of the texture plane that the maps cover: left and top edge, and side, in shares of the whole
MAP_LEFT, MAP_TOP, MAP_SPAN = 0.62, 0.33, 0.38
MAP_SIDE = 512
FOLDS = 5
SLOPE_SCALE = 100.0
_FOLD_RGB = (0.42, 0.62, 0.68)  # folds are red in their depth, for light comes through the skin
_FRECKLE_RGB = (0.30, 0.48, 0.60)
_CIRCLE_RGB = (0.30, 0.36, 0.26)
_FLUSH_RGB = (0.02, 0.30, 0.26)
_BLOTCH_RGB = (0.10, 0.42, 0.36)


@njit(cache=True, fastmath=True, inline="always")
def skin_detail(texels, row, u, v, albedo, slope):  # type: ignore[no-untyped-def]
    """Change ``albedo`` (3,) in place, add to ``slope`` (3,) in the head's axes; return oiliness and thinness."""
    column = int((u - np.float32(MAP_LEFT)) * np.float32(MAP_SIDE / MAP_SPAN))
    line = int((np.float32(1.0) - v - np.float32(MAP_TOP)) * np.float32(MAP_SIDE / MAP_SPAN))
    if column < 0 or line < 0 or column >= MAP_SIDE or line >= MAP_SIDE:
        return np.float32(0.15), np.float32(0.0)
    unit = np.float32(1.0 / 255.0)
    first = int(row[M_DETAIL])
    texel = first + line * MAP_SIDE + column
    layer = MAP_SIDE * MAP_SIDE
    dark = np.float32(0.0)
    for fold in range(FOLDS):
        weight = row[M_FOLDS + fold]
        if weight > np.float32(0.02):
            at = texel + fold * layer
            dark += weight * texels[at, 3] * unit
            for axis in range(3):
                slope[axis] += weight * (np.float32(texels[at, axis]) - np.float32(128.0)) / np.float32(SLOPE_SCALE)
    regions = texel + FOLDS * layer
    lips, thin = texels[regions, 0] * unit, texels[regions, 1] * unit
    oil, flush = texels[regions, 2] * unit, texels[regions, 3] * unit
    mottled = (column + int(row[M_SHIFT])) % MAP_SIDE + (line + int(row[M_SHIFT + 1])) % MAP_SIDE * MAP_SIDE
    spots = first + (FOLDS + 1) * layer + mottled
    bare = np.float32(1.0) - lips
    freckles = texels[spots, 0] * unit * row[M_FRECKLES] * bare * (np.float32(0.2) + np.float32(0.8) * flush)
    flush *= row[M_FLUSH]
    blotch = (texels[spots, 1] * unit - np.float32(0.5)) * row[M_BLOTCHES]
    mole = texels[spots, 2] * unit * row[M_MOLES]
    pore = (texels[spots, 3] * unit - np.float32(0.5)) * row[M_PORES] * bare
    eyes = texel + (FOLDS + 2) * layer
    circles = texels[eyes, 2] * unit * row[M_CIRCLES]
    lid, liner = texels[eyes, 1] * unit * row[M_LID_SHARE], texels[eyes, 0] * unit * row[M_LINER]
    common = (np.float32(1.0) - np.float32(0.7) * mole) * (np.float32(1.0) + pore)
    for channel in range(3):
        value = albedo[channel] * common * (np.float32(1.0) + lips * (row[M_LIPS + channel] - np.float32(1.0)))
        value *= np.float32(1.0) - min(dark, np.float32(1.0)) * np.float32(_FOLD_RGB[channel])
        value *= np.float32(1.0) - freckles * np.float32(_FRECKLE_RGB[channel])
        value *= np.float32(1.0) - flush * np.float32(_FLUSH_RGB[channel])
        value *= np.float32(1.0) - blotch * np.float32(_BLOTCH_RGB[channel])
        value *= np.float32(1.0) - circles * np.float32(_CIRCLE_RGB[channel])
        value += (row[M_LID + channel] - value) * lid
        albedo[channel] = value + (np.float32(0.012) - value) * liner
    return oil, thin
