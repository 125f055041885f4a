"""Batches of a data set as Tensors, in a seeded order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lazygrad.arguments import require_range, shown
from lazygrad.data.collate import default_collate, to_tensor
from lazygrad.data.dataset import Array
from lazygrad.errors import ArgumentError
from lazygrad.public import public
from lazygrad.runtime.registry import check_device


class DataLoader:
    """Iterate over a data set in batches.

    The order of an epoch depends only on ``seed`` and the number of the epoch. Each iteration over
    the loader takes the next epoch, so that every pass has a new order; ``set_epoch`` says which
    one comes next, to go on where an earlier run stopped.

    Args:
        dataset: a ``Dataset``, a ``TensorDataset``, or anything with ``__len__`` and
            ``__getitem__(int)``. Where it also has ``batch(indices)``, which takes an int64 array
            and returns a tuple of arrays, whole batches are read at once.
        batch_size: samples in a batch.
        shuffle: whether each epoch has its own random order; otherwise the data set's order.
        seed: where the random orders start, 0 or more.
        drop_last: leave out a last batch that is not full. Steps that are jitted then see one
            shape only.
        collate_fn: makes a batch from the list of its samples, instead of ``default_collate``.
        device: where the Tensors are; the default device if not given.

    Yields:
        for a ``Dataset``, ``(x, y)``: float32 ``(n, C, H, W)`` between 0 and 1 and int64
        ``(n,)``. In general a tuple of Tensors, or what ``collate_fn`` returns.

    Raises:
        ArgumentError: for what is no data set.
        ValueRangeError: for a batch size below 1, a negative seed or epoch.
    """

    @public
    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        seed: int = 0,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        device: str | None = None,
    ) -> None:
        require_range("DataLoader", 1, batch_size=batch_size)
        require_range("DataLoader", 0, seed=seed)
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise ArgumentError(
                f"[DataLoader] dataset must have a length and items by index, got {shown(dataset)}"
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.collate_fn = collate_fn
        self.device = None if device is None else check_device(device)
        self.epoch = 0

    @public
    def set_epoch(self, epoch: int) -> None:
        """Make ``epoch`` (0 or more) the next one to be iterated over."""
        require_range("set_epoch", 0, epoch=epoch)
        self.epoch = epoch

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (1 if rest and not self.drop_last else 0)

    def __iter__(self) -> Iterator[Any]:
        # Not a generator itself: the epoch is taken when the iteration starts, not when the
        # first batch is asked for.
        order = self._order(self.epoch)
        self.epoch += 1
        return (self._batch(order[start : start + self.batch_size]) for start in self._starts())

    def _starts(self) -> range:
        return range(0, len(self) * self.batch_size, self.batch_size)

    def _order(self, epoch: int) -> Array:
        count = len(self.dataset)
        return shuffled(count, self.seed, epoch) if self.shuffle else np.arange(count)

    def _batch(self, indices: Array) -> Any:
        read = getattr(self.dataset, "batch", None)
        if read is not None and self.collate_fn is None:
            return tuple(to_tensor(array, self.device) for array in read(indices))
        samples = [self.dataset[int(index)] for index in indices]
        if self.collate_fn is not None:
            return self.collate_fn(samples)
        return default_collate(samples, self.device)


def shuffled(count: int, seed: int, epoch: int) -> Array:
    """A permutation of ``range(count)``, int64, that depends on ``seed`` and ``epoch`` alone."""
    # NumPy promises that RandomState, unlike its newer generators, draws the same numbers in
    # every version. It takes its seed in words of 32 bits.
    words = [epoch & 0xFFFFFFFF]
    while seed:
        words.append(seed & 0xFFFFFFFF)
        seed >>= 32
    return np.random.RandomState(words).permutation(count).astype(np.int64, copy=False)
