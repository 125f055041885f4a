"""``lazygrad.inspect``: what would run, in numbers and in words, without running it."""

import numpy as np
import pytest

from lazygrad import Tensor, inspect, jit
from lazygrad.errors import ValueRangeError


def total(device: str) -> Tensor:
    x = Tensor(np.ones((4, 3), np.float32), device=device)
    return (x.exp() + 1).sum(1)


def test_kernels_and_their_sources(device: str) -> None:
    y = total(device)
    (kernel,) = inspect.kernels(y)
    (source,) = inspect.sources(y)
    assert kernel.name == "exp_add_sum_4x1"
    assert kernel.name in source and "exp" in source
    assert "lazy" in repr(y)  # nothing was computed


def test_an_explanation_names_kernels_lines_and_reasons(device: str) -> None:
    text = inspect.explain(total(device))
    assert "exp_add_sum_4x1" in text
    assert "test_inspect.py" in text
    assert "it is an output" in text
    assert "side by side" not in text


def test_kernels_in_one_launch_are_said_to_be(device: str) -> None:
    x = Tensor(np.ones(5, np.float32), device=device)
    text = inspect.explain(x.exp(), x.reshape(5, 1).expand(5, 3).sin())
    assert ("2 kernels side by side" in text) == (device == "GPU")


def test_what_is_there_needs_no_kernel(device: str) -> None:
    x = Tensor([1.0], device=device)
    assert inspect.explain(x) == "already realised"
    assert inspect.kernels(x) == inspect.sources(x) == ()


def test_kernels_of_a_jitted_function(device: str) -> None:
    double = jit(lambda x: x * 2)
    with pytest.raises(ValueRangeError, match=r"\[jit_kernels\] the function was not called yet"):
        inspect.jit_kernels(double)
    double(Tensor([1.0], device=device))
    assert [kernel.name for kernel in inspect.jit_kernels(double)] == ["mul_1"]


def test_the_plan_cache_counts(device: str) -> None:
    before = inspect.plan_cache().hits, inspect.plan_cache().misses
    for _ in range(3):
        Tensor(np.ones(7919, np.float32), device=device).add(7919).realize()
    assert (inspect.plan_cache().hits, inspect.plan_cache().misses) == (
        before[0] + 2,
        before[1] + 1,
    )
