"""Hand-written kernels on an OpenCL device, all of a target's in one program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import numpy as np
import pytest

from lazygrad import element_types as dt
from lazygrad.codegen import choose
from lazygrad.codegen.choose import loop_nest
from lazygrad.codegen.interpret import interpret
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from lazygrad.runtime.backend import Program
from tests.codegen.compare import check
from tests.codegen.kernels import BLOCKS, CASES, SPELLED, Array, Build, copy_as, inputs_of, rounded
from tests.devices import shared

pytest.importorskip("pyopencl")
from lazygrad_opencl import OpenCLBackend
from lazygrad_opencl.prelude import Dialect

pytestmark = pytest.mark.gpu

GPU = Target(units=4, lanes=4, is_gpu=True, max_group=64)
LOCAL = Target(units=4, lanes=4, is_gpu=True, max_group=128, local_memory=1 << 15)
TARGETS = {"device": None, "wide": None, "gpu": GPU, "local memory": LOCAL}
SPELLING = ("device", "gpu")  # the others spell operations and dtypes as one of these does


def _needs_local_memory(kernel: Kernel) -> bool:
    return loop_nest(kernel, GPU) != loop_nest(kernel, LOCAL)


class Compiled:
    """The cases compiled for one target."""

    def __init__(self, target: Target | None, cases: Mapping[str, Build]) -> None:
        self.backend = OpenCLBackend()
        if target is not None:
            self.backend.target = target
            self.backend._dialect = Dialect()  # nor is it spelled for CPUs
        self.kernels: dict[str, Kernel] = {name: build() for name, build in cases.items()}
        if target is LOCAL:
            self.kernels = {n: k for n, k in self.kernels.items() if _needs_local_memory(k)}
        programs = self.backend.compile(list(self.kernels.values()))
        self.programs: dict[int, Program] = {p.code.calls[0]: p for p in programs}

    def run(self, name: str) -> None:
        if name not in self.kernels:
            return  # computed for "gpu"
        kernel = self.kernels[name]
        inputs = inputs_of(kernel)
        program = self.programs.get(list(self.kernels).index(name))  # None: it has no elements
        check(kernel, inputs, self.launch(kernel, inputs, program))

    def compute(self, kernel: Kernel, inputs: Sequence[Array]) -> list[Array]:
        """Of a kernel that is compiled alone."""
        (program,) = self.backend.compile([kernel])
        return self.launch(kernel, inputs, program)

    def launch(
        self, kernel: Kernel, inputs: Sequence[Array], program: Program | None
    ) -> list[Array]:
        memory = [self.backend.allocate(max(spec.nbytes, 1)) for spec in kernel.buffers]
        for place, array in zip(memory[len(kernel.written) :], inputs, strict=True):
            self.backend.upload(place, array)
        if program is not None:
            program.launch(memory)
        found: list[Array] = []
        for slot in kernel.written:
            spec = kernel.buffers[slot]
            found.append(np.empty(spec.size, spec.dtype.numpy))
            self.backend.download(memory[slot], found[-1])
        return found


def cases_of(target: str) -> dict[str, Build]:
    needless = (
        set[str]() if target in SPELLING else {*SPELLED, *(BLOCKS if target == "wide" else ())}
    )
    return {name: build for name, build in CASES.items() if name not in needless}


def on_each(choices: Mapping[str, Iterable[object]]) -> list[object]:
    """Parameters: a target, and each of its choices."""
    return [
        pytest.param(target, choice, id=shared(str(choice), target))
        for target, several in choices.items()
        for choice in several
    ]


@cache
def compiled(target: str) -> Compiled:
    with pytest.MonkeyPatch.context() as patch:
        if target == "wide":  # as if every buffer were too large for 32-bit indices
            patch.setattr(choose, "INT_LIMIT", 0)
        return Compiled(TARGETS[target], cases_of(target))


@pytest.mark.parametrize(("target", "name"), on_each({t: cases_of(t) for t in TARGETS}))
def test_device_computes_the_kernel(target: str, name: str) -> None:
    compiled(target).run(name)


@pytest.mark.parametrize(
    ("target", "half"), on_each({t: [dt.float16, dt.bfloat16] for t in SPELLING})
)
def test_every_half_converts_exactly(target: str, half: dt.DType) -> None:
    """All bit patterns there, and back from floats between and beyond them: stored, and rounded
    without being stored."""
    bits = np.arange(1 << 16, dtype=np.uint16).view(half.numpy)
    wide = copy_as(half, dt.float32, bits.size)
    (singles,) = compiled(target).compute(wide, [bits])
    np.testing.assert_array_equal(singles, *interpret(wide, [bits]))
    with np.errstate(all="ignore"):
        scales = np.float32([1, 1 + 2**-11, 1 + 3 * 2**-12, 1 + 2**-8, 1 + 3 * 2**-9, 2**-3])
        between = (singles * scales[:, None]).ravel()
    narrow = rounded(half, between.size)
    found, expected = compiled(target).compute(narrow, [between]), interpret(narrow, [between])
    for own, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(own, right)
