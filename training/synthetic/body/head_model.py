"""The head and everything that can be put on it, loaded once in each worker.

``base`` positions are MakeHuman's ``hm08`` vertices (19,158, 3) in decimetres; identities and
expressions are sums of sparse targets; hair, brows, lashes, teeth and clothes follow by their fits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from hpe_edge.training.synthetic.assets import AssetLibrary
from hpe_edge.training.synthetic.body.dome import DomeBinding, bind_dome
from hpe_edge.training.synthetic.body.hands import HandRig, build_hand_rig
from hpe_edge.training.synthetic.body.masks import BaseMasks, build_masks
from hpe_edge.training.synthetic.body.mesh import Fit, Mesh, Target, read_mhclo, read_obj, read_target
from hpe_edge.training.synthetic.people.beard import add_beards
from hpe_edge.training.synthetic.people.skin import Skin, add_skin
from hpe_edge.training.synthetic.people.skin_map import add_skin_map, unfold
from hpe_edge.training.synthetic.raster.materials import TexelStore, Texture, read_rgba
from hpe_edge.training.synthetic.raster.patterns import make_patterns
from numpy.typing import NDArray

from hpe_edge.errors import AssetError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

_BUST_BOTTOM = 4.3  # dm: below the shoulders
_BUST_HALF_WIDTH = 2.7
ETHNICITIES = ("african", "asian", "caucasian")
_EYE_DISC_CENTRE, _EYE_IRIS_RADIUS = (0.293, 0.70), 0.117  # of the image side, in MakeHuman's eye textures


@dataclass(frozen=True)
class Surface:
    """Faces ready to draw: ``source`` (V,) picks each vertex from the posed positions, ``uv`` (V, 2)."""

    source: IntArray
    uv: FloatArray
    faces: IntArray


@dataclass(frozen=True)
class Item:
    """A thing that follows the base mesh."""

    name: str
    fit: Fit
    surface: Surface
    texture: Texture


@dataclass(frozen=True)
class HeadModel:
    """All geometry and textures; see ``load_head_model``."""

    base: FloatArray
    mean: FloatArray
    bust_faces: IntArray
    targets: dict[str, Target]
    macros: dict[str, Target]
    expressions: dict[str, dict[str, Target]]
    headness: FloatArray
    masks: BaseMasks
    face_index: IntArray  # base vertices of the face
    skull: IntArray  # base vertices of the whole head without the neck
    skin: Surface
    eyes: tuple[Surface, Surface]
    items: dict[str, tuple[Item, ...]]
    skins: dict[str, Skin]
    eye_textures: dict[str, Texture]
    white: Texture
    skin_map: Texture
    beards: dict[str, Texture]
    patterns: dict[str, Texture]
    dome: DomeBinding
    hand: HandRig
    texels: NDArray[np.uint8]


def load_head_model(assets: AssetLibrary) -> HeadModel:
    """Read and prepare everything; a few seconds, about 200 MB."""
    head = assets.head_folder
    mesh = read_obj(head / "3dobjs" / "base.obj")
    targets = _read_targets(head / "targets")
    macros = {path.name.split(".")[0]: read_target(path) for path in _glob(head / "targets/macrodetails")}
    expressions = {
        ethnicity: {
            path.name.split(".")[0]: read_target(path) for path in _glob(head / "targets/expression/units" / ethnicity)
        }
        for ethnicity in ETHNICITIES
    }
    mean = _mean_face(mesh.positions, macros)
    faces, face_uv = _bust(mesh, "body")
    store = TexelStore()
    items = _read_items(assets, store, mesh.positions)
    skins = {
        Path(name).stem: add_skin(store, read_rgba(assets.path(name), 1024), head / "textures")
        for name in assets.names("makehuman/skins/textures/", ".png")
    }
    eye_textures = _eye_textures(assets, store)
    white = store.add(np.full((4, 4, 4), 255, np.uint8))
    patterns = make_patterns(store)
    masks = build_masks(mean, faces, face_uv, mesh.uv, head / "textures")
    headness = _headness(head / "rigs/standard/weights.default.json", len(mesh.positions))
    on_head = np.zeros(len(mean), bool)
    on_head[np.unique(faces)] = True
    return HeadModel(
        base=mesh.positions,
        mean=mean,
        bust_faces=faces,
        targets=targets,
        macros=macros,
        expressions=expressions,
        headness=headness,
        masks=masks,
        face_index=np.flatnonzero(masks.face > 0.5).astype(np.int32),
        skull=np.flatnonzero(on_head & (headness > 0.97) & (mean[:, 1] > 6.25)).astype(np.int32),
        skin=_surface(faces, face_uv, mesh.uv),
        eyes=(_eye_surface(mesh, "helper-r-eye"), _eye_surface(mesh, "helper-l-eye")),
        items=items,
        skins=skins,
        eye_textures=eye_textures,
        white=white,
        skin_map=add_skin_map(store, mean, faces, face_uv, mesh.uv, head / "textures"),
        beards=add_beards(store, *unfold(mean, faces, face_uv, mesh.uv)[::2]),
        patterns=patterns,
        dome=bind_dome(mean, faces, masks.ears),
        hand=build_hand_rig(mesh, head / "rigs/standard/weights.default.json"),
        texels=store.texels(),
    )


def _glob(folder: Path) -> list[Path]:
    paths = sorted(folder.glob("*.target.gz"))
    if not paths:
        raise AssetError(f"{folder}: expected MakeHuman targets (*.target.gz), found none")
    return paths


def _read_targets(root: Path) -> dict[str, Target]:
    folders = ["cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose", "asym"]
    paths = [path for folder in folders for path in _glob(root / folder)]
    kept = [path for path in paths if "breast" not in path.name and "trunk" not in path.name]
    return {path.name.split(".")[0]: read_target(path) for path in kept}


def _mean_face(base: FloatArray, macros: dict[str, Target]) -> FloatArray:
    mean = base.copy()
    for sex in ("female", "male"):
        for ethnicity in ETHNICITIES:
            macros[f"{ethnicity}-{sex}-young"].add_to(mean, 1.0 / 6.0)
        macros[f"universal-{sex}-young-averagemuscle-averageweight"].add_to(mean, 0.5)
    return mean


def _bust(mesh: Mesh, group: str) -> tuple[IntArray, IntArray]:
    centre = mesh.positions[mesh.faces].mean(1)
    keep = mesh.face_group == mesh.groups.index(group)
    keep &= (centre[:, 1] > _BUST_BOTTOM) & (np.abs(centre[:, 0]) < _BUST_HALF_WIDTH)
    return mesh.faces[keep], mesh.face_uv[keep]


def _surface(faces: IntArray, face_uv: IntArray, uv: FloatArray) -> Surface:
    """One vertex for each used (position, uv) pair, so that seams keep their texture."""
    pairs = np.stack([faces.reshape(-1), face_uv.reshape(-1)], 1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    return Surface(
        np.ascontiguousarray(unique[:, 0]).astype(np.int32),
        np.ascontiguousarray(uv[unique[:, 1]]),
        np.ascontiguousarray(inverse.reshape(-1, 3)).astype(np.int32),
    )


def _eye_surface(mesh: Mesh, group: str) -> Surface:
    faces = mesh.faces[mesh.face_group == mesh.groups.index(group)]
    source, inverse = np.unique(faces, return_inverse=True)
    return Surface(
        source.astype(np.int32), np.zeros((len(source), 2), np.float32), inverse.reshape(-1, 3).astype(np.int32)
    )


def _headness(path: Path, count: int) -> FloatArray:
    """How far each vertex turns with the head (1) or stays with the trunk (0), from the rig's weights."""
    weights = json.loads(path.read_text())["weights"]
    share = {"neck01": 0.2, "neck02": 0.5, "neck03": 0.8}
    body = ("spine", "clavicle", "shoulder", "breast", "arm", "wrist", "finger", "meta", "leg", "foot", "toe")
    total, turning = np.full(count, 1e-9), np.zeros(count)
    for bone, pairs in weights.items():
        index = np.asarray([pair[0] for pair in pairs], int)
        weight = np.asarray([pair[1] for pair in pairs])
        on_trunk = bone in ("root",) or any(word in bone for word in body) or "pelvis" in bone
        total[index] += weight
        turning[index] += weight * share.get(bone, 0.0 if on_trunk else 1.0)
    return (turning / total).astype(np.float32)


