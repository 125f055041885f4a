"""ModuleDict, ParameterDict, ParameterList, and a module's members by name."""

from __future__ import annotations

import pytest

from lazygrad import Tensor, nn
from lazygrad.errors import ArgumentError, AxisError, ModuleError


def test_module_dict() -> None:
    layers = nn.ModuleDict({"b": nn.Linear(2, 3), "a": nn.ReLU()})
    layers["c"] = nn.Tanh()
    layers.update([("d", nn.Sigmoid())])
    assert list(layers) == list(layers.keys()) == ["b", "a", "c", "d"]
    assert len(layers) == 4
    assert "a" in layers
    assert "x" not in layers
    assert [type(layer).__name__ for layer in layers.values()] == [
        "Linear", "ReLU", "Tanh", "Sigmoid"
    ]  # fmt: skip
    assert dict(layers.items())["b"] is layers["b"]
    assert list(layers.state_dict()) == ["b.weight", "b.bias"]
    taken = layers.pop("b")
    del layers["d"]
    assert isinstance(taken, nn.Linear)
    assert list(layers) == ["a", "c"]
    layers.clear()
    assert len(layers) == 0
    assert list(nn.ModuleDict(layers)) == []


def test_module_dict_refuses_what_is_no_module() -> None:
    with pytest.raises(ArgumentError, match=r"\[ModuleDict\] can hold Modules only, got <function"):
        nn.ModuleDict({"f": lambda x: x})
    with pytest.raises(ArgumentError, match=r"\[ModuleDict\] needs a mapping or pairs"):
        nn.ModuleDict([1, 2])
    with pytest.raises(ModuleError, match="cannot name a member of ModuleDict"):
        nn.ModuleDict({"forward": nn.ReLU()})
    with pytest.raises(KeyError):
        nn.ModuleDict()["a"]
    with pytest.raises(KeyError):
        del nn.ModuleDict()["a"]


def test_parameter_list() -> None:
    own = nn.Parameter(Tensor.ones(2))
    held = nn.ParameterList([own, Tensor.zeros(3)])
    held.append(Tensor.zeros(1))
    held += [Tensor.zeros(4)]
    assert held[0] is own
    assert all(isinstance(parameter, nn.Parameter) for parameter in held)
    assert [parameter.shape for parameter in held] == [(2,), (3,), (1,), (4,)]
    assert list(held.state_dict()) == ["0", "1", "2", "3"]
    assert len(list(held.parameters())) == len(held) == 4
    held[-1] = Tensor.zeros(5)
    assert held[3].shape == (5,)
    assert [parameter.shape for parameter in held[1:3]] == [(3,), (1,)]
    with pytest.raises(AxisError, match=r"\[ParameterList\] index 4 is out of range for 4"):
        held[4]
    with pytest.raises(ArgumentError, match=r"\[ParameterList\] an index must be"):
        held["a"]
    with pytest.raises(ArgumentError, match=r"\[ParameterList\] only holds parameters"):
        held(Tensor.zeros(1))
    assert repr(held).splitlines()[1] == "  (0): Parameter containing: [float32 of size 2]"


def test_parameter_dict() -> None:
    held = nn.ParameterDict({"a": Tensor.ones(2), "note": "kept as it is"})
    held["b"] = nn.Parameter(Tensor.zeros(3))
    assert list(held) == ["a", "note", "b"]
    assert held["note"] == "kept as it is"
    assert list(held.state_dict()) == ["a", "b"]
    assert isinstance(held["a"], nn.Parameter)
    held["a"] = Tensor.zeros(4)
    assert held["a"].shape == (4,)
    assert held.setdefault("c", Tensor.zeros(1)).shape == (1,)
    assert held.get("d") is None
    del held["note"]
    assert held.pop("b").shape == (3,)
    assert list(held.keys()) == ["a", "c"]


def test_the_members_of_a_module_are_live() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model._modules["0"] = nn.Linear(2, 3, bias=False)
    assert list(model.state_dict())[:2] == ["0.weight", "1.weight"]
    assert list(model[1]._buffers) == ["running_mean", "running_var", "num_batches_tracked"]
    assert list(model[1]._parameters) == ["weight", "bias"]
    del model._modules["1"]
    assert len(model._modules) == len(model) == 1
    with pytest.raises(KeyError):
        model._modules["training"]


def test_paths() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    assert model.get_parameter("0.0.weight") is model[0][0].weight
    assert model.get_buffer("0.1.running_mean") is model[0][1].running_mean
    model.set_submodule("0.0", nn.Identity())
    assert isinstance(model[0][0], nn.Identity)
    with pytest.raises(ModuleError, match=r"no parameter '0\.0\.weight'; there are: 0\.1\.weight"):
        model.get_parameter("0.0.weight")
    with pytest.raises(ModuleError, match="no buffer '0.1.weight'"):
        model.get_buffer("0.1.weight")
    with pytest.raises(ModuleError, match="no module '0.5'"):
        model.set_submodule("0.5", nn.Identity(), strict=True)
