"""Contact sheets: what was rendered, for eyes rather than statistics."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.synthetic.sets.sortings import SORTINGS, sort_key
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError, InvalidArgumentError

Image = NDArray[np.uint8]
Head = tuple[Image, dict[str, Any]]


def contact_sheet(
    folder: Path, columns: int = 16, rows: int = 10, *, sort: str = "order", labels: bool = False
) -> Image:
    """A BGR picture of ``columns`` x ``rows`` heads spread evenly over the dataset.

    ``labels`` draws the tight box, the 68 points (filled where visible) and the angles. Raises
    ``DatasetError`` where there are no shards.
    """
    heads = list(_spread(folder, columns * rows))[: columns * rows]
    return arrange(heads, columns, sort=sort, labels=labels)


def arrange(heads: Sequence[Head], columns: int, *, sort: str = "order", labels: bool = False) -> Image:
    """Heads (image, label) in rows, sorted; those whose label lacks what they are sorted by come first.

    Raises ``InvalidArgumentError`` for a sorting that is none of ``SORTINGS``, or no head.
    """
    if sort not in SORTINGS or not heads:
        raise InvalidArgumentError(f"sheet: expected heads and one of {SORTINGS}, got {len(heads)} and {sort!r}")
    ordered = sorted(heads, key=lambda head: sort_key(head[1], sort))
    tiles = [_label(image, label) if labels else image for image, label in ordered]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])


def _spread(folder: Path, wanted: int) -> Iterator[Head]:
    shards = sorted(folder.glob("shard-*.tar"))
    if not shards:
        raise DatasetError(f"{folder}: expected shards (shard-*.tar), found none; render some with: hpe-edge render")
    chosen = shards[:: max(1, len(shards) // wanted)]
    each = -(-wanted // len(chosen))
    for shard in chosen:
        with tarfile.open(shard) as tar:
            keys = [name[:-5] for name in tar.getnames() if name.endswith(".json")]
            for key in keys[:: max(1, len(keys) // each)][:each]:
                jpeg, label = tar.extractfile(f"{key}.jpg"), tar.extractfile(f"{key}.json")
                if jpeg is None or label is None:
                    raise DatasetError(f"{shard}: expected {key}.jpg and {key}.json, one is missing")
                image = cv2.imdecode(np.frombuffer(jpeg.read(), np.uint8), cv2.IMREAD_COLOR)
                if image is None:
                    raise DatasetError(f"{shard}: {key}.jpg is not an image that OpenCV reads")
                yield np.asarray(image, np.uint8), json.loads(label.read())


def _label(image: NDArray[np.uint8], label: dict[str, Any]) -> NDArray[np.uint8]:
    shown = np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
    x0, y0, x1, y1 = (round(2 * value) for value in label["box_xyxy"])
    cv2.rectangle(shown, (x0, y0), (x1, y1), (0, 255, 0), 1)
    for (x, y), visible in zip(label["landmarks_68"], label["landmarks_68_visible"], strict=True):
        cv2.circle(shown, (round(2 * x), round(2 * y)), 1, (255, 255, 0) if visible else (0, 0, 255), -1)
    angles = "{yaw_deg:.0f} {pitch_deg:.0f} {roll_deg:.0f}".format(**label)
    cv2.putText(shown, angles, (3, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(shown, angles, (3, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 255, 255), 1, cv2.LINE_AA)
    return shown
