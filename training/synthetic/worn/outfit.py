"""What somebody wears: drawn once for an identity, then made to measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hpe_edge.training.synthetic.body.dome import Dome
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.hair.style import HairStyle
from hpe_edge.training.synthetic.raster.materials import material
from hpe_edge.training.synthetic.raster.patterns import PRINTS
from hpe_edge.training.synthetic.worn import face_masks, headwear, helmets
from hpe_edge.training.synthetic.worn.headwear import Colours
from hpe_edge.training.synthetic.worn.panes import pane
from hpe_edge.training.synthetic.worn.spectacles import Spectacles, build_spectacles, sample_spectacles
from hpe_edge.training.synthetic.worn.worn import Worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

HEADGEAR = {  # share of (women, men); photographs of everyday life
    "cap": (0.025, 0.06),
    "cap backwards": (0.005, 0.012),
    "sun hat": (0.035, 0.008),
    "bucket hat": (0.012, 0.008),
    "fedora": (0.012, 0.02),
    "beanie": (0.025, 0.03),
    "hood": (0.012, 0.018),
    "bicycle helmet": (0.007, 0.009),
    "motorcycle helmet": (0.003, 0.006),
    "hard hat": (0.004, 0.009),
    "head scarf": (0.055, 0.0),
    "turban": (0.005, 0.014),
    "headband": (0.03, 0.005),
    "headphones": (0.018, 0.022),
}
_HIDES_HAIR = ("head scarf", "hood", "motorcycle helmet", "turban")
_LEAVES_HAIR = ("", "headband", "headphones")
MASKS = {"medical": 0.012, "ffp2": 0.004, "cloth": 0.004}


@dataclass(frozen=True)
class Outfit:
    """Names of what is worn ("" for nothing) and the colours of it."""

    headgear: str
    mask: str
    scarf: bool
    collar: bool  # the hood of a pullover, down
    earrings: bool
    clothes_print: str
    head_colours: Colours
    face_colours: Colours
    neck_colours: Colours
    spectacles: Spectacles | None


def sample_outfit(sex: str, age: float, rng: np.random.Generator) -> Outfit:
    """Draw all that is worn."""
    column = 0 if sex == "female" else 1
    names = ["", *HEADGEAR]
    shares = np.asarray([0.0, *(share[column] for share in HEADGEAR.values())])
    shares[0] = 1 - shares.sum()
    headgear = names[rng.choice(len(names), p=shares)]
    masks = ["", *MASKS]
    mask = masks[rng.choice(len(masks), p=[1 - sum(MASKS.values()), *MASKS.values()])]
    draw = rng.random()
    spectacles = None
    if draw < 0.18 * (0.4 if age < 0.3 else 1.1):
        spectacles = sample_spectacles(rng, sun=False)
    elif draw < 0.28:
        up = rng.random() < 0.15 and headgear == ""
        spectacles = sample_spectacles(rng, sun=True, pushed_up=up)
    return Outfit(
        headgear=headgear,
        mask=mask,
        scarf=bool(rng.random() < 0.05 and headgear not in ("head scarf", "hood")),
        collar=bool(rng.random() < 0.08),
        earrings=bool(rng.random() < (0.35 if sex == "female" else 0.04) and age > 0.15),
        clothes_print=str(rng.choice(PRINTS)) if rng.random() < 0.3 else "",
        head_colours=_colours(rng),
        face_colours=_colours(rng),
        neck_colours=_colours(rng),
        spectacles=spectacles,
    )


def _colours(rng: np.random.Generator) -> Colours:
    """Muted cloth: greys, navy, beige and the like more often than loud colours."""
    main, second = (_cloth_rgb(rng) for _ in range(2))
    return Colours(main, second, str(rng.choice(PRINTS)) if rng.random() < 0.35 else "cloth")


def _cloth_rgb(rng: np.random.Generator) -> FloatArray:
    grey = np.exp(rng.uniform(np.log(0.012), np.log(0.75)))
    return np.asarray(
        np.clip(grey * np.exp(rng.normal(0, 0.15 if rng.random() < 0.55 else 0.8, 3)), 0, 0.85), np.float32
    )


def outfit_fields(model: HeadModel, outfit: Outfit, style: HairStyle | None) -> dict[str, Any]:
    """What an outfit changes of an identity: hair gives way to what covers it."""
    fedora = next(item for item in model.items["hats"] if item.name == "fedora")
    fields: dict[str, Any] = {"cover": "", "glasses": None, "outfit": outfit}
    fields["hat"] = fedora if outfit.headgear == "fedora" else None
    fields["cover_rgb"] = outfit.head_colours.main
    if outfit.headgear in _LEAVES_HAIR:
        return fields
    fields["hair"] = None
    if style is not None:
        fields["style"] = _pressed(style, hidden=outfit.headgear in _HIDES_HAIR)
    return fields


def _pressed(style: HairStyle, *, hidden: bool) -> HairStyle:
    """A style under a hat: flat on the head, no knots above; none where cloth hides it all."""
    cut = style.cut
    if cut is not None and (hidden or (cut.knot is not None and cut.knot[1] > 0.2)):
        cut = None
    if cut is not None:
        cut = replace(
            cut,
            under_hat=True,
            layer=min(cut.layer, 0.025),
            fringe=0.3 * cut.fringe,
            over_ears=min(cut.over_ears, 0.08),
        )
    return replace(style, name="crop" if cut is None else "under a hat", cut=cut, scalp=min(style.scalp, 0.9))


def make_outfit(
    model: HeadModel,
    outfit: Outfit,
    neutral: FloatArray,
    clothes_rgb: FloatArray,
    dome: Dome,
    rng: np.random.Generator,
) -> list[Worn]:
    """Meshes of all that is worn but clothes and the assets' hat."""

    def rows_of(pattern: str, rgb: FloatArray) -> FloatArray:
        if pattern == "gloss":
            return material(model.white, tuple(rgb.tolist()), specular=0.35, shininess=50)
        if pattern == "visor":
            return pane(model.patterns["mirror sky"], rgb, 0.06, 200.0)
        texture = model.patterns[pattern]
        gain = rgb / np.maximum(texture.mean, 0.05) if not pattern.startswith("print") else 0.4 + 0.6 * rgb
        return material(texture, gain, wrap=0.12, smooth=True, alpha_texture=pattern == "clumps")

    made: list[Worn] = []
    if outfit.headgear in _MAKERS:
        made += _MAKERS[outfit.headgear](dome, outfit.head_colours, rows_of, rng)
    if outfit.mask:
        made += face_masks.face_mask(dome, neutral, outfit.face_colours, rows_of, rng, kind=outfit.mask)
    if outfit.scarf:
        made += face_masks.neck_scarf(neutral, outfit.neck_colours, rows_of, rng)
    elif outfit.collar and outfit.headgear not in ("hood", "head scarf"):
        made += face_masks.hood_down(neutral, clothes_rgb, rows_of, rng)
    if outfit.earrings and outfit.headgear not in _HIDES_HAIR:
        metal = np.asarray([(0.6, 0.45, 0.15), (0.6, 0.6, 0.62), (0.05, 0.05, 0.05)][rng.integers(3)], np.float32)
        made += face_masks.earrings(neutral[_lobes(model)], metal, rows_of, rng)
    if outfit.spectacles is not None:
        made += build_spectacles(model, outfit.spectacles, neutral, 0.06)
    return made


