"""What the studio can leave out, so that its gain can be measured (``hpe-edge render --without occluders``)."""

from __future__ import annotations

from collections.abc import Iterable

from hpe_edge.errors import InvalidArgumentError

FEATURES: dict[str, str] = {
    "camera": "wide lenses, heads off the axis, tone curves, blur, compression, grey and infrared, picture borders",
    "light": "hard side light, flash, night, coloured light, backlight; muted backgrounds",
    "skin": "light scattered under the skin, wrinkles, lips and brows by tone, wet eyes, relief of beards",
    "proportions": "noses as high as measured people's",
    "expression": "expressions in life's proportions with teeth, gaze, blinks",
    "hair": "long hair over cheeks, waves, curls, fringes, partings, knots, plaits, thinning, grey, dyed",
    "wear": "caps, hats, helmets, head scarves, fitted masks, lenses that mirror, earrings, prints",
    "occluders": "hands, phones, microphones, cups before the face",
    "company": "other people in the picture",
    "pose": "joint distribution of yaw, pitch and roll as published sets have it",
}
ALL_FEATURES = frozenset(FEATURES)


def features_without(left_out: Iterable[str]) -> frozenset[str]:
    """All features but those named; raises ``InvalidArgumentError`` for an unknown name.

    >>> "camera" in features_without(["pose"])
    True
    """
    names = frozenset(left_out)
    unknown = sorted(names - ALL_FEATURES)
    if unknown:
        raise InvalidArgumentError(f"features: expected some of {', '.join(FEATURES)}; got {', '.join(unknown)}")
    return ALL_FEATURES - names
