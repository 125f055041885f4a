"""functional_call, stack_module_state, and modules as arguments."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn
from lazygrad.errors import ArgumentError, ModuleError
from lazygrad.func import functional_call, grad, jvp, stack_module_state, vmap


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("shift", Tensor([0.0, 1.0]))
        self.calls = 0

    def forward(self, x: Tensor, *, scale: float = 1.0) -> Tensor:
        self.calls += 1
        assert len(list(self.parameters())) in (1, 2)
        return self.second(self.first(x)) * scale + self.shift


def eye(value: float) -> Tensor:
    return Tensor(np.eye(2, dtype=np.float32) * value)


def test_given_tensors_take_the_places_of_parameters_and_buffers() -> None:
    model, x = nn.Linear(2, 1), Tensor([[1.0, 2.0]])
    before = dict(vars(model))
    weight, bias = Tensor([[3.0, 4.0]]), Tensor([5.0])
    assert functional_call(model, {"weight": weight, "bias": bias}, (x,)).item() == 16
    assert functional_call(model, ({"weight": weight}, {"bias": bias}), x).item() == 16
    assert functional_call(model, {"weight": weight, "bias": bias}, None, {"input": x}).item() == 16
    own = functional_call(model, {"weight": weight}, x).item()
    np.testing.assert_allclose(own, 11 + model.bias.item(), rtol=1e-6)
    assert vars(model) == before


def test_tied_weights_are_replaced_together() -> None:
    model, x = Tied(), Tensor([1.0, 1.0])
    for name in ("first.weight", "second.weight"):
        assert functional_call(model, {name: eye(2)}, x, {"scale": 1.0}).tolist() == [4, 5]
    given = {"first.weight": eye(2), "second.weight": eye(3), "shift": Tensor([1.0, 1.0])}
    assert functional_call(model, given, x, tie_weights=False).tolist() == [7, 7]
    with pytest.raises(ModuleError, match=r"second\.weight and first\.weight"):
        functional_call(model, given, x)
    assert model.calls == 3


def test_strict_names() -> None:
    model, x = nn.Linear(2, 1, bias=False), Tensor([1.0, 1.0])
    assert functional_call(model, {"more": x}, x).shape == (1,)
    with pytest.raises(ModuleError, match=r"missing \['weight'\], unexpected \['more'\]"):
        functional_call(model, {"more": x}, x, strict=True)
    with pytest.raises(ModuleError, match="two dicts"):
        functional_call(model, ({"weight": x}, {"weight": x}), x)
    with pytest.raises(ArgumentError, match="weight must be a Tensor"):
        functional_call(model, {"weight": 1.0}, x)
    with pytest.raises(ArgumentError, match="dict by name"):
        functional_call(model, [1.0], x)


def test_a_module_that_raises_has_its_own_tensors_again() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    before = [dict(vars(part)) for part in model.modules()]
    with pytest.raises(ValueError):
        functional_call(model, {"0.weight": eye(1)}, Tensor([1.0, 2.0, 3.0]))
    assert [dict(vars(part)) for part in model.modules()] == before


def test_buffers_that_are_given_are_written() -> None:
    model = nn.BatchNorm1d(2)
    given = {name: buffer.clone() for name, buffer in model.named_buffers()}
    functional_call(model, given, Tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert given["num_batches_tracked"].item() == 1
    np.testing.assert_allclose(given["running_mean"].numpy(), [0.2, 0.3], rtol=1e-6)
    assert model.running_mean is not None and model.running_mean.tolist() == [0, 0]


def test_a_jitted_forward_sees_what_is_given() -> None:
    class Jitted(nn.Linear):
        @jit
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)

    model, x = Jitted(2, 1, bias=False), Tensor([1.0, 1.0])
    model(x)
    for value in (1.0, 2.0):
        assert functional_call(model, {"weight": Tensor([[value, value]])}, x).item() == 2 * value


def test_gradients_of_a_module_are_a_module(device: str) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).to(device)
    x = Tensor(np.array([[1.0, 2.0], [0.5, -1.0]], np.float32), device=device)

    def loss(model: nn.Module, x: Tensor) -> Tensor:
        assert len(list(model.parameters())) == 4
        return model(x).square().sum()

    loss(model, x).backward()
    for found in (grad(loss)(model, x), jit(grad(loss))(model, x)):
        assert isinstance(found, nn.Sequential)
        names = [name for name, _ in found.named_parameters()]
        assert names == [name for name, _ in model.named_parameters()]
        for one, other in zip(found.parameters(), model.parameters(), strict=True):
            np.testing.assert_allclose(one.numpy(), other.grad.numpy(), rtol=1e-5, atol=1e-6)
    _, slope = jvp(lambda model: loss(model, x), (model,), (found,))
    squares = sum(part.square().sum().item() for part in found.parameters())
    np.testing.assert_allclose(slope.item(), squares, rtol=1e-5)


def test_stacked_models_are_one_mapped_call(device: str) -> None:
    models = [nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).eval().to(device) for _ in range(3)]
    params, buffers = stack_module_state(models)
    assert params["0.weight"].shape == (3, 3, 2) and params["0.weight"].requires_grad
    assert params["0.weight"].is_leaf and not buffers["1.running_mean"].requires_grad
    x = Tensor(np.array([[1.0, 2.0], [0.5, -1.0]], np.float32), device=device)

    def call(params: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(models[0], (params, buffers), (x,))

    found = vmap(call, (0, 0, None))(params, buffers, x)
    expected = np.stack([model(x).numpy() for model in models])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_only_models_of_a_kind_are_stacked() -> None:
    one, other = nn.Linear(2, 2), nn.Linear(2, 2).eval()
    for models, words in (([], "none"), ([one, nn.ReLU()], "Linear, ReLU"), ([one, other], "mode")):
        with pytest.raises(ModuleError, match=words):
            stack_module_state(models)
    other.train().weight.requires_grad_(False)
    with pytest.raises(ModuleError, match="weight requires a gradient in some"):
        stack_module_state([one, other])
