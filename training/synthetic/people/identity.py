"""Who is drawn: shape, skin, hair, eyes, clothes, things worn."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

import numpy as np
from hpe_edge.training.synthetic.body.head_model import ETHNICITIES, HeadModel, Item
from hpe_edge.training.synthetic.hair.choice import sample_hair, sample_hair_colour
from hpe_edge.training.synthetic.hair.style import HairStyle, hair_fields
from hpe_edge.training.synthetic.people.beard import Beard, sample_beard
from hpe_edge.training.synthetic.people.complexion import Complexion, sample_complexion
from hpe_edge.training.synthetic.people.population import person
from hpe_edge.training.synthetic.people.proportions import raise_nose
from hpe_edge.training.synthetic.people.skin import Skin
from hpe_edge.training.synthetic.raster.materials import Texture, linear_rgb
from hpe_edge.training.synthetic.streams import Dice
from hpe_edge.training.synthetic.worn.outfit import Outfit, outfit_fields, sample_outfit
from hpe_edge.training.synthetic.worn.wear import Glasses, sample_cover, sample_glasses
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_AGES = ("baby", "child", "young", "old")
_AGE_VALUES = (0.0, 0.1875, 0.5, 1.0)
# The ten swatches of the Monk Skin Tone scale (Monk 2019, CC BY 4.0), sRGB
MONK_TONES = tuple(
    bytes.fromhex(code)
    for code in ["f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96", "a07e56", "825c43", "604134", "3a312a", "292420"]
)
_BROWN_IRISES = ("darkbrown", "brown", "brownlight")
_RARE_IRISES = {"deepblue", "bluegreen", "ice"}  # more coloured than any eye seen from two metres


@dataclass(frozen=True)
class Identity:
    """One person. ``neutral`` (B, 3) positions in decimetres, rigidly aligned to the mean face."""

    neutral: FloatArray
    sex: str
    age: float
    ethnicity: dict[str, float]
    monk_tone: float
    skin: Skin
    skin_gain: FloatArray
    hair: Item | None
    hair_rgb: FloatArray
    hair_name: str
    buzz: float
    beard: float
    moustache: float
    eyebrow: Item
    eyelash: Item
    eye: Texture
    teeth: Item
    clothes: Item | None
    clothes_rgb: FloatArray
    hat: Item | None
    cover: str  # "", "beanie", "hood", "face mask" or "scarf"
    cover_rgb: FloatArray
    make_up: float
    glasses: Glasses | None
    complexion: Complexion | None = None  # skin in detail; None without the feature "skin"
    facial_hair: Beard | None = None
    style: HairStyle | None = None  # hair made for this head
    outfit: Outfit | None = None  # replaces cover, hat and glasses

    def attributes(self) -> dict[str, str | float]:
        """What a data card counts."""
        glasses, cover = "", self.cover or ("hat" if self.hat else "")
        if self.glasses is not None:
            glasses = "sun" if self.glasses.lens_opacity > 0.5 else "clear"
        if self.outfit is not None:
            cover = "+".join(filter(None, (self.outfit.headgear, self.outfit.mask, "scarf" * self.outfit.scarf)))
            if self.outfit.spectacles is not None:
                glasses = "sun" if self.outfit.spectacles.dark else "clear"
        return {
            "sex": self.sex,
            "age": round(self.age, 3),
            "monk_tone": round(self.monk_tone, 2),
            "hair": self.style.name if self.style and not self.hair else self.hair.name if self.hair else "",
            "hair_colour": self.hair_name,
            "beard": round(max(self.beard, self.moustache), 2),
            "glasses": glasses,
            "cover": cover,
        }


def sample_identity(model: HeadModel, features: frozenset[str], dice: Dice) -> Identity:
    """Draw a person; each part has its own stream, so that features change only what is theirs."""
    rng = dice("person")
    seed, number = dice.key[0], dice.key[-1]
    if len(dice.key) > 2:  # somebody in the background: any cell of the population
        number = int(rng.integers(1 << 30))
    sex, age, tone = astuple(person(seed, number, rng))
    shares = rng.dirichlet((0.3 + 0.05 * tone, 0.45, 0.7 - 0.05 * tone))
    ethnicity = dict(zip(ETHNICITIES, shares.tolist(), strict=True))
    skin = _pick_skin(model, sex, age, tone, rng)
    hair_name, hair_rgb = sample_hair_colour(age, rng)
    hair, buzz = sample_hair(model, sex, dice("hair"))
    rng = dice("wear")
    cover, hat = sample_cover(model, rng)
    adult_man = sex == "male" and age > 0.4
    bearded = adult_man and rng.random() < 0.5
    brows, lashes = model.items["eyebrows"], model.items["eyelashes"]
    teeth, clothes = model.items["teeth"], model.items["clothes"]
    identity = Identity(
        neutral=_neutral_shape(model, sex, age, ethnicity, dice("shape")),
        sex=sex,
        age=age,
        ethnicity=ethnicity,
        monk_tone=tone,
        skin=skin,
        skin_gain=_skin_gain(skin, tone, rng),
        hair=None if hat or (cover in ("beanie", "hood") and rng.random() < 0.8) else hair,
        hair_rgb=hair_rgb,
        hair_name=hair_name,
        buzz=buzz,
        beard=float(rng.beta(1.2, 1.2)) if bearded else 0.0,
        moustache=float(rng.beta(1.2, 1.0)) if bearded or (adult_man and rng.random() < 0.1) else 0.0,
        eyebrow=brows[rng.integers(len(brows))],
        eyelash=lashes[rng.integers(len(lashes))],
        eye=_pick_eye(model, tone, rng),
        teeth=teeth[rng.integers(len(teeth))],
        clothes=clothes[rng.integers(len(clothes))] if rng.random() < 0.88 else None,
        clothes_rgb=rng.uniform(0.02, 1.0, 3).astype(np.float32) * np.float32(rng.uniform(0.3, 1.0)),
        hat=hat,
        cover=cover,
        cover_rgb=rng.uniform(0.02, 0.8, 3).astype(np.float32),
        make_up=float(rng.uniform(0.2, 1.0)) if sex == "female" and age > 0.35 and rng.random() < 0.5 else 0.0,
        glasses=sample_glasses(rng) if rng.random() < 0.2 else None,
    )
    if "proportions" in features:
        raised = raise_nose(model, identity.neutral, age, ethnicity, dice("nose"))
        identity = replace(identity, neutral=raised)
    if "skin" in features:
        complexion = sample_complexion(
            model.skin_map, skin, identity.skin_gain * skin.mean, sex, age, tone, identity.make_up, dice("complexion")
        )
        identity = replace(identity, complexion=complexion, eye=_pick_iris(model, tone, dice("iris")))
    if "hair" in features:
        covered = "wear" not in features and (hat is not None or cover in ("beanie", "hood"))
        identity = replace(identity, **hair_fields(hair, covered, sex, age, tone, dice("hair style")))
    if "wear" in features:
        outfit = sample_outfit(sex, age, dice("outfit"))
        worn_hair = identity.hair if "hair" in features else hair
        identity = replace(identity, **{"hair": worn_hair, **outfit_fields(model, outfit, identity.style)})
    grown = max(identity.beard, identity.moustache)
    if identity.complexion is not None and grown > 0:
        own_rgb = identity.complexion.brow_limit_rgb if identity.hair_name == "dyed" else identity.hair_rgb
        identity = replace(identity, facial_hair=sample_beard(own_rgb, age, grown < 0.45, dice("beard")))
    return identity


def _neutral_shape(
    model: HeadModel, sex: str, age: float, ethnicity: dict[str, float], rng: np.random.Generator
) -> FloatArray:
    positions = model.base.copy()
    upper = int(np.searchsorted(_AGE_VALUES, age, side="left"))
    upper = min(max(upper, 1), len(_AGES) - 1)
    span = _AGE_VALUES[upper] - _AGE_VALUES[upper - 1]
    mix = (age - _AGE_VALUES[upper - 1]) / span
    fat = rng.choice(["minweight", "averageweight", "maxweight"], p=(0.25, 0.45, 0.3))
    fat_share = rng.uniform(0, 1)
    for name, share in ((_AGES[upper - 1], 1 - mix), (_AGES[upper], mix)):
        for group, weight in ethnicity.items():
            model.macros[f"{group}-{sex}-{name}"].add_to(positions, share * weight)
        for weight_name, weight in ((fat, fat_share), ("averageweight", 1 - fat_share)):
            model.macros[f"universal-{sex}-{name}-averagemuscle-{weight_name}"].add_to(positions, share * weight)
    _vary_features(model, positions, rng)
    return align_to_mean(model, positions)


def _vary_features(model: HeadModel, positions: FloatArray, rng: np.random.Generator) -> None:
    """Every detail target of the face, both sides alike, and a little asymmetry on top."""
    strength: dict[str, float] = {}
    for name in model.targets:
        common = name[2:] if name[:2] in ("l-", "r-") else name
        if common not in strength:
            spread = 0.12 if name.startswith("asym") else 0.08 if "trans" in name or "angle" in name else 0.22
            strength[common] = abs(rng.normal(0, spread)) if rng.random() < 0.5 else 0.0
        if strength[common] > 0.01:
            model.targets[name].add_to(positions, min(strength[common], 0.9))


def align_to_mean(model: HeadModel, positions: FloatArray) -> FloatArray:
    """Rigidly align the face to the mean face (Kabsch 1976), so that "frontal" means the same for everybody.

    Without it, age and ethnicity targets tilt the face by degrees while the label stays.
    """
    index = np.flatnonzero(model.masks.face > 0.5)
    source, target = positions[index].astype(np.float64), model.mean[index].astype(np.float64)
    source_centre, target_centre = source.mean(0), target.mean(0)
    left, _, right = np.linalg.svd((source - source_centre).T @ (target - target_centre))
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ flip @ right
    return ((positions - source_centre) @ rotation + target_centre).astype(np.float32)


def _pick_skin(model: HeadModel, sex: str, age: float, tone: float, rng: np.random.Generator) -> Skin:
    """A texture of fitting sex and age; where the assets have none, another's detail in the right tone."""
    era = "old" if age > 0.74 else "middleage" if age > 0.56 else "young"
    if era == "old" and tone < 4 and rng.random() < 0.65:
        era = "middleage"  # the one old texture is a dark man's: its contrast is too harsh for most light skins
    dark = tone > 5.5
    wanted = [name for name in model.skins if name.split("_")[2] == sex and name.startswith(era)]
    if dark and rng.random() < 0.5:
        wanted = [name for name in model.skins if "dark" in name and (era in name or sex == "female")]
    if not wanted:
        wanted = [name for name in model.skins if name.startswith(era)]
    if sex == "female":  # a man's stubble is painted into his texture
        wanted = [name for name in wanted if "_male_" not in name] or [name for name in model.skins if "female" in name]
    return model.skins[str(rng.choice(sorted(wanted)))]


