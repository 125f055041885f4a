"""Kernels without their starts: equal where they differ in those only, and the same results."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lazygrad import Tensor, config, element_types as dt, nn, no_grad, ops
from lazygrad.codegen.interpret import interpret
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound
from lazygrad.kernel.index import DataAtom, Index, Range
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output
from lazygrad.kernel.starts import MULTIPLE, without_starts
from lazygrad.runtime import registry
from lazygrad.runtime.backend import Backend, Call
from tests.codegen import kernels as ks

ROW, COLUMN = Range("i", 6), Range("j", 8)


def slice_of(start: int, size: int = 400, guard: tuple[Bound, ...] = ()) -> Kernel:
    """Rows of 8 out of 20, from an element on."""
    value = ex.load(1, ks.at((ROW, 20), (COLUMN, 1), start), dt.float32, guard)
    output = Output(0, ks.at((ROW, 8), (COLUMN, 1)), ks.relu(value), (ROW, COLUMN))
    return Kernel(
        "slice",
        (ROW, COLUMN),
        (output,),
        (BufferSpec(dt.float32, 48), BufferSpec(dt.float32, size)),
    )


def test_slices_are_one_kernel() -> None:
    found = [without_starts(slice_of(start)) for start in (0, 8, 40, 280)]
    assert len({kernel for kernel, _ in found}) == 1
    assert [starts for _, starts in found] == [(0, 0), (0, 8), (0, 40), (0, 280)]
    kernel, _ = found[1]
    assert kernel.buffers[1].size == 5 * 20 + 8


@pytest.mark.parametrize("start", [1, 2, 3, 5, 9, 291])
def test_what_is_aligned_stays_known(start: int) -> None:
    kernel, (_, begins) = without_starts(slice_of(start))
    assert begins == start - start % MULTIPLE
    whole = np.arange(400, dtype=np.float32)
    (wanted,) = interpret(slice_of(start), [whole])
    (found,) = interpret(kernel, [whole[begins:]])
    np.testing.assert_array_equal(found, wanted)


def test_what_begins_before_its_memory_stays() -> None:
    guard = (Bound(ks.at((COLUMN, 1), -2), 0, 8),)
    kernel = slice_of(-2, guard=guard)
    found, starts = without_starts(kernel)
    assert (found.outputs, starts) == (kernel.outputs, (0, 0))


def test_the_first_of_several_loads_counts() -> None:
    loads = [ex.load(1, ks.at((ROW, 20), (COLUMN, 1), start), dt.float32) for start in (48, 20)]
    output = Output(0, ks.at((ROW, 8), (COLUMN, 1)), ks.do(ops.ADD, *loads), (ROW, COLUMN))
    kernel = Kernel("two", (ROW, COLUMN), (output,), slice_of(0).buffers)
    found, starts = without_starts(kernel)
    assert starts == (0, 20)
    assert found.buffers[1].size == 28 + 5 * 20 + 8


def test_what_says_where_to_read_stays() -> None:
    kernel = ks.gather(12, 8, 6)
    found, starts = without_starts(kernel)
    assert (found.outputs, starts) == (kernel.outputs, (0, 0, 0))
    assert found.buffers[1] == kernel.buffers[1]


def test_what_is_a_value_and_says_where_to_read_stays() -> None:
    """The same element twice: once as it is, once as the index of a table."""
    label = ex.load(1, ks.at((ROW, 20), 40), dt.int64)
    index = Index([(DataAtom(label, (0, 9)), 1)])
    table = ex.load(2, index + 8, dt.float32, (Bound(index, 0, 10),))
    value = ks.do(ops.MUL, table, ex.elementwise(ops.CAST, (label,), dt.float32))
    output = Output(0, ks.at((ROW, 1)), value, (ROW,))
    sizes = BufferSpec(dt.float32, 6), BufferSpec(dt.int64, 400), BufferSpec(dt.float32, 90)
    kernel = Kernel("twice", (ROW,), (output,), sizes)
    found, starts = without_starts(kernel)
    assert starts == (0, 0, 8)
    assert found.buffers == (sizes[0], sizes[1], BufferSpec(dt.float32, 10))
    labels, tables = np.arange(400) // 40 % 10, np.linspace(0, 1, 90, dtype=np.float32)
    (wanted,) = interpret(kernel, [labels, tables])
    (computed,) = interpret(found, [labels, tables[8:]])
    np.testing.assert_array_equal(computed, wanted)


def test_every_backend_adds_the_starts(device: str) -> None:
    backend: Backend = registry.backend(device)
    calls = [Call(slice_of(start), (place, 3)) for place, start in enumerate((8, 40, 280))]
    codes = backend.generate(calls)
    memory = [backend.allocate(48 * 4) for _ in calls] + [backend.allocate(400 * 4)]
    whole = np.linspace(-1, 1, 400, dtype=np.float32)
    backend.upload(memory[3], whole)
    with backend.running():
        for program in backend.load(codes):
            program.launch([memory[number] for number in program.code.memory])
    for place, call in enumerate(calls):
        found = np.zeros(48, np.float32)
        backend.download(memory[place], found)
        (wanted,) = interpret(call.kernel, [whole])
        np.testing.assert_array_equal(found, wanted)


def test_the_steps_of_an_unrolled_loop_share_their_kernels(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they are."""
    seen: list[Kernel] = []
    real = registry.backend(device).generate
    monkeypatch.setattr(
        registry.backend(device), "generate",
        lambda calls, pieces: (seen.extend(call.kernel for call in calls), real(calls, pieces))[1],
    )  # fmt: skip
    counts = []
    for steps in (24, 48):
        inward, across = nn.Linear(8, 16).to(device), nn.Linear(16, 16).to(device)
        x = Tensor(np.ones((4, steps, 8), np.float32), device=device).realize()
        state = Tensor(np.zeros((4, 16), np.float32), device=device)
        (inward(x[:, 0]) + across(state)).realize()  # makes the weights
        seen.clear()
        with config(cache=False), no_grad():
            for t in range(steps):
                state = (inward(x[:, t]) + across(state)).tanh()
            state.realize()
        counts.append(len(Counter(without_starts(kernel)[0] for kernel in seen)))
    assert counts[0] == counts[1]
