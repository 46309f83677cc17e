"""Where shards are rendered: in a pool of processes here, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial

from hpe_edge.training.synthetic.assets import AssetLibrary
from hpe_edge.training.synthetic.studio import Studio, StudioElsewhere

from hpe_edge._workers import Job, share

Work = Callable[[Studio, int], bytes]
"""Renders a shard in a studio. Sent to workers: a function of a module, with arguments bound by ``partial``."""
Shards = Generator[tuple[int, bytes], None, None]


def run_shards(
    work: Work,
    shards: Sequence[int],
    assets: AssetLibrary,
    *,
    engine: str,
    workers: int | None,
    ray_address: str | None,
) -> Shards:
    """Numbers and bytes of the shards, as they get ready.

    ``workers`` None: one a core. Raises ``DatasetError`` when a worker dies, ``AssetError`` where a machine has
    other assets, ``MissingDependencyError`` for Ray that is not installed, and what ``work`` raises.
    """
    studio = StudioElsewhere if engine == "ray" else Studio
    job = Job(partial(studio, assets), work, purpose="hpe-edge render", footprint="about 0.6 GB each")
    run = share(job, shards, engine=engine, workers=workers, ray_address=ray_address)
    return _numbered(run, shards)


def _numbered(run: Shards, shards: Sequence[int]) -> Shards:
    with closing(run):
        for place, content in run:
            yield shards[place], content
