"""Texts of several programs in one: each is what it is by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

from lazygrad import Tensor
from lazygrad.errors import DeviceError
from lazygrad.inspect import kernels
from lazygrad.inspect.alone import recipe_of
from lazygrad.runtime import registry, steps
from lazygrad.runtime.backend import Code, Program

pytest.importorskip("pyopencl")
from lazygrad_opencl import OpenCLBackend
from lazygrad_opencl.joined import DECLARED
from lazygrad_opencl.prelude import Dialect, prelude

pytestmark = pytest.mark.gpu
# Kernels of one name and the same memory, and what they make of 0 to 7.
ADDED = {
    "twice": (lambda x: x + x, [2 * i for i in range(8)]),
    "reversed": (lambda x: x + x.flip(0), [7] * 8),
    "again": (lambda x: x + x + x.flip(0), [7 + i for i in range(8)]),
}


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The texts of each program that is compiled."""
    found: list[Sequence[str]] = []
    load = OpenCLBackend.load_texts

    def load_texts(
        self: OpenCLBackend, codes: Sequence[Code], texts: Sequence[str]
    ) -> list[Program]:
        found.append(texts)
        return load(self, codes, texts)

    monkeypatch.setattr(OpenCLBackend, "load_texts", load_texts)
    return found


def programs() -> list[tuple[Sequence[Code], list[str]]]:
    backend = registry.backend("GPU")
    if not backend._dialect.calls:
        pytest.skip("where programs cost little, each is one")
    x = Tensor(np.arange(8, dtype=np.float32), device="GPU").realize()
    found = []
    for make, _ in ADDED.values():
        (kernel,) = kernels(make(x))
        codes = recipe_of(kernel, backend).codes
        found.append((codes, steps.texts_of(codes, backend)))
    return found


def result(program: Program) -> list[float]:
    """What it makes of 0 to 7."""
    backend = registry.backend("GPU")
    memory = [backend.allocate(32), backend.allocate(32)]
    found = np.zeros(8, np.float32)
    backend.upload(memory[0], found)
    backend.upload(memory[1], np.arange(8, dtype=np.float32))
    program.bind(memory)()
    backend.download(memory[0], found)
    return found.tolist()


def test_texts_with_the_same_names_are_one_program(loaded: list[Sequence[str]]) -> None:
    several = programs()
    assert len({code.data.name for codes, _ in several for code in codes}) == 1
    loaded.clear()
    found = registry.backend("GPU").load_apart(several)
    assert [len(texts) for texts in loaded] == [1]
    for (program,), (_, expected) in zip(found, ADDED.values(), strict=True):
        assert len(program.code.memory) == 2
        assert result(program) == expected


def test_all_functions_of_preludes_are_numbered() -> None:
    used = "FROM_float16_1( TO_bfloat16_8( FMOD_double4( SIN_float4( AWAIT( TAKE_IN( COPY( NONE( "
    text = prelude(used + "FUNCTION void EXP_float16( TANH_float8(", Dialect(workers=2))
    text += prelude("EXP_float16( TANH_float8( SIN_float8(", Dialect(functions=True))
    defined = set(re.findall(r"^(?![#/])[^\n;]*?\b(\w+)\([^;\n]*\) \{", text, re.MULTILINE))
    expected = {"ROUND_float16_1", "TO_bfloat16_8", "FMOD_double4", "take", "NONE", "TANH_float8"}
    assert defined >= expected
    assert defined <= {a or b for a, b in DECLARED.findall(text)}


def test_macros_end_with_their_text() -> None:
    first, (codes, (text,)), _ = programs()
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#define"))
    assert bare != text
    with pytest.raises(DeviceError, match="does not compile"):
        registry.backend("GPU").load_apart([first, (codes, [bare])])


def test_kernels_between_routines_are_one_program(loaded: list[Sequence[str]]) -> None:
    programs()  # skips where they are not
    a = np.float32([[4, 2], [2, 3]])
    x = Tensor(a, device="GPU")
    loaded.clear()
    found = (x + 1).cholesky()
    found = (found @ found.mT).inverse() * 2
    np.testing.assert_allclose(found.numpy(), 2 * np.linalg.inv(a + 1), rtol=1e-5)
    assert [len(texts) for texts in loaded] == [1]
    assert loaded[0][0].count("\n__kernel") > 2  # an entry point of each text, and that of all
