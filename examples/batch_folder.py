"""Every photograph of a folder and those below it into one table, a row a face; what cannot be read is said.

python examples/batch_folder.py PHOTOS poses.csv
python examples/batch_folder.py                  # a folder made of a portrait
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from hpe_edge import HeadPose, HeadPoses, read_image, write_image
from hpe_edge.errors import InvalidImageError

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
COLUMNS = ("file", "yaw_deg", "pitch_deg", "roll_deg", "yaw_std_deg", "x0", "y0", "x1", "y1", "score")
BATCH = 16

Photo = tuple[Path, NDArray[np.uint8]]


def readable(folder: Path) -> Iterator[Photo]:
    """The photographs in the order of their names."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        try:
            yield path, read_image(path)
        except InvalidImageError as error:
            print(f"left out: {error}", file=sys.stderr)


def batches(photos: Iterator[Photo]) -> Iterator[Sequence[Photo]]:
    """A few at a time, so that memory does not grow with the folder."""
    while batch := list(islice(photos, BATCH)):
        yield batch


def rows(name: str, poses: HeadPoses) -> Iterator[tuple[object, ...]]:
    for head in poses:
        angles = (head.yaw_deg, head.pitch_deg, head.roll_deg, head.std_deg[0])
        yield (name, *(round(value, 2) for value in (*angles, *head.box_xyxy, head.score)))


def make_folder(folder: Path) -> None:
    """Twenty portraits, every second one mirrored, one photograph of nobody and a file that is none."""
    portrait = np.ascontiguousarray(astronaut()[..., ::-1])
    folder.mkdir(exist_ok=True)
    for number in range(20):
        write_image(folder / f"{number:02d}.png", portrait[:, ::-1] if number % 2 else portrait)
    write_image(folder / "nobody.png", np.full((240, 320, 3), 128, np.uint8))
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 torn")


def main(arguments: Sequence[str]) -> int:
    folder, table = Path(arguments[0] if arguments else "photos"), Path(arguments[1] if arguments[1:] else "poses.csv")
    if not arguments:
        make_folder(folder)
    pose = HeadPose(precision="int8")  # fixed, so that every machine writes the same numbers
    photos = faces = 0
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for batch in batches(readable(folder)):
            found = pose.estimate_batch([image for _, image in batch])  # one call of the network for all their faces
            for (path, _), poses in zip(batch, found, strict=True):
                writer.writerows(rows(path.relative_to(folder).as_posix(), poses))
            photos, faces = photos + len(batch), faces + sum(map(len, found))
    print(f"{photos} photographs, {faces} faces; wrote {table}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