def _read_items(assets: AssetLibrary, store: TexelStore, base: FloatArray) -> dict[str, tuple[Item, ...]]:
    fibre = store.add(_fibre_texture())
    kinds = {
        "hair": ("makehuman/hair/", 512),
        "eyebrows": ("makehuman/eyebrows/", 96),  # hairs finer than a sample would be drawn as dots
        "eyelashes": ("makehuman/eyelashes/", 256),
        "teeth": ("makehuman/teeth/", 256),
        "tongue": ("makehuman/tongue/", 128),
        "clothes": ("makehuman/clothes/", 256),
    }
    found: dict[str, list[Item]] = {kind: [] for kind in (*kinds, "hats")}
    for kind, (prefix, side) in kinds.items():
        for name in assets.names(prefix, ".mhclo"):
            path = assets.path(name)
            if "shoes" in name:
                continue
            fit, obj_name = read_mhclo(path)
            mesh = read_obj(path.parent / (obj_name or path.with_suffix(".obj").name))
            texture_path = _texture_beside(assets, name, prefix)
            texture = store.add(read_rgba(texture_path, side)) if texture_path else fibre
            faces, face_uv = mesh.faces, mesh.face_uv
            if kind == "clothes" and "fedora" not in name:
                faces, face_uv = _above_chest(fit, base, faces, face_uv)
            item = Item(path.stem, fit, _surface(faces, face_uv, mesh.uv), texture)
            found["hats" if "fedora" in name else kind].append(item)
    return {kind: tuple(items) for kind, items in found.items()}


