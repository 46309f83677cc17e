"""Which hair somebody has: cut, colour, grey, thinning; and the making of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hpe_edge.training.synthetic.body.dome import Dome
from hpe_edge.training.synthetic.body.head_model import HeadModel, Item
from hpe_edge.training.synthetic.hair.cards import grow_locks, grow_tail
from hpe_edge.training.synthetic.hair.cut import Cut, Dye, head_direction
from hpe_edge.training.synthetic.hair.mass import (
    Reshape,
    bald_share,
    curly_mass,
    knot_of_hair,
    plait,
    sample_reshape,
)
from hpe_edge.training.synthetic.raster.materials import linear_rgb, material
from hpe_edge.training.synthetic.worn.worn import Worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

STYLES = {  # how often, by sex
    "long": (0.30, 0.06),
    "wavy": (0.16, 0.05),
    "curls": (0.07, 0.05),
    "bob": (0.08, 0.02),
    "short": (0.05, 0.20),
    "short curls": (0.03, 0.08),
    "afro": (0.04, 0.04),
    "bun": (0.04, 0.01),
    "top knot": (0.03, 0.015),
    "ponytail": (0.06, 0.015),
    "plaits": (0.03, 0.0),
    "crop": (0.015, 0.24),
    "item": (0.105, 0.22),
}
_COLOURS = {  # sRGB and how often
    "black": ((20, 17, 16), 0.28),
    "darkbrown": ((48, 33, 24), 0.24),
    "brown": ((92, 62, 40), 0.16),
    "blond": ((178, 142, 96), 0.13),
    "lightblond": ((214, 186, 138), 0.05),
    "red": ((126, 58, 28), 0.05),
    "grey": ((132, 130, 128), 0.05),
    "white": ((208, 206, 203), 0.02),
    "dyed": ((120, 40, 70), 0.02),
}
_LOOSE = ("long", "wavy", "curls", "bob")


@dataclass(frozen=True)
class HairStyle:
    """``cut`` None: shells, an item of the assets or nothing but the crop on the scalp."""

    name: str
    cut: Cut | None
    dye: Dye
    scalp: float  # strength of the hair painted on the scalp
    thinning: float  # 0: full, 1: bald crown
    specular: float
    shininess: float
    volume: float  # thickness of curls on the head or half a knot, dm
    reshape: Reshape | None


def sample_colour(age: float, tone: float, rng: np.random.Generator) -> tuple[str, Dye]:
    """Name and colours; the tone of the skin (Monk, 0 to 9) matters only loosely."""
    names = list(_COLOURS)
    dark = np.clip((tone - 4.5) / 3, 0, 1)
    leaning = {"black": 1 + 1.6 * dark, "blond": 1 - 0.75 * dark, "lightblond": 1 - 0.85 * dark, "red": 1 - 0.6 * dark}
    leaning |= dict.fromkeys(("grey", "white"), 0.3 if age < 0.6 else 4.5)
    shares = np.asarray([_COLOURS[name][1] * leaning.get(name, 1.0) for name in names])
    name = names[rng.choice(len(names), p=shares / shares.sum())]
    rgb = linear_rgb(_COLOURS[name][0]) * np.float32(np.exp(rng.normal(0, 0.25)))
    if name == "dyed":
        rgb = np.asarray(rng.uniform(0.01, 0.5, 3), np.float32)
    dye = Dye(rgb, rgb, 1.0, rgb, 0.0, float(rng.uniform(0.03, 0.15)))
    draw = rng.random()
    if draw < 0.12:  # highlights
        dye = replace(dye, streak_rgb=np.minimum(rgb * 2.5 + 0.03, 0.6), streaks=float(rng.uniform(0.15, 0.5)))
    elif draw < 0.22:  # bleached or dyed ends
        tip = np.asarray(rng.uniform(0.02, 0.6, 3), np.float32) if rng.random() < 0.3 else np.minimum(rgb * 3, 0.55)
        dye = replace(dye, tip_rgb=tip.astype(np.float32), tip_from=float(rng.uniform(0.1, 0.6)))
    elif (age > 0.6 and draw < 0.7) or draw < 0.26:
        grey = linear_rgb((168, 166, 164))
        dye = replace(dye, streak_rgb=grey, streaks=float(rng.uniform(0.15, 0.7)))
    return name, dye


def sample_style(sex: str, age: float, dye: Dye, rng: np.random.Generator) -> HairStyle:
    """A hair style; babies have little, old men often less."""
    shares = np.asarray([share[0 if sex == "female" else 1] for share in STYLES.values()])
    name = list(STYLES)[rng.choice(len(STYLES), p=shares / shares.sum())]
    if age < 0.12:
        name = "crop" if rng.random() < 0.6 else "short"
    grown_man = sex == "male" and age > 0.45
    thinning = float(rng.beta(1.5, 1.5)) if grown_man and rng.random() < (0.25 if age < 0.62 else 0.6) else 0.0
    if thinning > 0.75:
        name = "crop"
    scalp = 0.95 if name != "crop" else float(rng.choice([0.0, 0.45, 0.9], p=(0.2, 0.3, 0.5)))
    cut = None if name in ("crop", "afro", "item") else _cut(name, rng)
    if cut is not None and thinning > 0:
        cut = replace(cut, recede=float(rng.uniform(0.05, 0.3)) * thinning)
    volume = {
        "afro": (0.25, 0.8),
        "bun": (0.2, 0.42),
        "top knot": (0.2, 0.38),
        "ponytail": (0.1, 0.16),
        "plaits": (0.14, 0.26),
    }
    return HairStyle(
        name, cut, dye, scalp, thinning,
        specular=float(rng.uniform(0.004, 0.045)), shininess=float(rng.uniform(6, 22)),
        volume=float(rng.uniform(*volume.get(name, (0.05, 0.25)))),
        reshape=sample_reshape(rng) if name == "item" else None,
    )  # fmt: skip


def hair_fields(
    item: Item | None, covered: bool, sex: str, age: float, tone: float, rng: np.random.Generator
) -> dict[str, Any]:
    """What a new hair style changes of an identity; ``item`` is what the assets would give, ``covered`` the crown."""
    name, dye = sample_colour(age, tone, rng)
    style = sample_style(sex, age, dye, rng)
    if covered:
        style = replace(style, name="crop", cut=None)
    kept = item if style.name == "item" else None
    return {"hair": kept, "hair_rgb": dye.rgb, "hair_name": name, "buzz": style.scalp, "style": style}


def _cut(name: str, rng: np.random.Generator) -> Cut:
    if name in _LOOSE:
        return _loose(name, rng)
    if name in ("short", "short curls"):
        curly = name == "short curls"
        return Cut(
            length=float(rng.uniform(0.35, 0.8)), ragged=0.25, layer=float(rng.uniform(0.05, 0.28)),
            part=float(rng.uniform(-0.4, 0.4)), back=_pair(rng, 0.2, 1.0), over_ears=0.0,
            stiffness=float(rng.uniform(0.6, 0.9)), wave=0.07 if curly else float(rng.uniform(0, 0.03)),
            wave_length=0.35, fringe=float(rng.choice([0.0, 0.5, 0.9])), fringe_end=float(rng.uniform(7.55, 7.9)),
            fringe_sweep=float(rng.normal(0, 0.7)), locks=180, width=0.1, curly=curly,
        )  # fmt: skip
    knots = {
        "bun": (105, 180, 0.95),
        "top knot": (30, 180, 1.05),
        "ponytail": (80, 180, 0.98),
        "plaits": (118, 105, 0.95),
    }
    polar, azimuth, reach = knots[name]
    return Cut(
        length=1.7, layer=float(rng.uniform(0.02, 0.07)), part=float(rng.uniform(-0.3, 0.3)), back=(1.0, 1.0),
        stiffness=0.35, over_ears=0.0,
        two_knots=name == "plaits",
        knot=head_direction(polar + float(rng.normal(0, 12)), azimuth + float(rng.normal(0, 10)), reach),
        fringe=float(rng.choice([0.0, 0.15, 0.7], p=(0.6, 0.25, 0.15))), fringe_end=float(rng.uniform(6.9, 7.6)),
        fringe_sweep=float(rng.normal(0, 1.0)), locks=170, wave=float(rng.choice([0.0, 0.025])),
    )  # fmt: skip


def _loose(name: str, rng: np.random.Generator) -> Cut:
    """Hair that falls: how much of ear and cheek it hides differs from side to side."""
    covers = rng.random() < 0.6
    limits = tuple(float(rng.uniform(0.45, 0.7)) if covers and rng.random() < 0.75 else 0.74 for _ in range(2))
    back = tuple(float(rng.uniform(-0.25, 0.25) if limit < 0.72 else rng.uniform(0.3, 1.2)) for limit in limits)
    waves = {"long": (0.0, 0.03), "bob": (0.0, 0.03), "wavy": (0.05, 0.1), "curls": (0.08, 0.14)}[name]
    fringe = rng.random() < (0.45 if name == "bob" else 0.22)
    windy = rng.random() < 0.12
    return Cut(
        length=float(rng.uniform(0.95, 1.45) if name == "bob" else rng.uniform(1.4, 3.2)),
        ragged=float(rng.uniform(0.03, 0.2)),
        layer=float(rng.uniform(0.06, 0.2) if name in ("long", "bob") else rng.uniform(0.12, 0.35)),
        part=float(rng.choice([0.0, rng.uniform(-0.35, 0.35)])),
        back=back,  # type: ignore[arg-type]
        cheek_limit=limits,  # type: ignore[arg-type]
        stiffness=float(rng.uniform(0.4, 0.7)),
        wave=float(rng.uniform(*waves)),
        wave_length=float(rng.uniform(0.3, 0.5) if name == "curls" else rng.uniform(0.5, 1.2)),
        wind=(float(rng.normal(0, 0.5)), float(rng.normal(0, 0.5))) if windy else (0.0, 0.0),
        over_ears=float(rng.choice([0.0, 0.16], p=(0.3, 0.7))),
        fringe=1.0 if fringe else 0.0,
        fringe_end=float(rng.uniform(7.42, 7.75)),
        fringe_sweep=float(rng.choice([0.0, rng.normal(0, 0.8)])),
        stray=float(rng.choice([0.0, 0.02, 0.06], p=(0.6, 0.3, 0.1))),
        locks={"curls": 230, "wavy": 210}.get(name, 180),
        width={"curls": 0.07, "wavy": 0.09}.get(name, 0.115),
        curly=name == "curls",
    )


def _pair(rng: np.random.Generator, low: float, high: float) -> tuple[float, float]:
    both = float(rng.uniform(low, high))
    return both, both + float(rng.normal(0, 0.1))


def scalp_of(model: HeadModel, style: HairStyle) -> FloatArray:
    """Where hair grows, on base vertices (B,)."""
    return model.masks.scalp * (1 - bald_share(model.mean, style.thinning)) if style.thinning else model.masks.scalp


def make_hair(model: HeadModel, style: HairStyle, dome: Dome, rng: np.random.Generator) -> list[Worn]:
    """Meshes of a style; nothing where it is only painted on the scalp or an item of the assets."""
    scalp = model.dome.blend(scalp_of(model, style))

    def row(pattern: str) -> FloatArray:
        texture = model.patterns[pattern]
        return material(
            texture, style.dye.rgb / np.maximum(texture.mean, 0.01), alpha_texture=True, wrap=0.35,
            specular=style.specular, shininess=style.shininess,
        )  # fmt: skip

    cut, made = style.cut, []
    if style.name in ("afro", "short curls", "curls"):
        made.append(curly_mass(dome, scalp, style.volume, row("clumps"), rng))
    if cut is not None:
        locks = row("curly" if cut.curly else "straight")
        made.append(grow_locks(cut, style.dye, dome, scalp, locks, rng))
        if cut.knot is not None and cut.two_knots:
            for side in (-1, 1):
                start = dome.centre + np.asarray(cut.knot) * (side, 1, 1)
                end = start + np.asarray((0.15 * side, -rng.uniform(0.7, 1.8), rng.uniform(0.0, 0.5)))
                made.append(plait(start.astype(np.float32), end.astype(np.float32), 0.5 * style.volume, row("fibre")))
        elif cut.knot is not None:
            centre = (dome.centre + np.asarray(cut.knot) * 1.1).astype(np.float32)
            made.append(knot_of_hair(centre, style.volume, row("fibre"), rng))
        if style.name == "ponytail":
            made.append(grow_tail(cut, style.dye, dome, locks, rng))
    return made
