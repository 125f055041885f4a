"""The tuner finds the fastest variant, within its time, once."""

from __future__ import annotations

import itertools
import math
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor
from lazygrad.runtime import disk, tuner
from lazygrad.runtime.tuner import REPEATS, best


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tuner, "_known", {})
    yield


def test_stages_vary_the_best_so_far() -> None:
    """A staircase: the second stage starts from what the first one found."""
    cost = {0: 9.0, 1: 5.0, 2: 7.0, 10: 8.0, 11: 3.0, 12: 1.0}
    stages = [lambda v: (v + 1, v + 2), lambda v: (v + 10,)]
    assert best("key", 0, stages, lambda v: cost[v]) == 11


def test_what_is_hardly_faster_does_not_replace_the_heuristics() -> None:
    assert best("key", 0, [lambda v: (1,)], lambda v: {0: 1.0, 1: 0.99}[v]) == 0


def test_what_cannot_run_is_not_chosen() -> None:
    assert best("key", 0, [lambda v: (1,)], lambda v: {0: 1.0, 1: math.inf}[v]) == 0


def test_the_fastest_of_several_runs_counts() -> None:
    noise = itertools.cycle([1.0, 5.0, 5.0, 5.0, 5.0])
    assert best("key", 0, [lambda v: (1,)], lambda v: next(noise) if v else 2.0) == 1


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner, "LIMIT", 1.0)
    clock = itertools.count(0.0, 0.3)
    monkeypatch.setattr(tuner, "perf_counter", lambda: next(clock))
    tried = []

    def seconds(variant: int) -> float:
        tried.append(variant)
        return 10.0 - variant

    assert best("key", 0, [lambda v: range(1, 100)], seconds) == 3
    assert tried == [variant for variant in range(4) for _ in range(REPEATS)]


class Trap:
    """A pickle that fails the test when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return pytest.fail, ("a pickle was loaded",)


@pytest.mark.parametrize("content", [b"", b'[1,[],[],[],"2"]', pickle.dumps(Trap())])
def test_what_is_no_winner_is_searched_anew(tmp_path: Path, content: bytes) -> None:
    with lazygrad.config(cache=True, cache_dir=str(tmp_path)):
        disk.put(("tuned", "key"), content)
        assert best("key", 0, [lambda v: (1, 2)], lambda v: 3.0 - v) == 2


def test_a_winner_without_a_format_is_remembered_in_the_process(tmp_path: Path) -> None:
    with lazygrad.config(cache=True, cache_dir=str(tmp_path)):
        stages = [lambda v: (frozenset({1}),)]
        assert best("key", frozenset(), stages, lambda v: 3.0 - len(v)) == {1}
        assert best("key", frozenset(), stages, lambda v: pytest.fail("searched again")) == {1}


def test_a_winner_is_remembered_in_the_process_and_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def seconds(variant: int) -> float:
        tried.append(variant)
        return 3.0 - variant

    with lazygrad.config(cache=True, cache_dir=str(tmp_path)):
        assert best("key", 0, [lambda v: (1, 2)], seconds) == 2
        count = len(tried)
        assert best("key", 0, [lambda v: (1, 2)], seconds) == 2
        monkeypatch.setattr(tuner, "_known", {})  # as in another process
        assert best("key", 0, [lambda v: (1, 2)], seconds) == 2
        assert len(tried) == count
        assert best("another key", 0, [lambda v: (1, 2)], seconds) == 2
        assert len(tried) == 2 * count


def test_tuned_kernels_compute_the_same(device: str) -> None:
    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((150, 100)).astype(np.float32), device=device)
    w = Tensor(rng.standard_normal((100, 50)).astype(np.float32), device=device)

    def value() -> np.ndarray:
        return ((x @ w).relu().softmax(-1) + x.exp().sum()).numpy()

    plain = value()
    with lazygrad.config(tune=True):
        tuned = value()
    np.testing.assert_allclose(tuned, plain, rtol=1e-5)
    assert tuner._known
