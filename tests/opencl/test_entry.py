"""Entry points, and how few kernel functions a program has with them."""

from __future__ import annotations

import re

import pytest

from lazygrad import Tensor, jit
from lazygrad.kernel.target import Target
from tests.codegen import kernels as ks

pytest.importorskip("pyopencl")
from lazygrad_opencl import OpenCLBackend
from lazygrad_opencl.entry import PARAMETERS, Entry, entry_points, program_text
from lazygrad_opencl.prelude import Dialect


def entry(name: str, arguments: int, called: bool = True) -> Entry:
    text = f"FUNCTION void {name}() {{}}" if called else f"__kernel void {name}() {{}}"
    return Entry(name, {name: text}, 1, 1, arguments, False, called)


def test_launches_with_few_arguments_are_apart_from_those_with_many() -> None:
    (few, several), many = PARAMETERS, 200
    found = entry_points([entry("a", 2), entry("b", few), entry("c", several), entry("d", many)])
    assert [point.parameters for point in found] == [few, several, many]
    assert [list(point.numbers) for point in found] == [["a", "b"], ["c"], ["d"]]


def test_no_more_parameters_than_are_needed() -> None:
    (point,) = entry_points([entry("a", 2), entry("b", 3)])
    assert point.parameters == 3
    assert "case 0:\n      a(m0, m1, item);\n      break;" in point.text
    assert "case 1:\n      b(m0, m1, m2, item);\n      break;" in point.text


def test_equal_functions_have_one_number() -> None:
    (point,) = entry_points([entry("a", 2), entry("b", 2), entry("a", 2)])
    assert point.numbers == {"a": 0, "b": 1}


def test_kernel_functions_stay_what_they_are() -> None:
    text = program_text([entry("a", 2, called=False)], Dialect())
    assert re.findall(r"__kernel.* (\w+)\(", text) == ["a"]


@pytest.mark.gpu
def test_a_training_step_has_few_kernel_functions() -> None:
    """PoCL compiles and links each of them by itself, and keeps 128 loaded."""
    backend = OpenCLBackend()
    if backend.target.is_gpu:
        pytest.skip("on GPUs each launch is a kernel function of its own")
    layers = [Tensor.randn(64, 64, device="GPU", requires_grad=True) for _ in range(6)]

    @jit
    def step(x: Tensor) -> Tensor:
        for weight in layers:
            x = (x @ weight).relu()
        loss = x.sum()
        loss.backward()
        return loss

    step(Tensor.randn(600, 64, device="GPU"))
    plan = step.latest_plan()
    assert plan is not None
    codes = plan.recipe.codes
    assert sum(len(code.parts) for code in codes) > 12
    text = program_text([code.data for code in codes], backend._dialect)
    assert 1 <= len(re.findall(r"\b__kernel\b", text)) <= len(PARAMETERS) + 1


@pytest.mark.gpu
def test_groups_have_kernel_functions_even_on_cpus() -> None:
    """A schedule for GPUs, forced: its work-items meet at barriers."""
    backend = OpenCLBackend()
    backend.target = Target(units=2, lanes=4, is_gpu=True, max_group=64)
    (made,) = backend.compile([ks.sum_rows(64, 512)])
    assert not made.code.data.called and "get_local_id" in made.source
