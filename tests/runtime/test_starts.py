"""Launches that are told where memory starts, on every backend, and on OpenCL in every form that
kernels have there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from lazygrad.kernel.target import Target
from lazygrad.runtime import registry
from lazygrad.runtime.backend import Backend, Call
from tests.codegen import kernels as ks

ROWS, COLUMNS = 3, 512


def on_numpy() -> Backend:
    return registry.backend("CPU")


def on_opencl(**dialect: bool) -> Backend:
    from lazygrad_opencl.backend import OpenCLBackend
    from lazygrad_opencl.prelude import Dialect

    made = OpenCLBackend()
    made._dialect = Dialect(**dialect)
    if not dialect:
        made.target = Target(units=2, lanes=4, is_gpu=True, max_group=64)
    return made


def on_opencl_as_it_is() -> Backend:
    return registry.backend("GPU")


BACKENDS = [
    on_numpy,
    *[
        pytest.param(make, marks=pytest.mark.gpu)
        for make in (
            on_opencl_as_it_is,
            on_opencl,
            partial(on_opencl, calls=True),
            partial(on_opencl, packed=True),
        )
    ],
]


@pytest.mark.parametrize("make", BACKENDS)
def test_buffers_start_where_the_launch_says(make: Callable[[], Backend]) -> None:
    """Of two kernels in turn: sums of rows, and what they are times two, in one memory each."""
    pytest.importorskip("pyopencl" if make is not on_numpy else "numpy")
    backend = make()
    sums = ks.sum_rows(ROWS, COLUMNS)
    values = np.random.default_rng(0).integers(0, 9, (4, ROWS, COLUMNS)).astype(np.float32)
    calls = [Call(sums, (1, 0), (True, True)), Call(sums, (2, 0), (False, True))]
    programs = backend.load(backend.generate(calls))
    given, moved, fixed = (backend.allocate(size) for size in (values.nbytes, 4 * 64, 4 * 64))
    backend.upload(given, values)
    backend.upload(moved, np.full(64, -1, np.float32))
    memory = [given, moved, fixed]
    with backend.running():
        for step in (3, 1):  # an odd place: no vector starts there
            starts = {0: step * values[0].nbytes, 1: 4 * (5 * step), 2: 0}
            for program in programs:
                numbers = program.code.memory
                program.bind([memory[n] for n in numbers], [starts[n] for n in numbers])()
    found, last = np.empty(64, np.float32), np.empty(ROWS, np.float32)
    backend.download(moved, found)
    backend.download(fixed, last)
    expected = np.full(64, -1, np.float32)
    for step in (3, 1):
        expected[5 * step : 5 * step + ROWS] = values[step].sum(1)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(last, values[1].sum(1))
