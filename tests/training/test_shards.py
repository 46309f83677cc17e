"""Shards: what is read, and each way in which a dataset can be broken."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from fake_heads import SIZE, add_file, write_dataset
from hpe_edge.training.augment import AugmentConfig, Augmenter, InputSpec, no_augmentation
from hpe_edge.training.data.batches import EpochBatches, stream
from hpe_edge.training.data.shards import Heads, open_heads, split_by_identity

from hpe_edge.errors import DatasetError


def reopen(folder: Path, tmp_path: Path) -> Heads:
    return open_heads([folder], tmp_path / "cache", quiet=True)


def test_reads_all_heads_and_reuses_the_cache(dataset: Path, tmp_path: Path) -> None:
    first = reopen(dataset, tmp_path)
    assert first.images.shape == (72, SIZE, SIZE, 3)
    (file,) = (tmp_path / "cache").glob("*/labels.npz")
    stamp = file.stat().st_mtime_ns
    second = reopen(dataset, tmp_path)
    assert file.stat().st_mtime_ns == stamp
    np.testing.assert_array_equal(first.images, second.images)
    assert first.fingerprint == second.fingerprint


def test_several_folders_are_joined(dataset: Path, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "other", 8, seed=1)
    assert len(open_heads([dataset, other], tmp_path / "cache", quiet=True)) == 80


def test_a_shard_cut_short(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", 8)
    shard = folder / "shard-000000.tar"
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2 - 100])
    with pytest.raises(DatasetError, match=r"shard-000000\.tar"):
        reopen(folder, tmp_path)
    assert not list((tmp_path / "cache").glob("*/labels.npz"))


def test_no_description(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(DatasetError, match=r"dataset\.json"):
        reopen(tmp_path / "d", tmp_path)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"complete": False}, "rendering did not finish"),
        ({"yaw_range_deg": 180.0}, "Render with --yaw-range 99"),
        ({"format": "hpe-edge-scenes/1"}, "expected single heads, got scenes"),
    ],
)
def test_unfinished_sets_heads_all_round_and_scenes_are_refused(
    tmp_path: Path, said: dict[str, object], message: str
) -> None:
    folder = write_dataset(tmp_path / "d", 8)
    description = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(description | said))
    with pytest.raises(DatasetError, match=message):
        reopen(folder, tmp_path)
    if "yaw_range_deg" in said:
        assert len(open_heads([folder], tmp_path / "cache", all_round=True, quiet=True)) == 8


@pytest.mark.parametrize(("wrong", "message"), [(9, "expected 9 samples, found 8"), (7, "found more")])
def test_wrong_count(tmp_path: Path, wrong: int, message: str) -> None:
    folder = write_dataset(tmp_path / "d", 8)
    description = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(description | {"count": wrong}))
    with pytest.raises(DatasetError, match=message):
        reopen(folder, tmp_path)


def write_one(folder: Path, files: dict[str, bytes]) -> Path:
    """A dataset of one sample with the given members."""
    write_dataset(folder, 1)
    with tarfile.open(folder / "shard-000000.tar", "w") as tar:
        for name, content in files.items():
            add_file(tar, name, content)
    return folder


def members(folder: Path) -> dict[str, bytes]:
    with tarfile.open(write_dataset(folder, 1) / "shard-000000.tar") as tar:
        return {m.name: stream.read() for m in tar if (stream := tar.extractfile(m)) is not None}


def test_missing_image_missing_key_bad_image_bad_number(tmp_path: Path) -> None:
    good = members(tmp_path / "good")
    name = next(n for n in good if n.endswith(".json"))
    label = json.loads(good[name])
    broken = {
        "expected jpg and json": {name: good[name]},
        "expected the key": good | {name: json.dumps({k: v for k, v in label.items() if k != "rotation"}).encode()},
        "no image": good | {name.replace("json", "jpg"): b"not a jpeg"},
        "wrong type or length": good | {name: json.dumps(label | {"box_xyxy": [1, 2]}).encode()},
        "finite": good | {name: json.dumps(label | {"yaw_deg": float("nan")}).encode()},
        "expected JSON": good | {name: b"{"},
    }
    for number, (message, files) in enumerate(broken.items()):
        with pytest.raises(DatasetError, match=message):
            reopen(write_one(tmp_path / str(number), files), tmp_path)


def test_split_keeps_identities_apart(heads: Heads) -> None:
    train, held_out = split_by_identity(heads.identity, 0.3, seed=0)
    assert not set(heads.identity[train]) & set(heads.identity[held_out])
    assert len(train) + len(held_out) == len(heads)
    with pytest.raises(DatasetError, match="too few"):
        split_by_identity(np.zeros(5, np.int64), 0.5, seed=0)


def test_loader_processes_do_not_change_the_batches(heads: Heads) -> None:
    batches = EpochBatches(heads, np.arange(24), Augmenter(no_augmentation(), InputSpec()), 8, 0, 3)
    alone, helped = (list(stream(batches, 1, workers)) for workers in (0, 1))
    assert len(alone) == len(helped) == 2
    for one, other in zip(alone, helped, strict=True):
        np.testing.assert_array_equal(one.inputs.numpy(), other.inputs.numpy())
        np.testing.assert_array_equal(one.target.euler_deg.numpy(), other.target.euler_deg.numpy())


def test_parts_of_a_group_make_up_the_batch(heads: Heads) -> None:
    def batches(part: tuple[int, int]) -> EpochBatches:
        return EpochBatches(heads, np.arange(24), Augmenter(AugmentConfig(), InputSpec()), 8, 0, 3, part)

    whole, first, second = (batches(part)[1].inputs.numpy() for part in ((0, 1), (0, 2), (1, 2)))
    np.testing.assert_array_equal(whole[0::2], first)
    np.testing.assert_array_equal(whole[1::2], second)
    with pytest.raises(DatasetError, match="3 processes"):
        batches((0, 3))
