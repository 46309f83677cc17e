"""Where FSA-Net looks: the structure maps S_k and M_k over faces.

Yang et al., "FSA-Net" (CVPR 2019), section 3.5 and fig. 5. A row of M_k, or of S_k = C M_k, says how much each
pixel-level feature of all K stages counts for one representative feature; folded back to K maps of w x h and
summed over the K, it is a heatmap on the crop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from hpe_edge.training.augment import InputSpec, cut
from hpe_edge.training.models.outputs import decode
from hpe_edge.training.studies.correlation import correlation
from hpe_edge.training.studies.report import Cell, Report, Table
from hpe_edge.training.studies.structure_maps_figure import write_map_sheet
from numpy.typing import NDArray
from torch import Tensor, nn

from hpe_edge.errors import DatasetError, InvalidArgumentError

ROWS = ("s", "m")
MOST_FACES = 24
REACH_DEG = 75.0  # the shown faces are spread over this range of yaw
_BATCH = 64


class StructureMaps(NamedTuple):
    """m: (N, K, m, n), eq. 5. s: (N, K, n', n), rows of sum 1, eq. 4. n = K w h, source stages deepest first."""

    m: Tensor
    s: Tensor


@dataclass(frozen=True, eq=False)
class Face:
    """A photograph or a rendered head: (H, W, 3) uint8 BGR, (4,) tight box in pixels, its yaw."""

    image_bgr: NDArray[np.uint8]
    box_xyxy: NDArray[np.float32]
    yaw_deg: float


def find_mapping(network: nn.Module) -> nn.Module:
    """The one module of a network that maps structure: it scores cells (``attention``) and has ``f_m``, ``f_c``.

    Raises InvalidArgumentError for a network without one, such as FSA-Net with scoring "none".
    """
    parts = ("attention", "f_m", "f_c")
    found = [module for module in network.modules() if all(hasattr(module, part) for part in parts)]
    if len(found) != 1:
        raise InvalidArgumentError(
            f"structure maps: expected a network with one structure mapping (FSA-Net with scoring 1x1 or "
            f"variance), got {type(network).__name__} with {len(found)}"
        )
    return found[0]


def structure_maps(mapping: Any, u: Tensor) -> StructureMaps:
    """The maps that a mapping makes of the pixel-level features U (N, n, c).

    >>> structure_maps(mapping, torch.zeros(1, 192, 64)).s.shape  # doctest: +SKIP
    torch.Size([1, 3, 7, 192])
    """
    cells, n = mapping.f_m.in_features, mapping.f_c.in_features
    stages, m = n // cells, mapping.f_m.out_features // n
    a = mapping.attention(u)
    m_k = torch.sigmoid(mapping.f_m(a.view(-1, stages, cells))).view(-1, stages, m, n)  # eq. 5
    c = torch.sigmoid(mapping.f_c(a)).view(-1, 1, mapping.f_c.out_features // m, m)  # eq. 6
    s_k = c @ m_k  # eq. 4
    return StructureMaps(m_k, s_k / s_k.sum(-1, keepdim=True))


def folded(rows: Tensor, stages: int) -> NDArray[np.float32]:
    """(N, K, r, K w h) -> (N, K, r, w, h): each row folded to the crop, summed over the K source stages."""
    side = math.isqrt(rows.shape[-1] // stages)
    maps = rows.reshape(*rows.shape[:-1], stages, side, side).sum(-3)
    return np.asarray(maps.cpu().numpy(), np.float32)


@torch.no_grad()
def maps_of_faces(
    network: nn.Module, spec: InputSpec, faces: Sequence[Face], which: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Heatmaps (N, K, r, w, h) and predicted angles (N, 3) of faces, in batches.

    ``which``: "s" for the n' rows of S_k, "m" for the m rows of M_k. Raises InvalidArgumentError for another
    letter and a network without mapping, DatasetError without faces.
    """
    if which not in ROWS:
        raise InvalidArgumentError(f"--rows: expected one of {ROWS}, got {which!r}")
    if not faces:
        raise DatasetError("structure maps: expected at least one face, got none")
    mapping = find_mapping(network)
    seen: list[Tensor] = []
    hook = mapping.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    heat, angles = [], []
    try:
        for start in range(0, len(faces), _BATCH):
            part = faces[start : start + _BATCH]
            x = torch.from_numpy(np.stack([cut(f.image_bgr, f.box_xyxy, spec.margin, spec) for f in part]))
            angles.append(decode(network(x)).numpy())
            maps = structure_maps(mapping, seen.pop())
            heat.append(folded(getattr(maps, which), maps.m.shape[1]))
    finally:
        hook.remove()
    return np.concatenate(heat), np.concatenate(angles).astype(np.float32)


def spread_over_yaw(yaw_deg: NDArray[np.float32], count: int) -> list[int]:
    """Indices of ``count`` different faces, nearest to yaws spread evenly over +-75 degrees, in their order.

    >>> spread_over_yaw(np.array([80.0, -70.0, 1.0, 2.0]), 3)
    [1, 2, 0]
    """
    if not 1 <= count <= MOST_FACES:
        raise InvalidArgumentError(f"--faces: expected 1 to {MOST_FACES}, got {count}")
    wanted = np.linspace(-REACH_DEG, REACH_DEG, count) if count > 1 else np.zeros(1)
    left = list(range(len(yaw_deg)))
    picked = []
    for yaw in wanted[: len(left)]:
        best = min(left, key=lambda index: abs(float(yaw_deg[index]) - yaw))
        left.remove(best)
        picked.append(best)
    return picked


def study_structure_maps(
    network: nn.Module, spec: InputSpec, faces: Sequence[Face], *, which: str = "s", shown: int = 7
) -> Report:
    """Heatmaps of ``shown`` faces of different yaw as a sheet, and what all faces say of each map as a table.

    Raises InvalidArgumentError for a network without structure mapping, DatasetError without faces.
    """
    heat, angles = maps_of_faces(network, spec, faces, which)
    yaw = np.array([face.yaw_deg for face in faces], np.float32)
    picked = spread_over_yaw(yaw, shown)
    rows = map_statistics(heat, yaw)
    name = {"s": "S", "m": "M"}[which]
    table = Table(
        f"Rows of {name}_k over {len(faces)} faces (x and y in crop sides from the upper left corner)",
        ("stage", "row", "contrast", "centre x", "centre y", "x follows yaw", "same for all faces", "other row",
         "other stage"),
        [_cells(row) for row in rows],
    )  # fmt: skip
    notes = (
        "contrast: largest over mean weight. x follows yaw: correlation of the centre's x with the yaw. "
        "same for all faces: share of the map's variance that the mean map explains; 1 is a fixed mask. "
        "other row, other stage: correlation of the mean map with the most similar row of the same stage, and with "
        "the same row of the least similar stage."
    )
    results = {"rows": which, "faces": len(faces), "maps": rows, "shown_yaw_deg": yaw[picked].tolist()}
    chosen = [faces[index] for index in picked]
    return Report(
        (table,), (notes,), results, lambda path: write_map_sheet(path, chosen, heat[picked], angles[picked], spec)
    )


def _cells(row: dict[str, Any]) -> list[Cell]:
    exact = ("same_for_all", "like_other_row", "like_other_stage")
    return [f"{value:.3f}" if name in exact and value is not None else value for name, value in row.items()]


def map_statistics(heat: NDArray[np.float32], yaw_deg: NDArray[np.float32]) -> list[dict[str, Any]]:
    """What each map (N, K, r, w, h) does over the faces; see the notes of the study."""
    side = heat.shape[-1]
    places = (np.arange(side) + 0.5) / side
    above = np.maximum(heat - heat.mean(axis=(-2, -1), keepdims=True), 0.0)
    weight = above.sum(axis=(-2, -1)) + 1e-12
    x, y = (above.sum(axis=-2) * places).sum(-1) / weight, (above.sum(axis=-1) * places).sum(-1) / weight
    contrast = (heat.max(axis=(-2, -1)) / heat.mean(axis=(-2, -1))).mean(axis=0)
    plain = heat - heat.mean(axis=(-2, -1), keepdims=True)
    fixed = plain.mean(axis=0).var(axis=(-2, -1)) / (plain.var(axis=(0, -2, -1)) + 1e-20)
    mean = heat.mean(axis=0).reshape(*heat.shape[1:3], -1)  # (K, r, w h)
    return [
        {
            "stage": stage + 1,
            "row": row + 1,
            "contrast": float(contrast[stage, row]),
            "centre_x": float(x[:, stage, row].mean()),
            "centre_y": float(y[:, stage, row].mean()),
            "x_follows_yaw": correlation(x[:, stage, row], yaw_deg),
            "same_for_all": float(fixed[stage, row]),
            "like_other_row": _extreme(max, mean[stage, row], np.delete(mean[stage], row, axis=0)),
            "like_other_stage": _extreme(min, mean[stage, row], np.delete(mean[:, row], stage, axis=0)),
        }
        for stage in range(heat.shape[1])
        for row in range(heat.shape[2])
    ]


def _extreme(pick: Callable[..., float], one: NDArray[np.float32], others: NDArray[np.float32]) -> float | None:
    """The largest or smallest correlation of a map (n,) with others (M, n); None where none varies."""
    found = [value for value in (correlation(one, other) for other in others) if value is not None]
    return pick(found) if found else None
