"""Every schedule that the tuner may try computes what the kernel says."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad.codegen.choose import loop_nest
from lazygrad.codegen.tuning import STAGES, Tuning, variations
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from lazygrad.runtime.backend import Call
from tests.codegen.compare import check
from tests.codegen.kernels import CASES, inputs_of

pytest.importorskip("pyopencl")
from lazygrad.codegen.batch import alone
from lazygrad_opencl import OpenCLBackend
from lazygrad_opencl.sources import Job, Sources

pytestmark = pytest.mark.gpu

TUNED = (
    "transpose", "sum_rows_long", "sum_columns_wide", "sum_all", "softmax", "moments", "argmax",
    "pool", "matmul_10", "matmul_odd", "matmul_even", "matmul_far", "half_matmul", "linear",
    "guarded_product", "three_products", "conv2d_padded", "conv2d_input_gradient",
    "conv2d_weight_gradient_padded",
)  # fmt: skip


@pytest.fixture(scope="module")
def backend() -> OpenCLBackend:
    return OpenCLBackend()


def jobs_of(kernel: Kernel, target: Target) -> list[Job]:
    """The kernel in every way that a tuner may choose, equal ones once."""
    every = {Tuning()}
    for stage in range(STAGES):
        every |= {v for best in list(every) for v in variations(best, target, stage)}
    nests = {loop_nest(kernel, target, tuning) for tuning in every if not tuning.items}
    nests |= {loop_nest(kernel, target, Tuning(items=items)) for items in (1, 64)}
    call = Call(kernel, tuple(range(len(kernel.buffers))))
    return [Job(number, call, nest) for number, nest in enumerate(nests) if nest is not None]


@pytest.mark.slow
@pytest.mark.parametrize("name", TUNED)
def test_every_variation_computes_the_kernel(backend: OpenCLBackend, name: str) -> None:
    kernel = CASES[name]()
    jobs = jobs_of(kernel, backend.target)
    sources = Sources(jobs, backend._dialect, 2)
    programs = backend.load([sources.code(alone(number)) for number in range(len(jobs))])
    inputs = inputs_of(kernel)
    memory = [backend.allocate(max(spec.nbytes, 1)) for spec in kernel.buffers]
    for place, array in zip(memory[len(kernel.written) :], inputs, strict=True):
        backend.upload(place, array)
    for program in programs:
        program.launch(memory)
        found = []
        for slot in kernel.written:
            spec = kernel.buffers[slot]
            found.append(np.empty(spec.size, spec.dtype.numpy))
            backend.download(memory[slot], found[-1])
            backend.upload(memory[slot], np.full_like(found[-1], 77))
        check(kernel, inputs, found)
