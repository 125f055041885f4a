"""Kernels written by hand, run on the NumPy backend and compared with the oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range, of as index_of
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output
from lazygrad.kernel.verify import verify_kernel
from lazygrad.runtime.backend import Program
from lazygrad_numpy import NumpyBackend
from tests.numpy_backend.oracle import decoded, expected, to_bfloat16

Array = np.ndarray[Any, Any]
BACKEND = NumpyBackend()
TOLERANCE = {  # relative to the largest value; integers and bool must be equal
    dt.float16: 2e-3, dt.bfloat16: 1.6e-2, dt.float32: 3e-6, dt.float64: 1e-13,
}  # fmt: skip


def flat(ranges: Sequence[Range], sizes: Sequence[int] | None = None) -> Index:
    """The row-major index of a point of ``ranges`` (in memory of ``sizes``)."""
    sizes = [r.size for r in ranges] if sizes is None else sizes
    total, step = Index(), 1
    for r, size in zip(reversed(ranges), reversed(sizes), strict=True):
        total = total + index_of(r) * step
        step *= size
    return total


def ranges(**sizes: int) -> list[Range]:
    """``n, c = ranges(n=2, c=3)``"""
    return [Range(name, size) for name, size in sizes.items()]


def op(which: Any, *src: Expr | float, dtype: dt.DType | None = None) -> Expr:
    """An elementwise expression; numbers become literals of the others' dtype."""
    known = next(s.dtype for s in reversed(src) if isinstance(s, Expr))
    values = tuple(s if isinstance(s, Expr) else ex.literal(s, known) for s in src)
    result = dt.bool_ if which in (ops.LT, ops.NE) else known
    return ex.elementwise(which, values, dtype or result)


def reduce_sum(value: Expr, *over: Range) -> Expr:
    return ex.reduce(ops.SUM, value, over)


def reduce_max(value: Expr, *over: Range) -> Expr:
    return ex.reduce(ops.REDUCE_MAX, value, over)


def kernel(
    name: str,
    shared: Sequence[Range],
    outputs: Sequence[tuple[Index, Expr, Sequence[Range]]],
    inputs: Mapping[int, int],
) -> Kernel:
    """``outputs``: (index, value, further ranges); ``inputs``: the size of each slot read, of
    float32 where nothing is left of its loads."""
    made = []
    for slot, (index, value, further) in enumerate(outputs):
        made.append(Output(slot, index, value, (*shared, *further)))
    dtypes = {e.arg.slot: e.dtype for e in ex.toposort(o.value for o in made) if e.op is ex.LOAD}
    buffers = []
    for output in made:
        size = int(np.prod([r.size for r in output.ranges]))
        buffers.append(BufferSpec(output.value.dtype, size))
    for slot in sorted(inputs):
        buffers.append(BufferSpec(dtypes.get(slot, dt.float32), inputs[slot]))
    return Kernel(name, tuple(shared), tuple(made), tuple(buffers))


def random_array(spec: BufferSpec, rng: np.random.Generator) -> Array:
    """Normally distributed floats, small integers."""
    if spec.dtype is dt.bfloat16:
        return to_bfloat16(rng.standard_normal(spec.size))
    if spec.dtype.kind == dt.FLOAT:
        return rng.standard_normal(spec.size).astype(spec.dtype.numpy)
    if spec.dtype is dt.bool_:
        return rng.integers(0, 2, spec.size).astype(bool)
    low = -100 if spec.dtype.is_signed else 0
    return rng.integers(low, 100, spec.size).astype(spec.dtype.numpy)


def memory_of(array: Array) -> Any:
    memory = BACKEND.allocate(max(array.nbytes, 1))
    BACKEND.upload(memory, array)
    return memory


def launch(
    made: Kernel,
    program: Program,
    inputs: Mapping[int, Array],
    alias: Mapping[int, int] | None = None,
) -> list[Array]:
    """The stored outputs. ``alias``: outputs that get the memory of an input."""
    specs = made.buffers
    written = [output.slot for output in made.outputs]
    memory: list[Any] = [None] * len(specs)
    for slot, array in inputs.items():
        memory[slot] = memory_of(array)
    for slot in written:
        if alias and slot in alias:
            memory[slot] = memory[alias[slot]]
        else:
            memory[slot] = BACKEND.allocate(max(specs[slot].nbytes, 1))
            memory[slot][:] = 0xA5
    program.launch(memory)
    results = []
    for slot in written:
        result = np.empty(specs[slot].size, specs[slot].dtype.numpy)
        BACKEND.download(memory[slot], result)
        results.append(result)
    return results


def check(
    made: Kernel,
    inputs: Mapping[int, Array] | None = None,
    *,
    alias: Mapping[int, int] | None = None,
    tolerance: float | None = None,
    seed: int = 0,
) -> Program:
    """Compiles ``made``, runs it twice on (random) inputs, and compares with the oracle."""
    verify_kernel(made)
    rng = np.random.default_rng(seed)
    slots = range(len(made.outputs), len(made.buffers))
    given = dict(inputs or {})
    for slot in slots:
        given.setdefault(slot, random_array(made.buffers[slot], rng))
    (program,) = BACKEND.compile([made])
    wanted = expected(made, given)
    for _ in range(2):  # the second launch finds scratch memory used
        for output, result in zip(made.outputs, launch(made, program, given, alias), strict=True):
            _compare(program, output, result, wanted[output.slot], tolerance)
    return program


def _compare(
    program: Program, output: Output, result: Array, wanted: Array, tolerance: float | None
) -> None:
    dtype = output.value.dtype
    got = decoded(result, dtype)
    context = f"{program.code.parts[0].name} output {output.slot}\n{program.source}"
    if dtype.kind != dt.FLOAT:
        np.testing.assert_array_equal(got, wanted.astype(got.dtype), err_msg=context)
        return
    limit = TOLERANCE[dtype] if tolerance is None else tolerance
    finite = np.isfinite(wanted)
    scale = max(1e-30, float(np.abs(wanted[finite]).max(initial=0.0)))
    np.testing.assert_allclose(got, wanted, rtol=limit, atol=limit * scale, err_msg=context)


def load(slot: int, index: Index, dtype: dt.DType = dt.float32, guard: Any = ()) -> Expr:
    return ex.load(slot, index, dtype, tuple(guard))


Maker = Callable[[], Kernel]
