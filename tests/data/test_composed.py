"""Data sets made of others, samplers, and the loader's other options."""

from __future__ import annotations

import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Generator, Tensor, data, manual_seed
from lazygrad.errors import ArgumentError, AxisError, LazygradError, ValueRangeError
from lazygrad.utils import data as utils_data
from lazygrad.utils.data import dataloader, dataset, distributed, sampler


class Squares(data.Dataset):
    """As PyTorch's users write one."""

    def __init__(self, count: int, start: int = 0) -> None:
        self.count, self.start = count, start

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return (index + self.start) ** 2


class Stream(data.IterableDataset):
    """Numbers from a range, shared between workers as PyTorch's documentation shows it."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end

    def __iter__(self) -> Any:
        info = data.get_worker_info()
        step, first = (1, 0) if info is None else (info.num_workers, info.id)
        return iter(range(self.start + first, self.end, step))

    def __len__(self) -> int:
        return self.end - self.start


def test_the_names_of_torch_utils_data_are_the_same_things() -> None:
    modules = [utils_data, dataloader, dataset, distributed, sampler]
    for name in ("DataLoader", "Dataset", "DistributedSampler", "Sampler"):
        assert sum(hasattr(module, name) for module in modules) == 2
    for module in modules:
        for name, value in vars(module).items():
            if getattr(value, "__module__", "").startswith("lazygrad.data"):
                assert value is getattr(data, name)
    with pytest.raises(AttributeError, match=r"\[utils\.data\] no name 'DataLoder': did you mean"):
        _ = utils_data.DataLoder


def test_utils_are_found_when_they_are_used() -> None:
    program = (
        "import sys, lazygrad as torch; assert 'lazygrad.data' not in sys.modules; "
        "assert torch.utils.data.DataLoader; assert torch.utils.dlpack.from_dlpack"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    with pytest.raises(AttributeError, match=r"\[utils\] no name 'tensorboard'"):
        _ = lazygrad.utils.tensorboard


def test_concatenated() -> None:
    both = Squares(3) + Squares(2, start=10)
    assert isinstance(both, data.ConcatDataset)
    assert (len(both), list(both), both.cumulative_sizes) == (5, [0, 1, 4, 100, 121], [3, 5])
    assert both[-1] == 121
    with pytest.raises(AxisError, match=r"\[ConcatDataset\] index 5 is not among 5 samples"):
        both[5]


def test_chained() -> None:
    both = Stream(0, 2) + Stream(5, 8)
    assert isinstance(both, data.ChainDataset)
    assert (list(both), len(both)) == ([0, 1, 5, 6, 7], 5)


def test_stacked() -> None:
    assert data.StackDataset(Squares(3), [5, 6, 7])[2] == (4, 7)
    named = data.StackDataset(x=Squares(3), y=[5, 6, 7])
    assert (len(named), named[1]) == (3, {"x": 1, "y": 6})


def test_subset() -> None:
    part = data.Subset(Squares(10), [7, 2])
    assert (len(part), part[0], part[1], list(part)) == (2, 49, 4, [49, 4])
    nested = data.Subset(part, [1])
    assert nested.__getitems__([0]) == [4]
    assert not hasattr(part, "batch")
    tensors = data.Subset(data.TensorDataset(np.arange(10), np.arange(10) * 2), [8, 3, 5])
    x, y = next(iter(data.DataLoader(tensors, 2)))
    assert (x.tolist(), y.tolist()) == ([8, 3], [16, 6])


@pytest.mark.parametrize(
    ("lengths", "sizes"), [([7, 3], [7, 3]), ([0.5, 0.25, 0.25], [6, 2, 2]), ([1.0], [10])]
)
def test_random_split(lengths: list[float], sizes: list[int]) -> None:
    parts = data.random_split(Squares(10), lengths, Generator().manual_seed(3))
    again = data.random_split(Squares(10), lengths, generator=Generator().manual_seed(3))
    assert [len(part) for part in parts] == sizes
    assert sorted(index for part in parts for index in part.indices) == list(range(10))
    assert [part.indices for part in parts] == [part.indices for part in again]


def test_samplers() -> None:
    assert list(data.SequentialSampler(Squares(3))) == [0, 1, 2]
    manual_seed(3)
    sampler = data.RandomSampler(Squares(6))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(6))
    assert first != second
    manual_seed(3)
    assert list(data.RandomSampler(Squares(6))) == first
    many = list(data.RandomSampler(Squares(4), num_samples=10))
    assert [sorted(many[:4]), sorted(many[4:8]), len(many)] == [[0, 1, 2, 3], [0, 1, 2, 3], 10]
    repeated = list(data.RandomSampler(Squares(3), replacement=True, num_samples=50))
    assert set(repeated) == {0, 1, 2}
    subset = data.SubsetRandomSampler([5, 7, 9], Generator().manual_seed(1))
    assert (len(subset), sorted(subset)) == (3, [5, 7, 9])
    batches = data.BatchSampler(data.SequentialSampler(Squares(5)), 2, False)
    assert (len(batches), list(batches)) == (3, [[0, 1], [2, 3], [4]])
    full = data.BatchSampler(range(5), batch_size=2, drop_last=True)
    assert (len(full), list(full)) == (2, [[0, 1], [2, 3]])
    seeded = data.SeededSampler(Squares(9), seed=2)
    seeded.set_epoch(4)
    assert list(seeded) == list(seeded)
    assert len(seeded) == 9


def test_distributed_sampler() -> None:
    parts = [data.DistributedSampler(Squares(7), 3, rank, shuffle=False) for rank in range(3)]
    assert [list(part) for part in parts] == [[0, 3, 6], [1, 4, 0], [2, 5, 1]]
    assert [len(part) for part in parts] == [3, 3, 3]
    full = [data.DistributedSampler(Squares(7), 3, r, False, drop_last=True) for r in range(3)]
    assert [list(part) for part in full] == [[0, 3], [1, 4], [2, 5]]
    alone = data.DistributedSampler(Squares(9), seed=2)
    first = list(alone)
    assert list(alone) == first
    alone.set_epoch(1)
    assert list(alone) != first
    assert sorted(alone) == sorted(first) == list(range(9))
    with pytest.raises(ValueRangeError, match=r"\[DistributedSampler\] rank must be from 0 to 1"):
        data.DistributedSampler(Squares(3), 2, 2)


def test_weighted_sampler() -> None:
    weights = [0.0, 1.0, 3.0]
    sampler = data.WeightedRandomSampler(weights, 4000, generator=Generator().manual_seed(0))
    counts = np.bincount(list(sampler), minlength=3)
    assert counts[0] == 0
    assert 2800 < counts[2] < 3200
    assert sorted(data.WeightedRandomSampler(Tensor(weights), 2, replacement=False)) == [1, 2]


# -- the loader --------------------------------------------------------------------------------


def lists(loader: Any) -> list[Any]:
    return [batch.tolist() for batch in loader]


def test_sampler_and_batch_sampler() -> None:
    assert lists(data.DataLoader(Squares(9), 2, sampler=[3, 1, 2])) == [[9, 1], [4]]
    loader = data.DataLoader(Squares(9), batch_sampler=[[1, 2], [8]])
    assert (lists(loader), len(loader), loader.batch_size) == ([[1, 4], [64]], 2, None)


def test_a_generator_decides_the_order() -> None:
    def order() -> list[Any]:
        generator = Generator().manual_seed(5)
        return lists(data.DataLoader(Squares(9), 3, shuffle=True, generator=generator))

    assert order() == order() != [[0, 1, 4], [9, 16, 25], [36, 49, 64]]


def test_without_batches() -> None:
    loader = data.DataLoader(data.TensorDataset(np.arange(3.0)), batch_size=None)
    assert [[part.item() for part in sample] for sample in loader] == [[0.0], [1.0], [2.0]]
    assert len(loader) == 3
    sample = {"x": np.arange(2), "name": "a", "pair": (np.float32(1), 2)}
    found = data.default_convert(sample)
    assert found["x"].tolist() == [0, 1]
    assert found["name"] == "a"
    assert (found["pair"][0].item(), found["pair"][1]) == (1.0, 2)
    assert list(data.DataLoader([3, 4], None, collate_fn=lambda value: -value)) == [-3, -4]


def test_a_stream() -> None:
    loader = data.DataLoader(Stream(0, 5), 2)
    assert (lists(loader), len(loader)) == ([[0, 1], [2, 3], [4]], 3)
    assert lists(data.DataLoader(Stream(0, 5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(data.DataLoader(Stream(0, 3), None)) == [0, 1, 2]


def test_named_tuples_and_items_by_lists() -> None:
    Point = namedtuple("Point", "x y")
    batch = data.default_collate([Point(1, 2.5), Point(3, 4.5)])
    assert isinstance(batch, Point)
    assert (batch.x.tolist(), batch.y.tolist()) == ([1, 3], [2.5, 4.5])

    class Together(Squares):
        def __getitems__(self, indices: list[int]) -> list[int]:
            return [-index for index in indices]

    assert lists(data.DataLoader(Together(3), 2)) == [[0, -1], [-2]]


# -- workers --------------------------------------------------------------------------------


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_give_the_same_batches(persistent: bool) -> None:
    plain = data.DataLoader(Squares(23), 4, shuffle=True)
    loader = data.DataLoader(
        Squares(23), 4, shuffle=True, num_workers=3, persistent_workers=persistent
    )
    for _ in range(3):
        assert lists(loader) == lists(plain)


def test_workers_bring_batches_to_a_device(device: str) -> None:
    tensors = data.TensorDataset(np.arange(10.0), np.arange(10))
    loader = data.DataLoader(tensors, 4, num_workers=2, device=device)
    found = list(loader)
    assert [x.device for x, _ in found] == [device] * 3
    assert [x.tolist() for x, _ in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_workers_share_a_stream() -> None:
    loader = data.DataLoader(Stream(0, 10), 2, num_workers=2)
    assert lists(loader) == [[0, 2], [1, 3], [4, 6], [5, 7], [8], [9]]


def test_workers_know_who_they_are() -> None:
    seen: list[Any] = []

    def start(number: int) -> None:
        info = data.get_worker_info()
        seen.append((number, info.id, info.num_workers, len(info.dataset)))

    def seeds(batch: list[int]) -> Any:
        return data.get_worker_info().seed

    loader = data.DataLoader(
        Squares(6), 2, num_workers=2, worker_init_fn=start, collate_fn=seeds, prefetch_factor=1
    )
    manual_seed(0)
    first = list(loader)
    manual_seed(0)
    assert (list(loader), first[1] - first[0], first[2]) == (first, 1, first[0])
    assert sorted(seen[:2]) == [(0, 0, 2, 6), (1, 1, 2, 6)]
    assert data.get_worker_info() is None
    assert data.WorkerInfo(0, 1, 2, None).seed == 2


def test_an_error_of_a_worker_comes_to_the_program() -> None:
    with pytest.raises(IndexError):
        list(data.DataLoader(Squares(3), sampler=[1, 9], num_workers=1))
    with pytest.raises(ZeroDivisionError):
        list(data.DataLoader(Squares(3), num_workers=1, worker_init_fn=lambda number: 1 // number))


def test_a_worker_that_takes_too_long_is_an_error() -> None:
    import threading

    stop = threading.Event()
    loader = data.DataLoader(
        Squares(3), num_workers=1, timeout=0.05, collate_fn=lambda batch: stop.wait(20)
    )
    with pytest.raises(LazygradError, match="no worker made a batch within 0.05 seconds"):
        list(loader)
    stop.set()


def test_leaving_early_is_fine() -> None:
    loader = data.DataLoader(Squares(100), num_workers=2, persistent_workers=True)
    assert next(iter(loader)).tolist() == [0]
    assert len(lists(loader)) == 100


# -- errors --------------------------------------------------------------------------------

NINE = Squares(9)
CASES: dict[str, tuple[Callable[[], Any], type[LazygradError], str]] = {
    "concat": (lambda: data.ConcatDataset([]), ArgumentError, "needs at least one data set"),
    "concat_stream": (
        lambda: data.ConcatDataset([Stream(0, 1)]), ArgumentError, "use ChainDataset"),
    "chain": (lambda: data.ChainDataset([NINE]), ArgumentError, "use ConcatDataset"),
    "stack": (lambda: data.StackDataset(), ArgumentError, "all with names or all without"),
    "stack_lengths": (
        lambda: data.StackDataset(NINE, [1]), ArgumentError, r"different lengths: \[9, 1\]"),
    "split": (
        lambda: data.random_split(NINE, [3, 3]), ValueRangeError,
        r"lengths \[3, 3\] must add up to the 9 samples"),
    "weights": (
        lambda: data.WeightedRandomSampler([-1.0], 1), ValueRangeError, "weights must be a vector"),
    "without": (
        lambda: data.WeightedRandomSampler([1.0, 0.0], 2, False), ValueRangeError,
        "cannot draw 2 samples without replacement from 1"),
    "batch": (lambda: data.BatchSampler([1], 0, False), ValueRangeError, "batch_size must be at"),
    "samples": (
        lambda: data.RandomSampler(NINE, num_samples=0), ValueRangeError, "num_samples must be at"),
    "both": (
        lambda: data.DataLoader(NINE, shuffle=True, sampler=[1]), ArgumentError,
        "sampler and shuffle exclude each other"),
    "batches": (
        lambda: data.DataLoader(NINE, 2, batch_sampler=[[1]]), ArgumentError,
        "batch_sampler and batch_size exclude"),
    "stream": (
        lambda: data.DataLoader(Stream(0, 1), shuffle=True), ArgumentError,
        "an IterableDataset and shuffle exclude"),
    "prefetch": (
        lambda: data.DataLoader(NINE, prefetch_factor=2), ArgumentError,
        "no workers and prefetch_factor exclude"),
    "workers": (lambda: data.DataLoader(NINE, num_workers=-1), ValueRangeError, "num_workers must"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_error(name: str) -> None:
    function, kind, message = CASES[name]
    with pytest.raises(kind, match=message):
        function()


@pytest.mark.parametrize("base", [data.Dataset, data.IterableDataset, data.Sampler])
def test_what_a_subclass_must_define(base: type) -> None:
    with pytest.raises(NotImplementedError, match=rf"{base.__name__} does not define"):
        base()[0] if base is data.Dataset else iter(base())
