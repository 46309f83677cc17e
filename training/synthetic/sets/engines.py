"""Where shards are rendered: in a pool of processes here, or on a Ray cluster.

A worker gets a shard's number and gives its bytes back; only the caller writes. So workers on other machines
need the program and the assets, at the same paths, but no shared folder for what they make.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any

from hpe_edge.training.synthetic.assets import AssetLibrary
from hpe_edge.training.synthetic.studio import Studio, StudioElsewhere

from hpe_edge.errors import DatasetError, InvalidArgumentError, missing_dependency

Work = Callable[[Studio, int], bytes]
"""Renders a shard in a studio. Sent to workers: a function of a module, with arguments bound by ``partial``."""
Shards = Generator[tuple[int, bytes], None, None]

ENGINES = ("local", "ray")
_DIED = (
    "a rendering worker died (killed, or out of memory; about 0.6 GB each). Finished shards are kept: run the same "
    "command again to go on, with fewer --workers if memory was short."
)


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
    if workers is not None and workers < 1:
        raise InvalidArgumentError(f"workers: expected at least 1, got {workers}")
    if engine == "local":
        return _run_local(work, shards, assets, workers or os.cpu_count() or 1)
    if engine == "ray":
        return _run_ray(work, shards, assets, workers, ray_address)
    raise InvalidArgumentError(f"engine: expected one of {', '.join(ENGINES)}, got {engine!r}")


_studio: Studio | None = None


def _start_worker(assets: AssetLibrary) -> None:
    global _studio
    _studio = Studio(assets)


def _work_here(work: Work, shard: int) -> bytes:
    assert _studio is not None  # set by _start_worker
    return work(_studio, shard)


def _run_local(work: Work, shards: Sequence[int], assets: AssetLibrary, workers: int) -> Shards:
    # one thread a worker: the linear algebra is small, and spinning threads would take the others' cores
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    context = multiprocessing.get_context("spawn")
    queue = iter(shards)
    with ProcessPoolExecutor(min(workers, len(shards)), context, _start_worker, (assets,)) as pool:
        pending: dict[Future[bytes], int] = {}
        try:
            # few in flight: a shard waits in memory until it is written
            for shard in islice(queue, workers + 1):
                pending[pool.submit(_work_here, work, shard)] = shard
            while pending:
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=pending.__getitem__):  # if a write fails, earlier shards are kept
                    finished = pending.pop(future)
                    for shard in islice(queue, 1):
                        pending[pool.submit(_work_here, work, shard)] = shard
                    yield finished, future.result()
        except BrokenProcessPool as error:
            raise DatasetError(_DIED) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _RayWorker:
    """A Ray actor."""

    def __init__(self, assets: AssetLibrary) -> None:
        self.studio = StudioElsewhere(assets)

    def render(self, work: Work, shard: int) -> bytes:
        """One shard's bytes."""
        return work(self.studio, shard)


def _run_ray(
    work: Work, shards: Sequence[int], assets: AssetLibrary, workers: int | None, address: str | None
) -> Shards:
    ray = _import_ray()
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, workers, address)
    cores = int(ray.cluster_resources().get("CPU", 1))
    actor = ray.remote(num_cpus=1)(_RayWorker)
    # an actor beyond the cores would never start, and its shard would never come
    team = [actor.remote(assets) for _ in range(min(workers or cores, cores, len(shards)))]
    queue = iter(shards)
    busy = {worker.render.remote(work, shard): (worker, shard) for worker, shard in zip(team, queue, strict=False)}
    try:
        while busy:
            (done,), _ = ray.wait(list(busy), num_returns=1)
            worker, finished = busy.pop(done)
            content = ray.get(done)
            for shard in islice(queue, 1):
                busy[worker.render.remote(work, shard)] = (worker, shard)
            yield finished, content
    except (ray.exceptions.RayActorError, ray.exceptions.WorkerCrashedError) as error:
        raise DatasetError(f"{_DIED} Ray says: {error}") from error
    finally:
        for worker in team:
            ray.kill(worker)
        if ours:
            ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise missing_dependency("ray", "ray", "hpe-edge render --engine ray") from error
    return ray


def _connect(ray: Any, workers: int | None, address: str | None) -> None:
    """Join the cluster at ``address`` or RAY_ADDRESS; without either start one on this machine."""
    address = address or os.environ.get("RAY_ADDRESS")
    try:
        if address:
            ray.init(address=address, logging_level="warning")
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            address="local", num_cpus=workers or os.cpu_count() or 1, include_dashboard=False,
            object_store_memory=256 << 20, logging_level="warning",
        )  # fmt: skip
    except (ConnectionError, RuntimeError, ValueError, SystemExit) as error:  # Ray exits where nobody answers
        raise InvalidArgumentError(
            f"--ray-address {address or 'local'}: no Ray cluster can be reached: {error}"
        ) from error
