"""Vectors whose lanes lie apart: the same by macros and by functions, and functions where many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, element_types as dt
from lazygrad.codegen import nest
from lazygrad.nn.functional import local_response_norm
from lazygrad.runtime import registry

pytest.importorskip("pyopencl")
from lazygrad_opencl import strided
from lazygrad_opencl.driver import cl
from lazygrad_opencl.prelude import Dialect, prelude
from lazygrad_opencl.program import build_declared

pytestmark = pytest.mark.gpu

AT = np.array([5, 0, 7, 7, 30, 2, 1, 11, 3, 3, 9, 8, 20, 21, 6, 31], np.int32)
OK = np.array([-1, 0, 0, -1, -1, -1, 0, -1, 0, 0, -1, -1, 0, -1, 0, -1], np.int32)
KINDS = [("float", np.float32), ("double", np.float64), ("uchar", np.uint8), ("ushort", np.uint16)]


def run(lines: str, kind: str, lanes: int, memory: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What a kernel does to ``memory`` by ``lines``, which know the vectors ``at`` and ``ok``."""
    backend: Any = registry.backend("GPU")
    listed = [", ".join(map(str, values[:lanes])) for values in (AT, OK)]
    body = (
        f"__kernel void run(__global {kind} *m) {{\n"
        f"  const int{lanes} at = (int{lanes})({listed[0]}), ok = (int{lanes})({listed[1]});\n"
        f"  {lines}\n}}"
    )
    source = f"{prelude(body, Dialect(packed=True))}\n{body}"
    built = build_declared(backend.context, backend.device, source, [])
    found = np.ascontiguousarray(memory)
    there = backend.allocate(found.nbytes)
    backend.upload(there, found)
    cl.Kernel(built, "run")(backend.queue, (1,), None, there)
    backend.download(there, found)
    return found


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize("lanes", [2, 16])
@pytest.mark.parametrize(("kind", "of"), KINDS)
def test_gathers(kind: str, of: type, lanes: int, called: bool) -> None:
    vector, memory = f"{kind}{lanes}", np.arange(1, 161).astype(of)
    at, ok, steps = AT[:lanes], OK[:lanes] != 0, np.arange(lanes) * 3
    cases = [
        (3, "", memory[steps]),
        ("at", "", memory[at]),
        (3, "ok", np.where(ok, memory[steps], 0)),
        ("at", "ok", np.where(ok, memory[at], 0)),
    ]
    lines = []
    for number, (apart, test, _) in enumerate(cases):
        text = strided.gathered(vector, "m", apart, test, called)
        assert called == text.startswith(strided.CALLED)
        to = memory.size + number * lanes
        lines.append(f"{{ const {vector} x = {text}; STORE_{vector}(x, m + {to}); }}")
    room = np.zeros(len(cases) * lanes, of)
    found = run("\n  ".join(lines), kind, lanes, np.concatenate([memory, room]))
    np.testing.assert_array_equal(found[: memory.size], memory)
    np.testing.assert_array_equal(
        found[memory.size :], np.concatenate([wanted for *_, wanted in cases])
    )


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize("lanes", [2, 16])
@pytest.mark.parametrize(("kind", "of"), KINDS)
def test_scatters(kind: str, of: type, lanes: int, called: bool) -> None:
    vector, memory = f"{kind}{lanes}", np.arange(1, 161).astype(of)
    apart_at = np.unique(AT)[:lanes]  # no element twice
    for apart, places in [(3, np.arange(lanes) * 3), ("place", np.resize(apart_at, lanes))]:
        listed = ", ".join(map(str, places))
        text = strided.scattered(vector, "x", "m", apart, called)
        lines = f"const int{lanes} place = (int{lanes})({listed}); "
        found = run(
            f"{lines}const {vector} x = LOAD_{vector}(m + 100); {text}", kind, lanes, memory
        )
        wanted = memory.copy()
        wanted[places] = memory[100 : 100 + lanes]
        np.testing.assert_array_equal(found, wanted)


def gather(name: str, lanes: int) -> nest.Gather:
    return nest.Gather(name, dt.float32, lanes, nest.Place(0, "", nest.Sum()), 3)


def store(stride: int) -> nest.Store:
    return nest.Store(
        nest.Place(0, "", nest.Sum()), nest.Value(dt.float32, 16, "x"), dt.float32, 16, stride
    )


def test_functions_are_called_where_a_block_has_many_lanes_apart() -> None:
    most = [gather(f"x{i}", 16) for i in range(strided.INLINE // 16)]
    assert not strided.is_called(most, wide=False)
    assert strided.is_called([*most, gather("one", 2)], wide=False)
    assert strided.is_called([*most, store(9)], wide=False)
    assert not strided.is_called([*most, store(1)], wide=False), "side by side"
    assert not strided.is_called([*most, store(9)], wide=True), "an int is too small"


def test_vectors_of_two_widths_from_one_place() -> None:
    """A wide vector of one shift and the narrow last one of another start at the same element: they
    are two variables."""
    x = np.arange(36, dtype=np.float32).reshape(2, 6, 3) / 10
    padded = np.pad(x**2, ((0, 0), (2, 2), (0, 0)))
    power = sum(padded[:, i : i + 6] for i in range(5)) / 5
    found = local_response_norm(Tensor(x, device="GPU"), 5, 0.5).numpy()
    np.testing.assert_allclose(found, x / (1 + 0.5 * power) ** 0.75, rtol=1e-5)
