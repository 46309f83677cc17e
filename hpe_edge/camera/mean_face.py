"""The assumed face: an average adult's 68 landmarks, in metres.

Their mean over rendered adults of a training set (5,400 heads of both sexes, all skin tones and expressions, from
about twenty years), made symmetric. Its eyes are 61 mm apart; real adults' are 63 mm on average (Dodgson, Variation and
extrema of human interpupillary distance, SPIE 5291, 2004).
"""

from __future__ import annotations

from typing import Final

import numpy as np

# fmt: off
_MM: Final = (
    # jaw, ear to ear by the chin
    (-71, -18, -2), (-69, 2, -5), (-66, 23, -11), (-63, 37, -12), (-55, 57, -19), (-45, 67, -40), (-32, 73, -55),
    (-13, 82, -67), (0, 82, -72), (13, 82, -67), (32, 73, -55), (45, 67, -40), (55, 57, -19), (63, 37, -12),
    (66, 23, -11), (69, 2, -5), (71, -18, -2),
    # brows
    (-53, -32, -61), (-46, -39, -71), (-32, -43, -80), (-24, -44, -83), (-10, -37, -83), (10, -37, -83),
    (24, -44, -83), (32, -43, -80), (46, -39, -71), (53, -32, -61),
    # nose: bridge, base
    (0, -26, -87), (0, -13, -95), (0, -3, -103), (0, 7, -107), (-14, 13, -90), (-7, 17, -94), (0, 20, -94),
    (7, 17, -94), (14, 13, -90),
    # eyes
    (-42, -23, -67), (-36, -28, -74), (-25, -30, -75), (-19, -22, -70), (-26, -20, -73), (-36, -21, -72),
    (19, -22, -70), (25, -30, -75), (36, -28, -74), (42, -23, -67), (36, -21, -72), (26, -20, -73),
    # mouth: outer, inner line
    (-25, 38, -75), (-16, 37, -84), (-5, 36, -89), (0, 37, -90), (5, 36, -89), (16, 37, -84), (25, 38, -75),
    (17, 49, -81), (6, 55, -85), (0, 55, -86), (-6, 55, -85), (-17, 49, -81), (-23, 38, -75), (-10, 40, -84),
    (0, 40, -86), (10, 40, -84), (23, 38, -75), (11, 44, -83), (0, 44, -84), (-11, 44, -83),
)
# fmt: on

MEAN_FACE_M: Final = np.array(_MM, dtype=np.float64) / 1000.0
"""(68, 3) metres, in iBUG's order: x to the subject's left, y to the chin, z into the face; the origin is the middle
of the head, through which the training labels' viewing ray goes."""
MEAN_FACE_M.flags.writeable = False
