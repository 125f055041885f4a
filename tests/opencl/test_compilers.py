"""Processes that compile beside this one: what they are given, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor
from lazygrad.config import config
from lazygrad.inspect import plan_cache
from tests.codegen import kernels as ks

pytest.importorskip("pyopencl")
from lazygrad import element_types as dt
from lazygrad.runtime import cache, registry
from lazygrad_opencl import OpenCLBackend, binaries, pocl_cache
from lazygrad_opencl.compilers import WARM_UP, Compilers
from lazygrad_opencl.program import build_declared
from lazygrad_opencl.sources import PORTION, portions

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def device() -> Any:
    return registry.backend("GPU")


@pytest.fixture
def compilers(device: Any) -> Iterator[Compilers]:
    if not device._binaries.is_pocl or pocl_cache.prepare() is None:
        pytest.skip("only PoCL, in a folder of ours, is compiled for beside")
    made = Compilers(device.device, device._options)
    made.most = 1  # on a single core, too
    yield made
    made._end()


def source(number: int) -> str:
    return WARM_UP.replace("{}", f"{{ int unused = {number}; }}")


# -- which kernels are a program ----------------------------------------------------------------


def test_a_plan_is_divided_by_the_kernels_that_differ() -> None:
    different = [[ks.copy(dt.float32, n)] for n in range(2 * PORTION)]
    assert list(portions(different)) == [range(PORTION), range(PORTION, 2 * PORTION)]
    twice = [kernel for kernel in different for _ in range(2)]
    assert list(portions(twice)) == [range(2 * PORTION), range(2 * PORTION, 4 * PORTION)]
    assert list(portions(different[:5] * 100)) == [range(500)]
    pairs = [[*first, *second] for first, second in pairwise(different)]
    assert list(portions(pairs)) == [range(PORTION - 1), range(PORTION - 1, 2 * PORTION - 1)]


def test_a_small_rest_is_no_program_of_its_own() -> None:
    kernels = [[ks.copy(dt.float32, n)] for n in range(PORTION + 3)]
    assert list(portions(kernels)) == [range(PORTION + 3)]


def test_the_programs_of_a_large_plan_are_a_few_for_each_who_compiles() -> None:
    kernels = [[ks.copy(dt.float32, n)] for n in range(256)]
    assert [len(calls) for calls in portions(kernels, 2)] == [64, 64, 64, 64]
    assert [len(calls) for calls in portions(kernels, 8)] == [PORTION] * 8


def test_others_start_with_plans_that_become_several_programs(
    device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before such a plan is made, so that they are ready when it is."""
    told: list[str] = []
    monkeypatch.setattr(device._binaries, "warm_up", lambda: told.append("warm up"))
    monkeypatch.setattr(cache, "compile_plan", stopped)
    x = Tensor(np.ones((4, 4), np.float32), device="GPU")
    for sums, expected in ((PORTION, []), (PORTION + 1, ["warm up"])):
        with config(cache=False), pytest.raises(Stopped):
            Tensor.stack([(x * n).sin().sum() for n in range(2, sums + 2)]).realize()
        assert told == expected


class Stopped(Exception):
    pass


def stopped(*arguments: Any) -> None:
    raise Stopped


def test_no_calls_are_one_empty_program() -> None:
    assert list(portions([])) == [range(0)]


def test_a_large_plan_is_several_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    real = binaries.Binaries.build

    def counted(self: binaries.Binaries, text: str) -> Any:
        built.append(text)
        return real(self, text)

    monkeypatch.setattr(binaries.Binaries, "build", counted)
    inputs = [np.full(n + 1, n, np.float32) for n in range(2 * PORTION)]
    tensors = [Tensor(array, device="GPU").realize() for array in inputs]
    before = plan_cache().misses
    with config(cache=False):
        total = Tensor.cat([(t * t).cumsum(0) for t in tensors])
        found = total.numpy()
    assert plan_cache().misses == before + 1
    assert len(built) >= 2
    np.testing.assert_allclose(found, np.concatenate([(a * a).cumsum() for a in inputs]))


# -- the processes ------------------------------------------------------------------------------


def test_a_program_is_compiled_and_taken_over(compilers: Compilers, device: Any) -> None:
    folder = compilers.submit(source(1)).result()
    assert folder is not None and (folder / "program.bc").exists()
    assert list(folder.glob("*/*/*.so")), "the functions are compiled, too"
    device._binaries._programs.take_over(folder)
    place = Path(str(pocl_cache.prepare()), folder.parent.name, folder.name)
    compiled = {file: file.stat().st_mtime_ns for file in place.rglob("*.so")}
    before = pocl_cache._programs()
    build_declared(device.context, device.device, source(1), device._options)
    assert pocl_cache._programs() == before, "PoCL has found it"
    assert compiled and compiled == {f: f.stat().st_mtime_ns for f in place.rglob("*.so")}


def test_what_does_not_compile_is_nothing(compilers: Compilers) -> None:
    wrong = compilers.submit("this is no program")
    assert wrong.result() is None
    assert compilers.submit(source(2)).result() is not None, "another process starts"


def test_a_process_that_was_killed_is_replaced(compilers: Compilers) -> None:
    assert compilers.submit(source(3)).result() is not None
    compilers._processes[0].kill()
    compilers._processes[0].wait()
    assert compilers.submit(source(4)).result() is not None
    assert len(compilers._processes) == 2


def test_a_process_without_work_ends(compilers: Compilers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lazygrad_opencl.compilers.IDLE", 0.01)
    assert compilers.submit(source(6)).result() is not None
    assert compilers._processes[0].wait(timeout=60) is not None
    assert compilers.submit(source(7)).result() is not None


def test_what_nobody_has_begun_can_be_taken_back(compilers: Compilers) -> None:
    compilers.most = 0
    task = compilers.submit(source(5))
    assert task.cancel()
    assert not compilers._processes


def test_the_user_s_folder_is_left_alone(monkeypatch: pytest.MonkeyPatch, device: Any) -> None:
    monkeypatch.setattr(pocl_cache, "prepare", lambda: None)
    assert Compilers(device.device, ()).most == 0


def test_all_are_built_whoever_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those begun elsewhere, those that nobody has begun, and one that nobody was told of."""
    backend = OpenCLBackend()
    sources = [source(n) for n in range(10, 14)]
    for text in sources[:3]:
        backend._binaries.ahead(text)
    with config(cache=False):
        found = dict(backend._binaries.build_all([*sources, *sources]))  # portions may be equal
    assert found.keys() == set(sources)
    assert [b.all_kernels()[0].function_name for b in found.values()] == ["launch_0"] * 4
    assert not backend._binaries._tasks
