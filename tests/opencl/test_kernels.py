"""Hand-written kernels on an OpenCL device, all of a target's in one program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lazygrad import dtype as dt
from lazygrad.codegen import choose
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from lazygrad.runtime.backend import Program
from tests.codegen.compare import check
from tests.codegen.kernels import CASES, copy_as, inputs_of
from tests.devices import on_one_worker

pytest.importorskip("pyopencl")
from lazygrad_opencl import OpenCLBackend
from lazygrad_opencl.prelude import Dialect

pytestmark = pytest.mark.gpu

TARGETS = {
    "device": None,
    "wide": None,
    "gpu": Target(units=4, lanes=4, is_gpu=True, max_group=64),
    "local memory": Target(units=4, lanes=4, is_gpu=True, max_group=128, local_memory=1 << 15),
}


class Compiled:
    """Every case compiled for one target."""

    def __init__(self, target: Target | None) -> None:
        self.backend = OpenCLBackend()
        if target is not None:
            self.backend.target = target
            self.backend._dialect = Dialect()  # nor is it spelled for CPUs
        self.kernels: dict[str, Kernel] = {name: build() for name, build in CASES.items()}
        programs = self.backend.compile(list(self.kernels.values()))
        self.programs: dict[int, Program] = {p.code.calls[0]: p for p in programs}

    def run(self, name: str) -> None:
        kernel = self.kernels[name]
        inputs = inputs_of(kernel)
        memory = [self.backend.allocate(max(spec.nbytes, 1)) for spec in kernel.buffers]
        for place, array in zip(memory[len(kernel.outputs) :], inputs, strict=True):
            self.backend.upload(place, array)
        program = self.programs.get(list(self.kernels).index(name))
        if program is not None:  # it has elements
            program.launch(memory)
        found: list[np.ndarray[Any, Any]] = []
        for output in kernel.outputs:
            spec = kernel.buffers[output.slot]
            found.append(np.empty(spec.size, spec.dtype.numpy))
            self.backend.download(memory[output.slot], found[-1])
        check(kernel, inputs, found)


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=on_one_worker(name)) for name in TARGETS]
)
def compiled(request: pytest.FixtureRequest) -> Iterator[Compiled]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "wide":  # as if every buffer were too large for 32-bit indices
            patch.setattr(choose, "INT_LIMIT", 0)
        yield Compiled(TARGETS[request.param])


@pytest.mark.parametrize("name", CASES)
def test_device_computes_the_kernel(compiled: Compiled, name: str) -> None:
    compiled.run(name)


def test_every_half_converts_exactly(compiled: Compiled) -> None:
    """All bit patterns there, and back from floats between and beyond them."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    with np.errstate(all="ignore"):
        singles = halves.astype(np.float32)
        scales = np.float32([1, 1 + 2**-11, 1 + 3 * 2**-12, 2**-3])
        between = (singles * scales[:, None]).ravel()
    for kernel, given in (
        (copy_as(dt.float16, dt.float32, halves.size), halves),
        (copy_as(dt.float32, dt.float16, between.size), between),
    ):
        (program,) = compiled.backend.compile([kernel])
        memory = [compiled.backend.allocate(spec.nbytes) for spec in kernel.buffers]
        compiled.backend.upload(memory[1], given)
        program.launch(memory)
        found = np.empty(given.size, kernel.buffers[0].dtype.numpy)
        compiled.backend.download(memory[0], found)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(found, given.astype(found.dtype))
