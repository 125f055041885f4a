"""Batches that threads prepare while the program computes.

Threads, not processes: they read files, decode and run NumPy beside the training, which lets go of
the interpreter too, and need nothing that can be pickled. Python code in them takes turns.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass
from typing import Any

from lazygrad.errors import DataError

END = object()  # what a task returns that has nothing more to do
Task = Callable[[], Any]


@dataclass(frozen=True)
class WorkerInfo:
    """What ``get_worker_info()`` tells.

    Attributes:
        id: of the worker, from 0 to ``num_workers - 1``.
        seed: another one for each worker and epoch, for random numbers of its own.
        dataset: the loader's; all workers have the same one.

    >>> seen = data.WorkerInfo(id=1, num_workers=2, seed=7, dataset=None)
    >>> seen.id, seen.num_workers
    (1, 2)
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


class _Here(threading.local):
    info: WorkerInfo | None = None


_here = _Here()


def get_worker_info() -> WorkerInfo | None:
    """In which worker of a DataLoader the code runs; None outside.

    >>> data.get_worker_info() is None
    True
    >>> class Where(data.Dataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return data.get_worker_info().id
    >>> [x.tolist() for x in data.DataLoader(Where(), num_workers=2)]
    [[0], [1]]
    """
    return _here.info


class Workers:
    """Threads that work on tasks, each on its own, in the order in which it gets them."""

    def __init__(self, count: int, initialize: Callable[[int], Any] | None) -> None:
        self._threads = [ThreadPoolExecutor(1, f"DataLoader-{i}") for i in range(count)]
        self._initialize = initialize
        self._fresh = True

    def start(self, seed: int, dataset: Any) -> None:
        """A new epoch begins."""
        count, first, self._fresh = len(self._threads), self._fresh, False

        def enter(number: int) -> None:
            _here.info = WorkerInfo(number, count, seed + number, dataset)
            if first and self._initialize is not None:
                self._initialize(number)

        for future in [t.submit(enter, i) for i, t in enumerate(self._threads)]:
            future.result()

    def run(
        self, next_task: Callable[[int], Task | None], ahead: int, timeout: float
    ) -> Iterator[Any]:
        """The results of tasks, in order.

        Args:
            next_task: gives a worker, by its number, something to do; None if there is no more.
            ahead: tasks that each worker is given before their results are asked for.
            timeout: seconds in which a result must come; 0: any time.

        Raises:
            DataError: if one does not come in time.
        """
        pending: deque[tuple[int, Future[Any]]] = deque()

        def give(number: int) -> None:
            task = next_task(number)
            if task is not None:
                pending.append((number, self._threads[number].submit(task)))

        try:
            for _ in range(ahead):
                for number in range(len(self._threads)):
                    give(number)
            while pending:
                number, future = pending.popleft()
                found = _result(future, timeout)
                if found is not END:
                    give(number)
                    yield found
        finally:
            for _, future in pending:
                future.cancel()

    def close(self) -> None:
        """End the threads, when they have done what they are at."""
        for thread in self._threads:
            thread.shutdown(wait=False, cancel_futures=True)


def _result(future: Future[Any], timeout: float) -> Any:
    try:
        return future.result(timeout or None)
    except TimeoutError:
        if future.done():  # the task's own
            raise
        raise DataError(f"[DataLoader] no worker made a batch within {timeout} seconds") from None
