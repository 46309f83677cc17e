"""Where the 68 (iBUG) and 21 (AFLW) landmarks lie on MakeHuman's base mesh ``hm08``.

Vertices were picked on the mean face at the places that 300W-LP's fitted face gives them: jaw points
on the jaw's edge from the front of the ear to the chin, brow points on the upper edge of the brow.
Numbering runs from image-left (the subject's right) as in iBUG 300-W.
"""

from __future__ import annotations

import numpy as np

_JAW = (5745, 5750, 869, 912, 894, 915, 5295, 5292, 5225, 11898, 11901, 7617, 7596, 7614, 7574, 12347, 12342)
_BROWS = (211, 207, 204, 205, 209, 6984, 6980, 6979, 6982, 6986)
_NOSE = (132, 131, 164, 5134, 287, 328, 312, 7090, 7056)
_EYES = (28, 4849, 55, 6765, 4862, 36, 13361, 6839, 11467, 6812, 6820, 11480)
_LIPS_OUTER = (422, 448, 461, 467, 7220, 7208, 7182, 7166, 7241, 492, 486, 406)
_LIPS_INNER = (3733, 470, 474, 7226, 10401, 7236, 523, 481)

LANDMARKS_68 = np.asarray(_JAW + _BROWS + _NOSE + _EYES + _LIPS_OUTER + _LIPS_INNER, np.int32)

RIGHT_EYEBALL_FRONT, LEFT_EYEBALL_FRONT = 14679, 14607
RIGHT_EAR_LOBE, LEFT_EAR_LOBE = 5731, 12328

# AFLW's order: brows (outer, centre, inner; inner, centre, outer), eyes (outer, centre, inner; inner, centre,
# outer), ear, nose (wing, tip, wing), ear, mouth (corner, centre, corner), chin
LANDMARKS_21 = np.asarray(
    [
        *(211, 204, 209, 6984, 6979, 6986),
        *(28, RIGHT_EYEBALL_FRONT, 6765, 13361, LEFT_EYEBALL_FRONT, 6812),
        *(RIGHT_EAR_LOBE, 287, 5134, 7056, LEFT_EAR_LOBE),
        *(422, 474, 7182, 5225),
    ],
    np.int32,
)
