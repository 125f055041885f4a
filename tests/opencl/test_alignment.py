"""Vectors that start at a multiple of their length are spelled as such for GPUs."""

from __future__ import annotations

import re

import pytest

from lazygrad.codegen import nest
from lazygrad.codegen.choose import loop_nest
from lazygrad.codegen.nest import Place, Sum
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from tests.codegen import kernels as ks

pytest.importorskip("pyopencl")
from lazygrad_opencl.alignment import Multiples
from lazygrad_opencl.render import render

GPU = Target(units=4, lanes=4, is_gpu=True, max_group=64, local_memory=1 << 15)


def test_multiples_go_through_integers_and_pointers() -> None:
    known = Multiples()
    known.integer(nest.Int("i0", Sum((("row", 24), ("column", 4)))))
    known.pointer(nest.Pointer("p0", Place(0, "", Sum((("i0", 3),), 8))))
    known.pointer(nest.Pointer("p1", Place(0, "", Sum((("i0", 1),), 2))))
    assert known.is_aligned(Place(0, "", Sum()), 16)
    assert known.is_aligned(Place(0, "", Sum((("i0", 1),), 4)), 4)
    assert not known.is_aligned(Place(0, "", Sum((("i0", 1),), 4)), 8)
    assert not known.is_aligned(Place(0, "", Sum((("unknown", 1),))), 2)
    assert known.is_aligned(Place(0, "p0", Sum((("k", 16),))), 4)
    assert not known.is_aligned(Place(0, "p1", Sum((("k", 16),))), 4)
    assert known.is_aligned(Place(0, "p1", Sum((("k", 16),))), 2)
    assert not known.is_aligned(Place(0, "nobody", Sum()), 2)
    known.loop(nest.Loop("i1", Sum((), 32), Sum((), 64), (), step=8))
    known.loop(nest.Loop("i2", Sum((("row", 6),)), Sum((("row", 6),), 6), ()))
    assert known.is_aligned(Place(0, "", Sum((("i1", 1),), 16)), 8)
    assert not known.is_aligned(Place(0, "", Sum((("i1", 1),), 4)), 8)
    assert not known.is_aligned(Place(0, "", Sum((("i2", 1),))), 2)


def accesses(kernel: Kernel, *, aligned: bool = True) -> set[str]:
    made = loop_nest(kernel, GPU)
    assert made is not None
    return set(re.findall(r"\b((?:LOAD|STORE)\w*)_float4\(", render(made, "kernel", aligned)))


@pytest.mark.parametrize(
    ("kernel", "found"),
    [
        (ks.chain(6, 24), {"LOAD_ALIGNED", "STORE_ALIGNED"}),
        (ks.chain(6, 25), {"LOAD", "STORE", "LOAD_ALIGNED"}),  # the scale of a column is aligned
        (ks.matmul(32, 64, 32), {"STORE_ALIGNED"}),
        (ks.matmul(9, 64, 4), {"LOAD_ALIGNED", "STORE_ALIGNED"}),
    ],
    ids=["even rows", "odd rows", "blocks", "tiles"],
)
def test_vectors_of_kernels(kernel: Kernel, found: set[str]) -> None:
    assert accesses(kernel) == found
    assert not any("ALIGNED" in macro for macro in accesses(kernel, aligned=False))
