"""Where work is shared: a pool of processes here, or actors on a Ray cluster.

A worker gets an item and gives its result back; only the caller writes. So workers on other machines need the program
and what it reads, at the same paths, but no shared folder for what they make.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from hpe_edge.errors import DatasetError, InvalidArgumentError, missing_dependency

Item = TypeVar("Item")
Result = TypeVar("Result")

ENGINES: Final = ("local", "ray")


@dataclass(frozen=True)
class Job(Generic[Item, Result]):
    """What is done. Both functions are sent to workers: functions of a module, with arguments bound by ``partial``.

    Attributes:
        start: makes what a worker keeps from item to item; called once in each.
        work: takes that and an item.
        purpose: the command, for the message about a missing Ray.
        footprint: what a worker needs, for the message about one that died, such as ``"about 0.6 GB each"``.
    """

    start: Callable[[], Any]
    work: Callable[[Any, Item], Result]
    purpose: str
    footprint: str

    def died(self) -> DatasetError:
        """The error for a worker that is gone."""
        return DatasetError(
            f"a worker died (killed, or out of memory; {self.footprint}). Finished shards are kept: run the same "
            "command again to go on, with fewer --workers if memory was short."
        )


def share(
    job: Job[Item, Result], items: Sequence[Item], *, engine: str, workers: int | None, ray_address: str | None
) -> Generator[tuple[int, Result], None, None]:
    """Give the items to workers; numbers of items and their results, as they get ready.

    Args:
        job: what is done with an item.
        items: what is sent to workers, one at a time.
        engine: ``"local"`` or ``"ray"``.
        workers: processes or actors; one a core when ``None``.
        ray_address: of a Ray cluster; else that of ``RAY_ADDRESS``, else one is started on this machine.

    Raises:
        InvalidArgumentError: no such engine, less than one worker, or no Ray cluster at the address.
        DatasetError: a worker died. MissingDependencyError: Ray is not installed. And what ``work`` raises.
    """
    if workers is not None and workers < 1:
        raise InvalidArgumentError(f"workers: expected at least 1, got {workers}")
    if engine == "local":
        return _share_here(job, items, workers or os.cpu_count() or 1)
    if engine == "ray":
        return _share_on_ray(job, items, workers, ray_address)
    raise InvalidArgumentError(f"engine: expected one of {', '.join(ENGINES)}, got {engine!r}")


_state: Any = None


def _start_worker(start: Callable[[], Any]) -> None:
    global _state
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches workers too: they end without a traceback
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _state = start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for its next item forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # only workers come here
    parent.join()
    os._exit(1)


def _work_here(work: Callable[[Any, Item], Result], item: Item) -> Result:
    return work(_state, item)


def _share_here(
    job: Job[Item, Result], items: Sequence[Item], workers: int
) -> Generator[tuple[int, Result], None, None]:
    # one thread a worker: the linear algebra is small, and spinning threads would take the others' cores
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    context = multiprocessing.get_context("spawn")
    queue = iter(enumerate(items))
    with ProcessPoolExecutor(min(workers, len(items)), context, _start_worker, (job.start,)) as pool:
        pending: dict[Future[Result], int] = {}
        try:
            # few in flight: a result waits in memory until it is written
            for number, item in islice(queue, workers + 1):
                pending[pool.submit(_work_here, job.work, item)] = number
            while pending:
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=pending.__getitem__):  # if a write fails, earlier shards are kept
                    finished = pending.pop(future)
                    for number, item in islice(queue, 1):
                        pending[pool.submit(_work_here, job.work, item)] = number
                    yield finished, future.result()
        except BrokenProcessPool as error:
            raise job.died() from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _RayWorker:
    """A Ray actor."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self.state = start()

    def do(self, work: Callable[[Any, Item], Result], item: Item) -> Result:
        """One item's result."""
        return work(self.state, item)


def _share_on_ray(
    job: Job[Item, Result], items: Sequence[Item], workers: int | None, address: str | None
) -> Generator[tuple[int, Result], None, None]:
    ray = _import_ray(job.purpose)
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, workers, address)
    cores = int(ray.cluster_resources().get("CPU", 1))
    actor = ray.remote(num_cpus=1)(_RayWorker)
    # an actor beyond the cores would never start, and its item would never come
    team = [actor.remote(job.start) for _ in range(min(workers or cores, cores, len(items)))]
    queue = iter(enumerate(items))
    busy = {
        worker.do.remote(job.work, item): (worker, number) for worker, (number, item) in zip(team, queue, strict=False)
    }
    try:
        while busy:
            (done,), _ = ray.wait(list(busy), num_returns=1)
            worker, finished = busy.pop(done)
            result = ray.get(done)
            for number, item in islice(queue, 1):
                busy[worker.do.remote(job.work, item)] = (worker, number)
            yield finished, result
    except (ray.exceptions.RayActorError, ray.exceptions.WorkerCrashedError) as error:
        raise DatasetError(f"{job.died()} Ray says: {error}") from error
    finally:
        for worker in team:
            ray.kill(worker)
        if ours:
            ray.shutdown()


def _import_ray(purpose: str) -> Any:
    try:
        import ray
    except ImportError as error:
        raise missing_dependency("ray", "ray", f"{purpose} --engine ray") from error
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
