"""Memory, copies, programs as people see them, errors."""

from __future__ import annotations

import traceback

import numpy as np
import pytest

from lazygrad import element_types as dt, ops
from lazygrad.errors import DeviceError
from lazygrad.kernel.index import of as index_of
from lazygrad.kernel.kernel import Kernel
from lazygrad.runtime.backend import Call
from lazygrad_numpy import NumpyBackend, backend
from lazygrad_numpy.arrays import Names
from lazygrad_numpy.code import ALIGNMENT, Line, Region, Scope, place_regions
from lazygrad_numpy.generate import Generated, generated
from tests.numpy_backend.helpers import BACKEND, check, kernel, load, memory_of, op, ranges


def scaled(size: int = 100) -> Kernel:
    (i,) = ranges(i=size)
    value = op(ops.MUL, op(ops.ADD, load(1, index_of(i)), 1.5), 2.0)
    return kernel("scaled", (i,), [(index_of(i), value, ())], {1: size})


def test_memory_is_aligned() -> None:
    for nbytes in (1, 100, 100_000):
        memory = BACKEND.allocate(nbytes)
        assert memory.size >= nbytes
        assert memory.ctypes.data % ALIGNMENT == 0


@pytest.mark.parametrize("nbytes", [1 << 60, 1 << 66])
def test_out_of_memory_names_the_size(nbytes: int) -> None:
    with pytest.raises(DeviceError, match=rf"\[allocate\] no memory for {nbytes} bytes"):
        BACKEND.allocate(nbytes)


@pytest.mark.parametrize("dtype", dt.ALL, ids=lambda d: d.name)
def test_copies_to_memory_and_back(dtype: dt.DType) -> None:
    array = np.arange(30).reshape(5, 6).astype(dtype.numpy)
    memory = BACKEND.allocate(1000)
    BACKEND.upload(memory, array)
    found = np.empty_like(array)
    BACKEND.download(memory, found)
    np.testing.assert_array_equal(found, array)
    array[:] = 0  # the copy was the backend's own
    again = np.empty_like(array)
    BACKEND.download(memory, again)
    np.testing.assert_array_equal(again, found)


def test_empty_and_zero_dimensional_copies() -> None:
    memory = BACKEND.allocate(8)
    BACKEND.upload(memory, np.empty((0, 3), np.float32))
    BACKEND.upload(memory, np.array(2.5))
    found = np.empty(())
    BACKEND.download(memory, found)
    assert found == 2.5


def test_target_says_what_the_device_is() -> None:
    target = NumpyBackend().target
    assert target.blas and not target.is_gpu and target.units >= 1


def test_source_can_be_read() -> None:
    program = check(scaled())
    assert program.source == (
        "# scaled\n"
        "# axes of arrays, 1 where one does not vary: i = 100\n"
        "\n\n"
        "def prepare(scratch):\n"
        "    sum_0 = scratch((100,), float32, 0)\n"
        "\n"
        "    def bind(out0_bytes, in1_bytes):\n"
        "        in1 = ndarray((100,), float32, in1_bytes)\n"
        "        out0 = ndarray((100,), float32, out0_bytes)\n"
        "\n"
        "        def run():\n"
        "            add(in1, c1_5, out=sum_0)\n"
        "            multiply(sum_0, c2, out=out0)\n"
        "\n"
        "        return run\n"
        "\n"
        "    return bind\n"
    )
    assert BACKEND.describe(scaled()) == "i: 100\nout0[i] = mul(add(in1[i], 1.5), 2.0)  # 100 times"


def test_equal_numbers_of_other_dtypes_have_other_names() -> None:
    names = Names((), {})
    numbers = (1, np.int32), (1, np.float32), (1.2, np.float32), (1, np.int64), (-1, np.int32)
    found = [names.constant(value, np.dtype(of)).label for value, of in numbers]
    assert found == ["c1", "c1_float32", "c1_2", "c1_int64", "cm1"]
    nans = np.array([0x7FC00000, 0x7FC00001, 0x7FC00002], np.uint32).view(np.float32)
    found = [names.constant(nan, np.dtype(np.float32)).label for nan in nans]
    assert found == ["cnan", "cnan_float32", "cnan_float32_too"]
    assert len(names.constants) == 8


def test_tracebacks_show_generated_lines() -> None:
    (program,) = BACKEND.compile([scaled()])
    with pytest.raises(TypeError) as caught:
        program.launch([memory_of(np.zeros(50, np.float32))] * 2)
    shown = "".join(traceback.format_exception(caught.value))
    assert "in1 = ndarray((100,), float32, in1_bytes)" in shown


def test_timed_launch_computes_too() -> None:
    (program,) = BACKEND.compile([scaled()])
    memory = [BACKEND.allocate(400), memory_of(np.ones(100, np.float32))]
    (seconds,) = program.launch_timed(memory)
    assert seconds > 0
    found = np.empty(100, np.float32)
    BACKEND.download(memory[0], found)
    np.testing.assert_array_equal(found, 5.0)


def test_a_chain_of_a_thousand_ops_compiles() -> None:
    """No recursion over expressions."""
    (i,) = ranges(i=10)
    value = load(1, index_of(i))
    for _ in range(3000):
        value = op(ops.ADD, value, 0.125)
    made = kernel("deep", (i,), [(index_of(i), value, ())], {1: 10})
    program = check(made)
    assert program.code.geometry == "64 bytes of scratch"


def test_regions_that_live_together_do_not_overlap() -> None:
    body = Scope()
    a, b, c = Region(100), Region(200), Region(50)
    body.items = [Line("", (a,)), Line("", (a, b)), Line("", (b, c))]
    assert place_regions(body) == 128 + 256
    assert (a.offset, b.offset, c.offset) == (0, 128, 0)


def test_equal_kernels_are_generated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Kernel] = []

    def counted(one: Kernel, *how: float) -> Generated:
        made.append(one)
        return generated(one, *how)

    monkeypatch.setattr(backend, "generated", counted)
    steps = [(scaled(), (1, 0)), (scaled(), (2, 1)), (scaled(50), (4, 3)), (scaled(), (5, 2))]
    codes = BACKEND.generate([Call(*step) for step in steps])
    assert made == [scaled(), scaled(50)]
    assert [code.memory for code in codes] == [memory for _, memory in steps]
    assert [code.calls for code in codes] == [(0,), (1,), (2,), (3,)]