def _lobes(model: HeadModel) -> list[int]:
    """Lowest base vertex of each ear."""
    ears, mean = model.masks.ears > 0.6, model.mean
    return [int(np.argmin(np.where(ears & (mean[:, 0] * side > 0), mean[:, 1], 99.0))) for side in (-1, 1)]


def _backwards(dome: Dome, colours: Colours, rows_of: headwear.Rows, rng: np.random.Generator) -> list[Worn]:
    return headwear.cap(dome, colours, rows_of, rng, backwards=True)


def _sun_hat(dome: Dome, colours: Colours, rows_of: headwear.Rows, rng: np.random.Generator) -> list[Worn]:
    return headwear.hat(dome, colours, rows_of, rng, kind="sun hat")


def _bucket_hat(dome: Dome, colours: Colours, rows_of: headwear.Rows, rng: np.random.Generator) -> list[Worn]:
    return headwear.hat(dome, colours, rows_of, rng, kind="bucket hat")


_MAKERS: dict[str, Callable[[Dome, Colours, headwear.Rows, np.random.Generator], list[Worn]]] = {
    "cap": headwear.cap,
    "cap backwards": _backwards,
    "sun hat": _sun_hat,
    "bucket hat": _bucket_hat,
    "beanie": headwear.beanie,
    "hood": headwear.hood,
    "bicycle helmet": helmets.bicycle,
    "motorcycle helmet": helmets.motorcycle,
    "hard hat": helmets.hard_hat,
    "head scarf": headwear.head_scarf,
    "turban": headwear.turban,
    "headband": headwear.headband,
    "headphones": headwear.headphones,
}
