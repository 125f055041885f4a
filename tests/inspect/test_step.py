"""A step as plain data: what its values are called, who writes and reads them, what for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lazygrad import Tensor, config, inspect, nn, optim
from lazygrad.inspect.names import module_of
from lazygrad.inspect.step import Step, StepKernel
from tests.inspect.network import Net, batch, jitted_step, training_step

PARAMS = ("conv1.weight", "conv1.bias", "fc.weight", "fc.bias")


@pytest.fixture
def step(device: str) -> Step:
    function, (x, y) = jitted_step(device), batch(device)
    (found,) = inspect.steps(function, x, y)
    return found


def names(step: Step, role: str) -> set[str]:
    return {buffer.name for buffer in step.buffers if buffer.role == role}


def kernel_of_images(step: Step) -> StepKernel:
    """The first one that reads them."""
    (images,) = (buffer for buffer in step.buffers if buffer.name == "images")
    return step.kernels[images.read_by[0]]


def test_values_are_called_by_arguments_modules_and_optimizers(step: Step) -> None:
    state = {f"{key} of {param}" for key in ("exp_avg", "exp_avg_sq") for param in PARAMS}
    of_all = {f"{what} of Adam" for what in ("lr", "step", "1 - 0.9**step", "1 - 0.999**step")}
    assert names(step, "input") == {"images", "labels", *PARAMS, *state, *of_all}
    kept = {*PARAMS, *state, *of_all} - {"lr of Adam"}
    new, grads = {f"new {name}" for name in kept}, {f"grad of {param}" for param in PARAMS}
    assert names(step, "output") == {"loss", *new, *grads}
    assert step.called == "step"


def test_shapes_are_those_that_the_user_knows(step: Step) -> None:
    shapes = {buffer.name: buffer.shape for buffer in step.buffers}
    assert shapes["images"] == (5, 1, 8, 8)
    assert shapes["conv1.weight"] == shapes["grad of conv1.weight"] == (4, 1, 3, 3)
    assert shapes["loss"] == ()


def test_kernels_tell_where_they_read_and_what_they_feed(step: Step) -> None:
    writers = {buffer.number: buffer.written_by for buffer in step.buffers}
    for kernel in step.kernels:
        found = {writer for value in kernel.read for writer in writers[value]}
        assert set(kernel.waits_for) == found - {kernel.number}
        for number in kernel.waits_for:
            assert number < kernel.number and kernel.number in step.kernels[number].feeds
    first = kernel_of_images(step)
    assert not first.waits_for and first.feeds


def test_phases_and_modules(step: Step) -> None:
    assert {kernel.phase for kernel in step.kernels} == {
        "forward", "backward", "backward and update", "update"
    }  # fmt: skip
    first = kernel_of_images(step)
    assert first.phase == "forward" and "conv1" in first.modules
    for kernel in step.kernels:
        written = [step.buffers[value].name for value in kernel.written]
        if "new conv1.weight" in written:
            assert (kernel.phase, kernel.modules) == ("backward and update", ("conv1",))


def test_names_and_reasons_are_what_the_user_knows(step: Step) -> None:
    kernels = {}
    for kernel in step.kernels:
        assert kernels.setdefault(kernel.name, kernel.key) == kernel.key
        assert kernel.origins, kernel.name
        assert "getitem" not in " ".join(kernel.origins)
        assert len(set(kernel.reasons)) == len(kernel.reasons)
        for number in kernel.written:
            if step.buffers[number].role == "output" and "is an output" in str(kernel.reasons):
                raise AssertionError(kernel.reasons)
    told = [reason for kernel in step.kernels for reason in kernel.reasons]
    assert "it writes the output loss" in told
    assert "Adam.step asks for it in memory" in told


def test_a_long_sum_says_why_it_is_in_two(device: str) -> None:
    if device == "CPU":
        pytest.skip("libraries take long sums in one")
    text = inspect.explain(Tensor(np.ones(1 << 16, np.float32), device=device).sum())
    assert "half of a long reduction" in text
    assert "contiguous" not in text
    assert text.count("from sum (test_step.py") == 2


def test_a_step_that_is_not_jitted_has_the_same_names(device: str, tmp_path: Path) -> None:
    step, (images, labels) = training_step(device), batch(device)
    step(images, labels).item()
    with config(dump=str(tmp_path)):
        step(images, labels)
    (text,) = (path.read_text() for path in tmp_path.glob("plan_*/step.json"))
    only = Step.from_json(text)
    assert names(only, "input") >= {"images", "labels", *PARAMS, "exp_avg of fc.bias"}
    assert names(only, "output") >= {
        "loss", "new fc.bias", "grad of conv1.weight", "new exp_avg_sq of conv1.bias"
    }  # fmt: skip


def test_two_models_with_the_same_names_are_told_apart(device: str) -> None:
    one, two, other = Net().to(device), Net().to(device), nn.Linear(144, 3).to(device)
    x, _ = batch(device)
    (step,) = inspect.steps(lambda x: one(x) + two(x), x)
    assert {"Net#1.fc.bias", "Net#2.fc.bias"} <= names(step, "input")
    (step,) = inspect.steps(lambda x: one(x) + other(x.reshape(5, 64).repeat(1, 3)[:, :144]), x)
    assert {"fc.bias", "bias"} <= names(step, "input")


def test_parameters_without_a_module_and_variables_have_names(device: str) -> None:
    weight = Tensor(np.ones(3, np.float32), device=device, requires_grad=True)
    table = Tensor(np.ones(3, np.float32), device=device)
    optimizer = optim.SGD([weight], lr=0.1, momentum=0.9)
    assert optimizer is not None
    text = inspect.explain(lambda batch: weight * table * batch["x"][0], {"x": [table + 1]})
    for name in ("parameter 0 of SGD (3)", "table (3)", "batch['x'][0] (3)"):
        assert f"reads {name} float32" in text


def test_a_step_goes_to_json_and_back(step: Step) -> None:
    assert Step.from_json(step.to_json()) == step


@pytest.mark.parametrize(
    ("name", "module"),
    [("layers.0.weight", "layers.0"), ("grad of conv1.weight", "conv1"),
     ("new exp_avg of a.b.c", "a.b"), ("fc.weight, repacked", "fc"), ("loss", "")],
)  # fmt: skip
def test_the_module_of_a_name(name: str, module: str) -> None:
    assert module_of(name) == module


def test_a_constant_is_not_the_line_that_used_it_first(device: str) -> None:
    x = Tensor(np.ones(3, np.float32), device=device).realize()
    first = x * 0.625  # the constant is the same one in both
    (kernel,) = inspect.kernels(x + 0.625)
    assert [origin.partition(" ")[0] for origin in kernel.origins] == ["add"]
    assert inspect.kernels(first)[0].origins[0].startswith("mul")
    held = Tensor.arange(3, device=device).reshape(3, 1).expand(3, 3) * 2
    y = x + Tensor.arange(3, device=device).reshape(3, 1).expand(3, 3) * 2
    (kernel,) = inspect.kernels(y)
    assert {line.rpartition(":")[2] for line in kernel.origins} == {f"{y._node.origin.line})"}
    assert held._node.origin.line < y._node.origin.line
    (filled,) = inspect.kernels(Tensor.full((3,), 0.625, device=device).contiguous())
    assert filled.origins
