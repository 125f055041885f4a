"""In which order samples come, and which of them are a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from lazygrad.arguments import numbers, require_range
from lazygrad.data.dataset import Array
from lazygrad.data.draws import host_random
from lazygrad.errors import ValueRangeError
from lazygrad.generator import Generator
from lazygrad.public import public

T = TypeVar("T", covariant=True)


class Sampler(Generic[T]):
    """Base class: define ``__iter__``, which gives indices, and ``__len__``, if it is known.

    >>> class Backwards(data.Sampler):
    ...     def __iter__(self):
    ...         return iter([2, 1, 0])
    >>> loader = data.DataLoader([10, 20, 30], batch_size=3, sampler=Backwards())
    >>> next(iter(loader)).tolist()
    [30, 20, 10]
    """

    def __init__(self, data_source: Any = None) -> None:
        """Of what is sampled; accepted as PyTorch's."""

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"[data] {type(self).__name__} does not define __iter__()")


class SequentialSampler(Sampler[int]):
    """The data set's own order.

    >>> list(data.SequentialSampler(["a", "b", "c"]))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class SeededSampler(Sampler[int]):
    """A random order for each epoch, which depends on ``seed`` and the epoch alone: what
    ``DataLoader(shuffle=True)`` takes where it has no generator.

    >>> first = list(data.SeededSampler(range(100), seed=3))
    >>> first == list(data.SeededSampler(range(100), seed=3)), sorted(first) == list(range(100))
    (True, True)
    """

    def __init__(self, data_source: Sized, seed: int = 0) -> None:
        self.data_source, self.seed, self.epoch = data_source, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Take the order of ``epoch``."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter(shuffled(len(self.data_source), self.seed, self.epoch).tolist())

    def __len__(self) -> int:
        return len(self.data_source)


class DistributedSampler(Sampler[int]):
    """The share of one of several programs, each of which has as many samples: every
    ``num_replicas``-th of an order that is the same for all.

    Args:
        num_replicas, rank: how many programs there are, and which one this is; default: one.
        shuffle: whether each epoch, as ``set_epoch`` says, has its own random order.
        seed: where the random orders start.
        drop_last: leave out what cannot be shared evenly, instead of giving some samples twice.

    Raises:
        ValueRangeError: for a rank that is none of the replicas.

    >>> [list(data.DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in range(2)]
    [[0, 2, 4], [1, 3, 0]]
    """

    @public
    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset, self.shuffle, self.seed, self.drop_last = dataset, shuffle, seed, drop_last
        self.num_replicas, self.rank, self.epoch = num_replicas or 1, rank or 0, 0
        require_range("DistributedSampler", 1, num_replicas=self.num_replicas)
        require_range("DistributedSampler", 0, self.num_replicas - 1, rank=self.rank)

    @public
    def set_epoch(self, epoch: int) -> None:
        """Take the order of ``epoch``."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        order = shuffled(count, self.seed, self.epoch) if self.shuffle else np.arange(count)
        shared = np.resize(order, len(self) * self.num_replicas)  # again from the start if too few
        return iter(shared[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        count = len(self.dataset)
        return count // self.num_replicas if self.drop_last else -(-count // self.num_replicas)


class RandomSampler(Sampler[int]):
    """A random order.

    Args:
        replacement: draw each sample from all.
        num_samples: how many; default: as many as there are.
        generator: where the order comes from; default: the stream of ``manual_seed``.

    >>> sorted(data.RandomSampler(range(4))), len(data.RandomSampler(range(4), num_samples=6))
    ([0, 1, 2, 3], 6)
    """

    @public
    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if num_samples is not None:
            require_range("RandomSampler", 1, num_samples=num_samples)
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples

    @property
    def num_samples(self) -> int:
        """How many indices an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        count, wanted = len(self.data_source), self.num_samples
        random = host_random(self.generator)
        if self.replacement:
            return iter(random.randint(0, count, wanted).tolist())
        rounds = -(-wanted // count) if count else 0
        drawn = (index for _ in range(rounds) for index in random.permutation(count).tolist())
        return islice(drawn, wanted)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """``indices`` in a random order.

    >>> sorted(data.SubsetRandomSampler([1, 5, 9]))
    [1, 5, 9]
    """

    @public
    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = list(indices), generator

    def __iter__(self) -> Iterator[int]:
        order = host_random(self.generator).permutation(len(self.indices))
        return (self.indices[position] for position in order.tolist())

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices as often as their ``weights`` say, which need not add up to 1.

    Raises:
        ValueRangeError: for negative weights, or more samples without replacement than weights
            above 0.

    >>> list(data.WeightedRandomSampler([0.0, 1.0, 0.0], num_samples=3))
    [1, 1, 1]
    """

    @public
    def __init__(
        self,
        weights: Any,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        require_range("WeightedRandomSampler", 1, num_samples=num_samples)
        self.weights = numbers("WeightedRandomSampler", "weights", weights)
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator
        fit = self.weights.ndim == 1 and (self.weights >= 0).all() and self.weights.sum() > 0
        if not fit or not np.isfinite(self.weights).all():
            raise ValueRangeError(
                "[WeightedRandomSampler] weights must be a vector of finite numbers of at least 0, "
                f"not all 0; got shape {self.weights.shape}"
            )
        if not replacement and num_samples > np.count_nonzero(self.weights):
            raise ValueRangeError(
                f"[WeightedRandomSampler] cannot draw {num_samples} samples without replacement "
                f"from {np.count_nonzero(self.weights)} with a weight above 0"
            )

    def __iter__(self) -> Iterator[int]:
        shares = self.weights / self.weights.sum()
        random = host_random(self.generator)
        drawn = random.choice(len(shares), self.num_samples, self.replacement, shares)
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of ``sampler`` in lists of ``batch_size``.

    Args:
        drop_last: leave out a last one that is not full.

    >>> list(data.BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    @public
    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        require_range("BatchSampler", 1, batch_size=batch_size)
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        # Not a generator itself: the sampler starts now, not when the first batch is asked for.
        return self._batches(iter(self.sampler))

    def _batches(self, indices: Iterator[Any]) -> Iterator[list[int]]:
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return full + (1 if rest and not self.drop_last else 0)


def shuffled(count: int, seed: int, epoch: int) -> Array:
    """A permutation of ``range(count)``, int64, that depends on ``seed`` and ``epoch`` alone."""
    # NumPy promises that RandomState, unlike its newer generators, draws the same numbers in
    # every version. It takes its seed in words of 32 bits.
    words = [epoch & 0xFFFFFFFF]
    while seed:
        words.append(seed & 0xFFFFFFFF)
        seed >>= 32
    return np.random.RandomState(words).permutation(count).astype(np.int64, copy=False)
