"""Kernels that collect by index, as NumPy code for one thread and for two."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor, element_types as dt, ops
from lazygrad.nn.functional import adaptive_avg_pool1d
from lazygrad.plugin import Call
from lazygrad_numpy import NumpyBackend, collect
from lazygrad_numpy.blas import BlasThreads
from lazygrad_numpy.collect import FEW, WIDE_ROW
from lazygrad_numpy.generate import generate
from lazygrad_numpy.program import NumpyProgram, code_of
from lazygrad_numpy.team import Team
from tests.codegen import compare, kernels as ks
from tests.codegen.kernels import Array, Build, Kernel

LARGE: dict[str, Build] = {  # enough for threads to share
    "rows": lambda: ks.collect(ops.ADD, (1, 9000, 128), 40),
    "many rows": lambda: ks.collect(ops.ADD, (1, 9000, 128), 400),  # more than at once
    "last": lambda: ks.collect(None, (1, 9000, 128), 40),
    "batches": lambda: ks.collect(ops.ADD, (300, 8, 500), 40),
    "elements": lambda: ks.collect(ops.MAX, (300, 8, 500), 40, each=True),
    "odd": lambda: ks.collect(ops.ADD, (1, 9001, 120), 40, dtype=dt.float64),
}
CASES = {name: build for name, build in ks.CASES.items() if name.startswith("collect")} | LARGE


def run(kernel: Kernel, inputs: list[Array], units: int) -> tuple[NumpyProgram, Array]:
    backend, slots = NumpyBackend(), tuple(range(len(kernel.buffers)))
    code = code_of(0, Call(kernel, slots), generate(kernel, units), units)
    program = NumpyProgram(code, Team(units), BlasThreads())
    memory = [backend.allocate(spec.nbytes) for spec in kernel.buffers]
    memory[0][:] = 0xAB  # what was there must not be seen
    for piece, array in zip(memory[1:], inputs, strict=True):
        backend.upload(piece, array)
    program.launch(memory)
    out = np.empty(kernel.buffers[0].size, kernel.buffers[0].dtype.numpy)
    backend.download(memory[0], out)
    return program, out


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_values(name: str, units: int) -> None:
    kernel = CASES[name]()
    inputs = ks.inputs_of(kernel)
    compare.check(kernel, inputs, [run(kernel, inputs, units)[1]])


@pytest.mark.parametrize("name", LARGE)
def test_threads_share_the_places(name: str) -> None:
    """And come to the same bits as one."""
    kernel = LARGE[name]()
    inputs = ks.inputs_of(kernel)
    found = [run(kernel, inputs, units) for units in (1, 2, 2)]
    assert "team.blocks()" in found[1][0].source
    for _, out in found[1:]:
        np.testing.assert_array_equal(out, found[0][1])


@pytest.mark.parametrize("combine", [ops.ADD, ops.MAX, ops.MUL, None])
def test_many_rows_that_meet(combine: ops.Op | None) -> None:
    """More than are added up in turns, beside some that are alone."""
    kernel = ks.collect(combine, (1, 50, 16), 10 * FEW)
    places = np.arange(10 * FEW)
    places[FEW : 4 * FEW] = 7
    values = np.random.default_rng(0).standard_normal(kernel.buffers[2].size).astype(np.float32)
    compare.check(kernel, [places, values], [run(kernel, [places, values], 1)[1]])


@pytest.mark.parametrize("step", [np.add, np.maximum, np.multiply, None])
def test_rows_of_all_numbers(step: np.ufunc | None) -> None:
    """Places that none, one, and any other number of rows go to, some of them outside."""
    counts = np.arange(FEW + 3)
    at = np.random.default_rng(0).permutation(np.repeat(counts - 1, counts))
    values = np.random.default_rng(1).choice(np.float32([-1, 1]), (at.size, 1, WIDE_ROW))
    found = np.ones((1, FEW + 1, WIDE_ROW), np.float32)
    wanted = found.copy()
    collect.collect(step, found, at.reshape(-1, 1, 1), values, 0, 1, [(0, at.size)])
    for row, place in enumerate(at):
        if 0 <= place <= FEW:
            value = values[row]
            wanted[:, place] = value if step is None else step(wanted[:, place], value)
    np.testing.assert_array_equal(found, wanted)


def test_what_is_collected_need_not_be_loaded_along_each_range() -> None:
    """Places and shares of windows of different sizes are computed from their numbers."""
    x = Tensor(np.zeros((1, 1, 10), np.float32), device="CPU", requires_grad=True)
    adaptive_avg_pool1d(x, 3).sum().backward()
    assert x.grad is not None
    share = np.array([1, 1, 1, 2, 1, 1, 2, 1, 1, 1]) / 4
    np.testing.assert_allclose(x.grad.numpy(), share.reshape(1, 1, -1), rtol=1e-6)
