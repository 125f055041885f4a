"""Loop nests compute what their kernels mean, for every kind of device."""

import pytest

from lazygrad.codegen.choose import loop_nest
from lazygrad.kernel.target import Target
from lazygrad.kernel.verify import verify_kernel
from tests.codegen.compare import check
from tests.codegen.kernels import BLOCKS, CASES, inputs_of
from tests.codegen.run_nest import run_nest

TARGETS = {
    "cpu": Target(units=2, lanes=8),
    "scalar": Target(units=1, lanes=1),
    "gpu": (GPU := Target(units=4, lanes=4, is_gpu=True, max_group=64)),
    "local memory": Target(units=4, lanes=4, is_gpu=True, max_group=64, local_memory=1 << 15),
}


@pytest.mark.parametrize(
    ("device", "name"), [(d, n) for d in TARGETS for n in CASES if d != "scalar" or n not in BLOCKS]
)
def test_nest_computes_the_kernel(device: str, name: str) -> None:
    target = TARGETS[device]
    kernel = CASES[name]()
    verify_kernel(kernel)
    inputs = inputs_of(kernel)
    nest = loop_nest(kernel, target)
    if nest is None:
        assert all(kernel.buffers[output.slot].size == 0 for output in kernel.outputs)
        return
    assert str(nest)
    if device == "local memory" and nest == loop_nest(kernel, GPU):
        return  # it needs none, and was computed for "gpu"
    check(kernel, inputs, run_nest(nest, inputs))