def _above_chest(fit: Fit, base: FloatArray, faces: IntArray, face_uv: IntArray) -> tuple[IntArray, IntArray]:
    centre = fit.apply(base)[faces].mean(1)
    keep = (centre[:, 1] > _BUST_BOTTOM) & (np.abs(centre[:, 0]) < _BUST_HALF_WIDTH)
    return faces[keep], face_uv[keep]


def _texture_beside(assets: AssetLibrary, name: str, prefix: str) -> Path | None:
    folder = prefix if "teeth" in prefix else name.rsplit("/", 1)[0]
    images = assets.names(folder, ".png")
    return assets.path(images[0]) if images else None


def _eye_textures(assets: AssetLibrary, store: TexelStore) -> dict[str, Texture]:
    textures = {}
    for name in assets.names("makehuman/eyes/materials/", ".png"):
        rgba = read_rgba(assets.path(name), 256)
        textures[Path(name).stem.replace("_eye", "")] = store.add(rgba)
        if "brownlight" in name:  # most people's eyes are darker than any of the files
            for shade, gain in (("brown", (0.62, 0.5, 0.42)), ("darkbrown", (0.38, 0.28, 0.24))):
                textures[shade] = store.add(_darken_iris(rgba, gain))
    return textures


def _darken_iris(rgba: NDArray[np.uint8], gain: tuple[float, float, float]) -> NDArray[np.uint8]:
    side = rgba.shape[0]
    y, x = np.mgrid[0:side, 0:side] / side
    radius = np.hypot(x - _EYE_DISC_CENTRE[0], y - _EYE_DISC_CENTRE[1])
    inside = np.clip((_EYE_IRIS_RADIUS * 1.08 - radius) / 0.015, 0, 1)[..., None]
    dark = rgba.astype(np.float32)
    dark[..., :3] *= 1 + inside * (np.asarray(gain, np.float32) - 1)
    return dark.astype(np.uint8)


def _fibre_texture(side: int = 256) -> NDArray[np.uint8]:
    """Strands for hair that comes without a texture: fine grey noise, nearly opaque."""
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(side, side)).astype(np.float32)
    strands = cv2.GaussianBlur(noise, (0, 0), sigmaX=0.8, sigmaY=6)
    clumps = cv2.GaussianBlur(rng.normal(size=(side, side)).astype(np.float32), (0, 0), 3)
    grey = np.clip(120 + 40 * strands / strands.std(), 20, 255)
    alpha = np.clip(240 + 40 * clumps / clumps.std(), 0, 255)
    return np.dstack([grey, grey, grey, alpha]).astype(np.uint8)
