"""Batches of a data set as Tensors, in a seeded order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from lazygrad import pytree
from lazygrad.arguments import require_range, shown
from lazygrad.data.collate import default_collate, default_convert, to_tensor
from lazygrad.data.dataset import IterableDataset
from lazygrad.data.draws import host_random
from lazygrad.data.sampler import BatchSampler, RandomSampler, SeededSampler, SequentialSampler
from lazygrad.data.workers import END, Task, Workers
from lazygrad.errors import ArgumentError
from lazygrad.generator import Generator, default_generator
from lazygrad.public import public
from lazygrad.runtime.registry import check_device
from lazygrad.tensor_class import Tensor

SEEDS = 1 << 31  # of workers
AHEAD = 2  # batches that each worker prepares, unless told otherwise


class DataLoader:
    """Iterate over a data set in batches.

    The order of an epoch depends only on ``seed`` and the number of the epoch. Each iteration over
    the loader takes the next epoch, so that every pass has a new order; ``set_epoch`` says which
    one comes next, to go on where an earlier run stopped.

    Args:
        dataset: a ``Dataset``, an ``IterableDataset``, or anything with ``__len__`` and
            ``__getitem__(int)``. Where it also has ``batch(indices)``, which takes an int64 array
            and returns a tuple of arrays, whole batches are read at once.
        batch_size: samples in a batch; None: the samples themselves, without a batch axis.
        shuffle: whether each epoch has its own random order; otherwise the data set's order.
        sampler: indices in another order.
        batch_sampler: lists of indices, each a batch; instead of ``batch_size``, ``shuffle``,
            ``sampler`` and ``drop_last``.
        num_workers: threads that prepare batches while the program computes. They share the data
            set. Python code in them takes turns; files, decoding and NumPy do not wait. Random
            numbers that samples draw from one stream come in another order then: draw them from
            ``get_worker_info().seed``, or transform whole batches.
        collate_fn: makes a batch from the list of its samples, instead of ``default_collate``;
            with ``batch_size=None`` what is made of a sample, instead of ``default_convert``.
        drop_last: leave out a last batch that is not full. Steps that are jitted then see one
            shape only.
        timeout: seconds in which a worker must make a batch; 0: any time.
        worker_init_fn: called by each worker first, with its number.
        generator: where random orders come from, instead of ``seed``.
        prefetch_factor: batches that each worker prepares ahead; default 2.
        persistent_workers: keep the threads from epoch to epoch.
        seed: where the random orders start, 0 or more; default: the seed given to
            ``manual_seed``.
        device: where the Tensors are; the default device if not given.
        pin_memory, pin_memory_device, multiprocessing_context, in_order: accepted as PyTorch's.
            Batches always come in order, from memory that needs no pinning.

    Yields:
        for an ``ImageDataset``, ``[x, y]``: float32 ``(n, C, H, W)`` between 0 and 1 and int64
        ``(n,)``. In general a list of Tensors, or what ``collate_fn`` returns.

    Raises:
        ArgumentError: for what is no data set, and for options that exclude each other.
        ValueRangeError: for a batch size below 1, a negative seed or epoch.
        DataError: where ``timeout`` runs out.

    >>> dataset = data.TensorDataset(lazygrad.arange(10), lazygrad.arange(10) * 2)
    >>> loader = data.DataLoader(dataset, batch_size=4)
    >>> len(loader), [x.tolist() for x, y in loader][-1]
    (3, [8, 9])
    """

    @public
    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        seed: int | None = None,
        device: str | None = None,
    ) -> None:
        seed = default_generator.initial_seed() if seed is None else seed
        require_range("DataLoader", 0, num_workers=num_workers, timeout=timeout, seed=seed)
        require_range("DataLoader", 1, batch_size=1 if batch_size is None else batch_size)
        self.is_stream = isinstance(dataset, IterableDataset)
        has_items = hasattr(dataset, "__getitem__")
        if not self.is_stream and not (has_items and (hasattr(dataset, "__len__") or sampler)):
            raise ArgumentError(
                f"[DataLoader] dataset must have a length and items by index, got {shown(dataset)}"
            )
        _require_compatible(
            {
                "batch_sampler": batch_sampler is not None,
                "batch_size": batch_size not in (None, 1),
                "no batch_size": batch_size is None,
                "shuffle": bool(shuffle),
                "sampler": sampler is not None,
                "drop_last": drop_last,
                "an IterableDataset": self.is_stream,
                "no workers": num_workers == 0,
                "prefetch_factor": prefetch_factor is not None,
                "persistent_workers": persistent_workers,
                "timeout": timeout > 0,
            }
        )
        self.dataset = dataset
        self.shuffle, self.seed, self.generator = bool(shuffle), seed, generator
        self.num_workers, self.timeout = num_workers, timeout
        self.worker_init_fn = worker_init_fn
        self.prefetch_factor = AHEAD if prefetch_factor is None else prefetch_factor
        require_range("DataLoader", 1, prefetch_factor=self.prefetch_factor)
        self.persistent_workers, self.pin_memory = persistent_workers, pin_memory
        self.device = None if device is None else check_device(device)
        self.batch_size: int | None = None if batch_sampler is not None else batch_size
        self.drop_last, self.collate_fn = drop_last, collate_fn
        self.sampler = self._sampler() if sampler is None else sampler
        self.batch_sampler = batch_sampler
        if batch_sampler is None and batch_size is not None and not self.is_stream:
            self.batch_sampler = BatchSampler(self.sampler, batch_size, drop_last)
        self.epoch = 0
        self._workers: Workers | None = None

    def _sampler(self) -> Any:
        if not self.shuffle:
            return None if self.is_stream else SequentialSampler(self.dataset)
        if self.generator is not None:
            return RandomSampler(self.dataset, generator=self.generator)
        return SeededSampler(self.dataset, self.seed)

    @public
    def set_epoch(self, epoch: int) -> None:
        """Make ``epoch`` (0 or more) the next one to be iterated over."""
        require_range("set_epoch", 0, epoch=epoch)
        self.epoch = epoch

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        if not self.is_stream:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        if self.batch_size is None:
            return len(self.dataset)
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (1 if rest and not self.drop_last else 0)

    def __iter__(self) -> Iterator[Any]:
        # Not a generator itself: the epoch is taken when the iteration starts, not when the
        # first batch is asked for.
        if isinstance(self.sampler, SeededSampler):
            self.sampler.set_epoch(self.epoch)
        self.epoch += 1
        order = self._order()
        return self._threaded(order) if self.num_workers else self._plain(order)

    def _order(self) -> Iterator[Any]:
        """The indices of each batch; of a stream nothing, without end."""
        if self.is_stream:
            return iter(int, 1)
        return iter(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def _plain(self, order: Iterator[Any]) -> Iterator[Any]:
        read = self._reader()
        for indices in order:
            batch = read(indices)
            if batch is END:
                return
            yield batch

    # -- workers ----------------------------------------------------------------------------------

    def _threaded(self, order: Iterator[Any]) -> Iterator[Any]:
        workers = self._workers or Workers(self.num_workers, self.worker_init_fn)
        if self.persistent_workers:
            self._workers = workers
        try:
            workers.start(int(host_random(self.generator).randint(SEEDS)), self.dataset)
            readers: dict[int, Callable[[Any], Any]] = {}

            def work(number: int, indices: Any) -> Any:
                if number not in readers:  # by the worker, which a stream may ask for
                    readers[number] = self._reader()
                return _computed(readers[number](indices))

            def next_task(number: int) -> Task | None:
                indices = next(order, END)
                return None if indices is END else partial(work, number, indices)

            yield from workers.run(next_task, self.prefetch_factor, self.timeout)
        finally:
            if not self.persistent_workers:
                workers.close()

    # -- batches ----------------------------------------------------------------------------------

    def _reader(self) -> Callable[[Any], Any]:
        """What makes a batch of its indices, and END of nothing."""
        if not self.is_stream:
            return self._single if self.batch_sampler is None else self._batch
        samples = iter(self.dataset)
        if self.batch_size is None:
            return lambda _: self._converted(sample) if (
                sample := next(samples, END)) is not END else END  # fmt: skip
        return lambda _: self._next_batch(samples)

    def _next_batch(self, samples: Iterator[Any]) -> Any:
        found = list(islice(samples, self.batch_size))
        if not found or (self.drop_last and len(found) < (self.batch_size or 0)):
            return END
        return self._collated(found)

    def _single(self, index: Any) -> Any:
        return self._converted(self.dataset[index])

    def _converted(self, sample: Any) -> Any:
        if self.collate_fn is not None:
            return self.collate_fn(sample)
        return default_convert(sample, self.device)

    def _batch(self, indices: Iterable[Any]) -> Any:
        chosen = list(indices)
        read = getattr(self.dataset, "batch", None)
        if callable(read) and self.collate_fn is None:
            return [to_tensor(array, self.device) for array in read(np.array(chosen, np.int64))]
        together = getattr(self.dataset, "__getitems__", None)
        if together is not None:
            return self._collated(together(chosen))
        return self._collated([self.dataset[index] for index in chosen])

    def _collated(self, samples: list[Any]) -> Any:
        if self.collate_fn is not None:
            return self.collate_fn(samples)
        return default_collate(samples, self.device)


# Options that exclude each other.
EXCLUDED = (
    ("batch_sampler", "batch_size"), ("batch_sampler", "no batch_size"),
    ("batch_sampler", "shuffle"), ("batch_sampler", "sampler"), ("batch_sampler", "drop_last"),
    ("no batch_size", "drop_last"), ("sampler", "shuffle"), ("an IterableDataset", "shuffle"),
    ("an IterableDataset", "sampler"), ("an IterableDataset", "batch_sampler"),
    ("no workers", "prefetch_factor"), ("no workers", "persistent_workers"),
    ("no workers", "timeout"),
)  # fmt: skip


def _require_compatible(given: dict[str, bool]) -> None:
    for one, other in EXCLUDED:
        if given[one] and given[other]:
            raise ArgumentError(f"[DataLoader] {one} and {other} exclude each other; give one")


def _computed(batch: Any) -> Any:
    """The batch, with values for its Tensors: it is another thread that reads them."""
    leaves, _ = pytree.flatten(batch)
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    if tensors:
        Tensor.realize(*tensors)
    return batch
