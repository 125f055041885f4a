"""Hand-written kernels on an OpenCL device, all of a target's in one program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from lazygrad.runtime.backend import Program
from tests.codegen.compare import check
from tests.codegen.kernels import CASES, inputs_of

pytest.importorskip("pyopencl")
from lazygrad_opencl import OpenCLBackend

pytestmark = pytest.mark.gpu

TARGETS = {
    "device": None,
    "narrow": Target(units=2, lanes=4),
    "gpu": Target(units=4, lanes=4, is_gpu=True, max_group=64),
}


class Compiled:
    """Every case compiled for one target."""

    def __init__(self, target: Target | None) -> None:
        self.backend = OpenCLBackend()
        if target is not None:
            self.backend.target = target
        self.kernels: dict[str, Kernel] = {name: build() for name, build in CASES.items()}
        programs = self.backend.compile(list(self.kernels.values()))
        self.programs: dict[str, Program] = dict(zip(self.kernels, programs, strict=True))

    def run(self, name: str) -> None:
        kernel = self.kernels[name]
        inputs = inputs_of(kernel)
        memory = [self.backend.allocate(max(spec.nbytes, 1)) for spec in kernel.buffers]
        for place, array in zip(memory[len(kernel.outputs) :], inputs, strict=True):
            self.backend.upload(place, array)
        self.programs[name].launch(memory)
        found: list[np.ndarray[Any, Any]] = []
        for output in kernel.outputs:
            spec = kernel.buffers[output.slot]
            found.append(np.empty(spec.size, spec.dtype.numpy))
            self.backend.download(memory[output.slot], found[-1])
        check(kernel, inputs, found)


@pytest.fixture(scope="module", params=TARGETS.values(), ids=TARGETS.keys())
def compiled(request: pytest.FixtureRequest) -> Iterator[Compiled]:
    yield Compiled(request.param)


@pytest.mark.parametrize("name", CASES)
def test_device_computes_the_kernel(compiled: Compiled, name: str) -> None:
    compiled.run(name)
