"""Contractions in blocks, as groups of a GPU compute them: shapes, and what is read and written."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from lazygrad.codegen import nest
from lazygrad.codegen.choose import loop_nest, schedule
from lazygrad.codegen.nest import Barrier, Get, If, Load, LoopNest, Put, Shared, Store
from lazygrad.codegen.normal import normal
from lazygrad.codegen.schedule import Blocks
from lazygrad.codegen.steps import MEMBER
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from tests.codegen import kernels as ks

GPU = Target(units=100, lanes=4, is_gpu=True, max_group=1024, local_memory=48 << 10)
SMALL = replace(GPU, units=4, max_group=64, local_memory=32 << 10)


def blocks(kernel: Kernel, target: Target = GPU) -> Blocks:
    found = schedule(normal(kernel), target).blocks
    assert found is not None
    return found


def written(kernel: Kernel, target: Target = GPU) -> LoopNest:
    made = loop_nest(kernel, target)
    assert made is not None
    return made


def all_of(made: LoopNest, kind: type) -> list[Any]:
    return [s for s in nest.walk(made.body) if isinstance(s, kind)]


def the_loop_over_the_sum(made: LoopNest) -> nest.Loop:
    (found,) = [s for s in made.body if isinstance(s, nest.Loop)]
    return found


# -- shapes -------------------------------------------------------------------------------------


def test_a_large_matmul_has_large_blocks() -> None:
    found = blocks(ks.matmul(4096, 4096, 4096))
    assert (found.rows.size, found.columns.size, found.group) == (128, 128, 256)


def test_a_small_matmul_has_a_block_for_many_units() -> None:
    found = blocks(ks.matmul(256, 256, 1024))
    assert found.rows.count * found.columns.count >= 64


@pytest.mark.parametrize("target", [GPU, SMALL], ids=["large", "small"])
@pytest.mark.parametrize("name", [name for name in ks.CASES if "blocks" in name])
def test_blocks_fit_the_device(name: str, target: Target) -> None:
    found = blocks(ks.CASES[name](), target)
    assert found.group <= target.max_group
    shared = all_of(written(ks.CASES[name](), target), Shared)
    held = sum(s.count * max(4, s.dtype.itemsize) for s in shared)
    assert held == found.nbytes <= target.local_memory // 2


@pytest.mark.parametrize(
    ("kernel", "target"),
    [
        (ks.matmul(15, 64, 64), GPU),
        (ks.matmul(64, 64, 15), GPU),
        (ks.matmul(64, 64, 64), replace(GPU, local_memory=0)),
        (ks.matmul(64, 64, 64), replace(GPU, max_group=32)),
        (ks.matmul(64, 64, 64), Target(units=2, lanes=8)),
    ],
    ids=["few rows", "a short sum", "no local memory", "small groups", "a CPU"],
)
def test_others_have_tiles_only(kernel: Kernel, target: Target) -> None:
    assert schedule(normal(kernel), target).blocks is None


def test_the_rows_of_an_image_are_one_range() -> None:
    found = blocks(ks.conv2d(128, 32, 64, 13, 3))
    assert (found.rows.r.size, found.columns.r.size, found.summed.size) == (128 * 121, 64, 288)


# -- what a group does --------------------------------------------------------------------------


def test_a_group_reads_each_element_of_its_factors_once() -> None:
    kernel = ks.matmul(1024, 1024, 512)
    made, found = written(kernel), blocks(kernel)
    step = the_loop_over_the_sum(made)
    read = [s for s in step.body if isinstance(s, Load)]
    assert len(read) * found.group == (found.rows.size + found.columns.size) * found.depth
    (products,) = [s for s in step.body if isinstance(s, nest.Loop)]
    kinds = Counter(type(s) for s in products.body)
    down, across = found.rows.steps, found.columns.steps
    assert kinds == {Get: down + across, nest.Accumulate: down * across}


def test_a_step_waits_once_and_reads_ahead() -> None:
    """Reads, products, writes, the barrier: in this order."""
    kinds = [type(s) for s in the_loop_over_the_sum(written(ks.matmul(256, 256, 256))).body]
    assert kinds.count(Barrier) == 1 and kinds[-1] is Barrier
    products = kinds.index(nest.Loop)
    assert Load not in kinds[products:] and Put not in kinds[:products]


def test_a_sum_of_one_step_needs_no_second() -> None:
    made = written(ks.matmul(256, 256, 16))
    assert len(all_of(made, Barrier)) == 1
    assert len(all_of(made, Put)) == len(all_of(made, Load))


def test_barriers_are_where_all_of_a_group_pass() -> None:
    for name in (name for name in ks.CASES if "blocks" in name):
        made = written(ks.CASES[name](), SMALL)
        guarded = [inner for s in all_of(made, If) for inner in nest.walk(s.body)]
        assert not any(isinstance(s, Barrier) for s in guarded)


def _stride_of_member(made: LoopNest, slot: int) -> int | None:
    """How far apart neighbours read buffer ``slot``, where they are one row's."""
    pointers = {s.name: s.place for s in all_of(made, nest.Pointer)}
    remainders = [s.name for s in all_of(made, nest.Divide) if s.remainder]
    for load in all_of(made, Load):
        if load.place.slot != slot:
            continue
        terms = dict(load.place.offset.terms)
        if load.place.pointer:
            terms |= dict(pointers[load.place.pointer].offset.terms)
        for name in (MEMBER, *remainders):
            if name in terms:
                return terms[name]
    return None


@pytest.mark.parametrize("name", ["matmul_blocks_even", "unpacked_blocks", "conv2d"])
def test_neighbours_read_neighbours(name: str) -> None:
    made = written(ks.CASES[name](), SMALL)
    assert [_stride_of_member(made, slot) for slot in (1, 2)] == [1, 1]


def test_neighbours_write_vectors_side_by_side() -> None:
    made = written(ks.matmul(256, 256, 256))
    assert all(s.lanes == 4 for s in all_of(made, Store))


def test_what_lies_beyond_the_end_is_neither_read_nor_written() -> None:
    """Odd sizes: the test runner refuses such an access; here, even sizes need no checks."""
    even = written(ks.matmul(256, 256, 256))
    assert not all_of(even, If)
    odd = written(ks.matmul(250, 250, 256))
    assert all_of(odd, If)