def _skin_gain(skin: Skin, tone: float, rng: np.random.Generator) -> FloatArray:
    low = int(tone)
    high = min(low + 1, 9)
    swatch = linear_rgb(MONK_TONES[low]) * (1 - (tone - low)) + linear_rgb(MONK_TONES[high]) * (tone - low)
    # a swatch is how lit skin looks; as an albedo light skin is darker and redder, and none is black
    albedo = 0.66 * swatch * (1.10, 0.79, 0.67) + (0.036, 0.019, 0.013)
    hue = np.exp(rng.normal(0, 0.06) + rng.normal(0, 0.03, 3))
    return np.asarray(albedo * hue / np.maximum(skin.mean, 1e-3), np.float32)


def _pick_iris(model: HeadModel, tone: float, rng: np.random.Generator) -> Texture:
    """Nearly all of the world's eyes are brown; grey, green and blue come with light skin."""
    light = sorted(model.eye_textures.keys() - _RARE_IRISES - set(_BROWN_IRISES))
    draw = rng.random()
    if draw < np.clip(0.6 - 0.15 * tone, 0.005, 0.6):
        return model.eye_textures[str(rng.choice(light))]
    shares = (0.3 + 0.07 * tone, 0.4 - 0.04 * tone, 0.3 - 0.033 * tone)
    return model.eye_textures[str(rng.choice(_BROWN_IRISES, p=np.asarray(shares) / sum(shares)))]


def _pick_eye(model: HeadModel, tone: float, rng: np.random.Generator) -> Texture:
    dark = ("brown", "darkbrown", "brownlight")
    names = dark if rng.random() < (0.97 if tone > 4.5 else 0.5) else tuple(sorted(model.eye_textures))
    return model.eye_textures[str(rng.choice(names))]
