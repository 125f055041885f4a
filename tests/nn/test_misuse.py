# ruff: noqa: E501 (tables: one line a case)
"""Models that are put together wrongly: an error at the line that does it, never a silent drop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, nn
from lazygrad.errors import (
    ArgumentError,
    AxisError,
    CheckpointError,
    DeviceError,
    LazygradError,
    ModuleError,
    ShapeError,
    ValueRangeError,
)

LAYER = nn.Linear(3, 2)
STATE = LAYER.state_dict()
X = Tensor.zeros(4, 3)


def held() -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), nn.Tanh())


CASES: dict[str, tuple[Callable[[], Any], type[LazygradError], str]] = {
    "sequential_function": (lambda: nn.Sequential(LAYER, lambda x: x), ArgumentError, r"\[Sequential\] can hold Modules only, got <function .*; wrap it in a Module whose forward\(\) calls it"),
    "sequential_list": (lambda: nn.Sequential([LAYER, LAYER]), ArgumentError, r"\[Sequential\] .*unpack it: Sequential\(\*layers\)"),
    "sequential_number": (lambda: nn.Sequential(5), ArgumentError, r"\[Sequential\] can hold Modules only, got 5 \(int\)"),
    "sequential_none": (lambda: nn.Sequential(LAYER, None), ArgumentError, r"\[Sequential\] .*got None"),
    "sequential_class": (lambda: nn.Sequential(nn.ReLU), ArgumentError, r"make one by calling it: ReLU\(\.\.\.\)"),
    "sequential_mapping": (lambda: nn.Sequential({"f": len}), ArgumentError, r"\[Sequential\] .*built-in function len"),
    "list_function": (lambda: nn.ModuleList([len]), ArgumentError, r"\[ModuleList\] can hold Modules only"),
    "list_number": (lambda: nn.ModuleList(5), ArgumentError, r"\[ModuleList\] modules must be a sequence of Modules or None, got 5"),
    "list_module": (lambda: nn.ModuleList(LAYER), ArgumentError, r"\[ModuleList\] modules must be a sequence"),
    "append": (lambda: held().append(len), ArgumentError, r"\[Sequential\] can hold Modules only"),
    "extend": (lambda: held().extend([LAYER, None]), ArgumentError, "can hold Modules only, got None"),
    "insert": (lambda: held().insert(0, "layer"), ArgumentError, r"\[insert\] module must be a Module, got 'layer'"),
    "insert_place": (lambda: held().insert(0.5, LAYER), ArgumentError, r"\[insert\] index must be an integer"),
    "set_item": (lambda: held().__setitem__(0, len), ArgumentError, "can hold Modules only"),
    "item": (lambda: held()[2], AxisError, "index 2 is out of range for 2 modules"),
    "item_name": (lambda: held()["0"], ArgumentError, r"\[Sequential\] an index must be an integer or a slice, got '0'"),
    "delete": (lambda: held().__delitem__(2), AxisError, "index 2 is out of range"),
    "add_module": (lambda: held().add_module("f", len), ArgumentError, r"\[add_module\] module must be a Module or None"),
    "add_number": (lambda: held().add_module(3, LAYER), ArgumentError, r"\[add_module\] name must be a string, got 3"),
    "add_dotted": (lambda: held().add_module("a.b", LAYER), ModuleError, "'a.b' cannot name a member of Sequential"),
    "parameter": (lambda: held().register_parameter("p", X), ArgumentError, r"\[register_parameter\] param must be a Parameter or None, got a Tensor"),
    "parameter_array": (lambda: held().register_parameter("p", np.ones(3)), ArgumentError, "param must be a Parameter or None"),
    "buffer": (lambda: held().register_buffer("b", 3), ArgumentError, r"\[register_buffer\] tensor must be a Tensor or None, got 3"),
    "submodule": (lambda: held().get_submodule("9"), ModuleError, "no module '9'; there are: 0, 1"),
    "train": (lambda: held().train("yes"), ArgumentError, r"\[train\] mode must be True or False"),
    "apply": (lambda: held().apply(3), ArgumentError, r"\[apply\] fn must be a function, got 3"),
    "to": (lambda: nn.Linear(3, 2).to("nowhere"), DeviceError, "unknown backend 'nowhere'"),
    "linear_size": (lambda: nn.Linear(-1, 3), ValueRangeError, r"\[Linear\] in_features must be at least 0, got -1"),
    "linear_float": (lambda: nn.Linear(3, 2.0), ArgumentError, r"\[Linear\] out_features must be an integer, got 2\.0"),
    "linear_device": (lambda: nn.Linear(3, 2, device="nowhere"), DeviceError, "unknown backend 'nowhere'"),
    "linear_dtype": (lambda: nn.Linear(3, 2, dtype="nothing"), ArgumentError, r"\[Linear\] 'nothing' is not a dtype"),
    "linear_input": (lambda: LAYER([1.0]), ArgumentError, r"\[Linear\] input must be a Tensor, got \[1\.0\] \(list\); convert it"),
    "linear_shape": (lambda: LAYER(Tensor.zeros(4, 5)), ShapeError, r"\[Linear\] input of shape \(4, 5\) does not fit weight of shape \(2, 3\)"),
    "conv_kernel": (lambda: nn.Conv2d(3, 4, 0), ValueRangeError, r"\[Conv2d\] kernel_size must be one or 2 integers of at least 1 and below 2\*\*63, got 0"),
    "conv_kernel_3": (lambda: nn.Conv2d(3, 4, (3, 3, 3)), ValueRangeError, r"\[Conv2d\] kernel_size"),
    "conv_stride": (lambda: nn.Conv2d(3, 4, 3, stride=0), ValueRangeError, r"\[Conv2d\] stride"),
    "conv_padding": (lambda: nn.Conv2d(3, 4, 3, padding=-1), ValueRangeError, r"\[Conv2d\] padding"),
    "conv_named": (lambda: nn.Conv2d(3, 4, 3, padding="full"), ValueRangeError, r'\[Conv2d\] padding must be numbers, "same" or "valid"'),
    "conv_same": (lambda: nn.Conv2d(3, 4, 3, stride=2, padding="same"), ValueRangeError, r'\[Conv2d\] padding="same" needs stride 1'),
    "conv_channels": (lambda: nn.Conv2d(3, -4, 3), ValueRangeError, r"\[Conv2d\] out_channels must be at least 1, got -4"),
    "conv_groups": (lambda: nn.Conv2d(3, 4, 3, groups=2), ShapeError, r"\[Conv2d\] groups=2 must divide in_channels=3"),
    "pool_kernel": (lambda: nn.MaxPool2d(0), ValueRangeError, r"\[MaxPool2d\] kernel_size"),
    "pool_padding": (lambda: nn.MaxPool2d(2, padding=2), ValueRangeError, r"\[MaxPool2d\] padding \(2, 2\) must be at most half"),
    "pool_divisor": (lambda: nn.AvgPool2d(2, divisor_override=0), ValueRangeError, r"\[AvgPool2d\] divisor_override must not be 0"),
    "embedding": (lambda: nn.Embedding(-3, 2), ValueRangeError, r"\[Embedding\] num_embeddings must be at least 0, got -3"),
    "batch_norm": (lambda: nn.BatchNorm2d(-3), ValueRangeError, r"\[BatchNorm2d\] num_features"),
    "batch_norm_momentum": (lambda: nn.BatchNorm2d(3, momentum=2.0), ValueRangeError, r"\[BatchNorm2d\] momentum must be from 0 to 1, got 2\.0"),
    "layer_norm": (lambda: nn.LayerNorm((-3,)), ShapeError, r"\[LayerNorm\] sizes must not be negative, got \(-3,\)"),
    "layer_norm_float": (lambda: nn.LayerNorm(2.5), ArgumentError, r"\[LayerNorm\] normalized_shape must be an integer or a sequence of integers"),
    "dropout": (lambda: nn.Dropout(-0.1), ValueRangeError, r"\[Dropout\] p must be from 0 to 1, got -0\.1"),
    "smoothing": (lambda: nn.CrossEntropyLoss(label_smoothing=2.0), ValueRangeError, r"\[CrossEntropyLoss\] label_smoothing must be from 0 to 1"),
    "state": (lambda: LAYER.load_state_dict([1]), ArgumentError, r"\[load_state_dict\] state_dict must be a mapping, got \[1\] \(list\)"),
    "state_strict": (lambda: LAYER.load_state_dict(STATE, "no"), ArgumentError, r"\[load_state_dict\] strict must be True or False"),
    "state_value": (lambda: LAYER.load_state_dict({**STATE, "bias": "text"}), CheckpointError, r"bias must be a Tensor or an array, got 'text' \(str\)"),
    "init": (lambda: nn.init.uniform_(3), ArgumentError, r"\[init\.uniform_\] tensor must be a Tensor, got 3"),
    "init_bound": (lambda: nn.init.uniform_(X, "a"), ArgumentError, r"\[init\.uniform_\] a must be a number, got 'a'"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_error(name: str) -> None:
    function, kind, message = CASES[name]
    with pytest.raises(kind, match=message):
        function()


@pytest.mark.parametrize("change", ["extend", "insert", "set_item"])
def test_a_container_is_unchanged_after_an_error(change: str) -> None:
    changes = {
        "extend": lambda model: model.extend([nn.ReLU(), len]),
        "insert": lambda model: model.insert(0, len),
        "set_item": lambda model: model.__setitem__(0, len),
    }
    model = held()
    before = list(model)
    with pytest.raises(TypeError):
        changes[change](model)
    assert list(model) == before


def test_arrays_are_converted_where_a_model_gets_them(device: str) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU()).to(device)
    expected = model(Tensor(array, device=device)).numpy()
    given = model(array)
    assert given.device == device
    np.testing.assert_array_equal(given.numpy(), expected)
    np.testing.assert_array_equal(model(input=array).numpy(), expected)
    loss = nn.CrossEntropyLoss()(given, np.array([0, 1]))
    assert loss.shape == ()


def test_a_module_of_ones_own_gets_tensors_for_arrays() -> None:
    class Doubled(nn.Module):
        def forward(self, x: Tensor, factor: float) -> Tensor:
            return x.mul(factor)

    assert Doubled()(np.array([1.0]), 2.0).tolist() == [2.0]
