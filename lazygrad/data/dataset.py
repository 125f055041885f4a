"""Data sets: samples by index, or one after another; and such as are made of others."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any, Generic, TypeVar

import numpy as np

from lazygrad.arguments import shown
from lazygrad.data.draws import host_random
from lazygrad.errors import ArgumentError, AxisError, ValueRangeError
from lazygrad.generator import Generator
from lazygrad.public import public

Array = np.ndarray[Any, Any]
T = TypeVar("T", covariant=True)


class Dataset(Generic[T]):
    """Base class of data sets with samples by index: define ``__getitem__(index)``, and
    ``__len__`` for all but samplers of one's own.

    Where there is ``__getitems__(indices)``, which returns a list of samples, a loader asks for
    all of a batch at once; where there is ``batch(indices)``, which takes an int64 array and
    returns a tuple of arrays, it does not even put them together.

    >>> class Squares(data.Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, index):
    ...         return index, float(index**2)
    >>> [x.tolist() for x in next(iter(data.DataLoader(Squares(), batch_size=3)))]
    [[0, 1, 2], [0.0, 1.0, 4.0]]
    """

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError(f"[data] {type(self).__name__} does not define __getitem__()")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """Base class of data sets that are a stream: define ``__iter__``. Workers iterate over it
    each by itself; ``get_worker_info()`` tells in which one the code runs.

    >>> class Countdown(data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> [x.tolist() for x in data.DataLoader(Countdown(), batch_size=2)]
    [[3, 2], [1]]
    """

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"[data] {type(self).__name__} does not define __iter__()")

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class ConcatDataset(Dataset[Any]):
    """Data sets one after another, as one.

    Raises:
        ArgumentError: for none, or a stream among them.

    >>> both = data.ConcatDataset([["a", "b"], ["c"]])
    >>> len(both), both[2], both[-3]
    (3, 'c', 'a')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("[ConcatDataset] needs at least one data set")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise ArgumentError("[ConcatDataset] takes no IterableDataset; use ChainDataset")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise AxisError(f"[ConcatDataset] index {index} is not among {len(self)} samples")
        number = bisect_right(self.cumulative_sizes, position)
        return self.datasets[number][position - ([0, *self.cumulative_sizes][number])]


class ChainDataset(IterableDataset[Any]):
    """Streams one after another.

    >>> class Letters(data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter("ab")
    >>> list(data.ChainDataset([Letters(), Letters()]))
    ['a', 'b', 'a', 'b']
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise ArgumentError(
                    f"[ChainDataset] takes IterableDatasets, got {shown(dataset)}; use "
                    "ConcatDataset for data sets by index"
                )

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(map(len, self.datasets))


class StackDataset(Dataset[Any]):
    """Data sets side by side: sample ``i`` is the tuple of their samples ``i``, or a dict of them
    where they are given by name.

    Raises:
        ArgumentError: for none, for names and none together, or different lengths.

    >>> pairs = data.StackDataset(image=[10, 20], label=[0, 1])
    >>> len(pairs), pairs[1]
    (2, {'image': 20, 'label': 1})
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ArgumentError("[StackDataset] takes data sets, all with names or all without")
        self.datasets: Any = kwargs or args
        lengths = [len(dataset) for dataset in self._parts()]
        if len(set(lengths)) > 1:
            raise ArgumentError(f"[StackDataset] the data sets have different lengths: {lengths}")

    def _parts(self) -> list[Any]:
        named = isinstance(self.datasets, dict)
        return list(self.datasets.values() if named else self.datasets)

    def __len__(self) -> int:
        return len(self._parts()[0])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)


class Subset(Dataset[T]):
    """The samples of ``dataset`` at ``indices``, in their order.

    >>> list(data.Subset(["a", "b", "c"], [2, 0]))
    ['c', 'a']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> T:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[T]:
        own = [self.indices[index] for index in indices]
        if hasattr(self.dataset, "__getitems__"):
            return self.dataset.__getitems__(own)
        return [self.dataset[index] for index in own]

    @property
    def batch(self) -> Callable[[Array], tuple[Array, ...]]:
        """The arrays of whole batches, where ``dataset`` has them.

        Raises:
            AttributeError: where it does not.
        """
        read = self.dataset.batch
        return lambda indices: read(np.asarray(self.indices)[indices])


@public
def random_split(
    dataset: Any, lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset[Any]]:
    """Parts of a data set that have nothing in common, drawn at random.

    Args:
        lengths: of the parts, which add up to ``len(dataset)``; or fractions that add up to 1,
            where what is left over goes to the first parts, one each.
        generator: where the random order comes from; default: the stream of ``manual_seed``.

    Raises:
        ValueRangeError: if they do not add up.

    >>> train, test = data.random_split(range(10), [0.8, 0.2])
    >>> len(train), len(test), sorted([*train, *test]) == list(range(10))
    (8, 2, True)
    """
    count = len(dataset)
    sizes = _sizes(count, lengths)
    if sum(sizes) != count or min(sizes, default=0) < 0:
        raise ValueRangeError(
            f"[random_split] lengths {list(lengths)} must add up to the {count} samples, or as "
            "fractions to 1"
        )
    order = host_random(generator).permutation(count).tolist()
    ends = list(accumulate(sizes))
    return [Subset(dataset, order[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def _sizes(count: int, lengths: Sequence[float]) -> list[int]:
    if not np.isclose(sum(lengths), 1) or sum(lengths) == count:
        return [int(length) for length in lengths]
    sizes = [int(count * length) for length in lengths]
    for number in range(count - sum(sizes)):
        sizes[number % len(sizes)] += 1
    return sizes
