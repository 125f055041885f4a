"""Programs for PoCL stand on declarations of their own, and on its header where those do not do."""

from __future__ import annotations

import pytest

from tests.codegen.kernels import CASES

pytest.importorskip("pyopencl")
from lazygrad_opencl import OpenCLBackend, program
from lazygrad_opencl.declarations import GUARD
from lazygrad_opencl.prelude import Dialect
from tests.opencl.test_kernels import GPU, LOCAL

pytestmark = pytest.mark.gpu

PLAIN = """
__kernel void doubled(__global float *x) { x[get_global_id(0)] *= 2; }
"""
BEYOND = """
__kernel void rounded(__global float *x) { x[0] = rint(x[0]) + native_cos(x[1]); }
"""


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each build that succeeds: whether it went without the header."""
    found: list[bool] = []
    build = program.build

    def watched(context, device, source, options):
        built = build(context, device, source, options)
        found.append(GUARD in options)
        return built

    monkeypatch.setattr(program, "build", watched)
    return found


def backend_of(target) -> OpenCLBackend:
    backend = OpenCLBackend()
    if not backend._binaries.is_pocl:
        pytest.skip("of PoCL")
    if target is not None:
        backend.target = target
        backend._dialect = Dialect()
    return backend


@pytest.mark.parametrize("target", [None, GPU, LOCAL], ids=["device", "gpu", "local memory"])
def test_generated_programs_need_no_header(builds: list[bool], target) -> None:
    backend_of(target).compile([build() for build in CASES.values()])
    assert builds
    assert all(builds)


@pytest.mark.parametrize(("source", "lean"), [(PLAIN, True), (BEYOND, False)])
def test_what_is_not_declared_is_built_with_the_header(
    builds: list[bool], source: str, lean: bool
) -> None:
    assert backend_of(None)._binaries.build(source).get_info(0x1167) == 1  # CL_PROGRAM_NUM_KERNELS
    assert builds == [lean]
