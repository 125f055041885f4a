"""purify: the results and the state are those of the object, and nothing else has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Generator, Tensor, jit, manual_seed, nn, optim
from lazygrad.errors import ArgumentError, JitError, ShapeError, WriteError
from lazygrad.func import functional_call, grad, purify, scan, stack_module_state, vmap

X = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
Y = np.array([0, 1, 1, 0, 1, 0, 0, 1])


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.second = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.drop(self.norm(self.first(x)).relu()))


def values_of(tree: dict[str, Tensor]) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in tree.items()}


def assert_same(one: dict[str, Any], other: dict[str, Any], rtol: float = 1e-5) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=rtol, atol=1e-6, err_msg=name)


def trainer() -> tuple[Net, Callable[[Tensor, Tensor], Tensor]]:
    manual_seed(1)
    model = Net()
    opt = optim.Adam(model.parameters(), lr=0.1)

    def step(x: Tensor, y: Tensor) -> Tensor:
        opt.zero_grad()
        loss = model(x).cross_entropy(y)
        loss.backward()
        opt.step()
        opt.zero_grad()
        return loss

    return model, step


def test_a_module_is_a_function_of_its_parameters_and_statistics(device: str) -> None:
    manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).to(device)
    x = Tensor(X, device=device)
    pure = purify(model)
    state = pure.state()
    assert list(state) == [n for n, _ in (*model.named_parameters(), *model.named_buffers())]
    assert not any(tensor.requires_grad for tensor in state.values())
    output, after = pure(state, x)
    again, _ = jit(pure)(state, x)
    assert not output.requires_grad and model[1].num_batches_tracked.item() == 0
    expected = model(x)
    for found in (output, again):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
    assert_same(values_of(after), values_of(model.state_dict()))


def test_a_training_step_is_a_function_of_everything() -> None:
    """Parameters, running statistics, the optimizer's state and random numbers."""
    x, y = Tensor(X), Tensor(Y)
    model, step = trainer()
    pure = purify(step)
    state = pure.state(x, y)
    before = values_of(model.state_dict())
    fast = jit(pure)
    losses = []
    for _ in range(3):
        loss, state = fast(state, x, y)
        losses.append(loss.item())
    assert fast.captures == 1
    assert_same(values_of(model.state_dict()), before)
    assert {"model.first.weight", "model.norm.running_mean", "random"} <= state.keys()
    np.testing.assert_allclose(losses, [step(x, y).item() for _ in range(3)], rtol=1e-4)
    left = {name: state[f"model.{name}"] for name in model.state_dict()}
    assert_same(values_of(left), values_of(model.state_dict()), rtol=1e-3)


def test_a_state_can_be_loaded_back() -> None:
    x, y = Tensor(X), Tensor(Y)
    _, step = trainer()
    pure = purify(step)
    state = pure.state(x, y)
    for _ in range(2):
        _, state = pure(state, x, y)
    pure.load(state)
    went_on = [step(x, y).item() for _ in range(2)]
    _, step = trainer()
    np.testing.assert_allclose(went_on, [step(x, y).item() for _ in range(4)][2:], rtol=1e-5)


def test_training_is_a_scan() -> None:
    _, step = trainer()
    pure = purify(step)
    xs, ys = Tensor(np.stack([X] * 4)), Tensor(np.stack([Y] * 4))
    state = pure.state(xs[0], ys[0])
    _, losses = scan(lambda state, xy: pure(state, *xy)[::-1], state, (xs, ys))
    plain = [step(xs[0], ys[0]).item() for _ in range(4)]
    np.testing.assert_allclose(losses.numpy(), plain, rtol=1e-4)


def test_gradients_by_the_state() -> None:
    manual_seed(1)
    model, x = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), Tensor(X)
    pure = purify(model)
    params = dict(model.named_parameters())

    state = pure.state()
    found, after = grad(
        lambda p: (lambda o, s: ((o**3).sum(), s))(*pure({**state, **p}, x)), has_aux=True
    )({name: state[name] for name in params})
    (model(x) ** 3).sum().backward()
    for name, param in params.items():
        np.testing.assert_allclose(found[name].numpy(), param.grad.numpy(), rtol=1e-3, atol=1e-4)
    assert after["1.num_batches_tracked"].item() == 1 == model[1].num_batches_tracked.item()


def test_gradients_that_are_left_are_part_of_the_state() -> None:
    weight = Tensor([1.0, 2.0], requires_grad=True)

    def accumulate(x: Tensor) -> Tensor:
        loss = (weight * x).sum()
        loss.backward()
        return loss

    pure = purify(accumulate)
    x = Tensor([3.0, 5.0])
    state = pure.state(x)
    assert state["0.grad"].tolist() == [0, 0]
    for count in (1, 2):
        loss, state = pure(state, x)
        assert loss.item() == 13 and state["0.grad"].tolist() == [3 * count, 5 * count]
    assert weight.grad is None
    pure.load(state)
    accumulate(x)
    assert weight.grad.tolist() == [9, 15]


def test_each_stream_of_random_numbers_goes_on() -> None:
    own = Generator().manual_seed(5)

    def draw() -> list[Tensor]:
        return [Tensor.rand(2), Tensor.rand(2, generator=own), Tensor.rand(2)]

    pure = purify(draw)
    state = pure.state()
    assert state.keys() == {"random", "random.1"}
    found = []
    for _ in range(2):
        drawn, state = pure(state)
        found += [tensor.tolist() for tensor in drawn]
    plain = [tensor.tolist() for _ in range(2) for tensor in draw()]
    assert found == plain
    pure.load(state)
    assert [t.tolist() for t in draw()] == [t.tolist() for t in pure(state)[0]]


def test_members_of_an_ensemble_have_their_own_random_numbers() -> None:
    model = nn.Dropout(0.5)
    pure = purify(model)
    states = []
    for seed in range(3):
        manual_seed(seed)
        states.append(pure.state(Tensor(X))["random"])
    found, after = vmap(pure, (0, None))({"random": Tensor.stack(states)}, Tensor(X))
    for seed in range(3):
        manual_seed(seed)
        np.testing.assert_array_equal(found[seed].numpy(), model(Tensor(X)).numpy())
    assert after["random"].shape == (3, 3)


class Cnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4 * 9, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.conv(x)).relu().max_pool2d(2).flatten(1))


def test_an_ensemble_of_eight_networks_is_one_mapped_call(device: str) -> None:
    models = [Cnn().to(device) for _ in range(8)]
    x = Tensor(np.arange(2 * 8 * 8, dtype=np.float32).reshape(2, 1, 8, 8) % 7 - 3, device=device)
    params, buffers = stack_module_state(models)
    pure = purify(models[0])
    found, after = vmap(pure, (0, None))({**params, **buffers}, x)
    expected = np.stack([model(x).numpy() for model in models])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)
    means = np.stack([model.norm.running_mean.numpy() for model in models])
    np.testing.assert_allclose(after["norm.running_mean"].numpy(), means, rtol=1e-4, atol=1e-5)


def test_gradients_of_an_ensemble() -> None:
    models = [nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)) for _ in range(8)]
    params, _ = stack_module_state(models)

    def loss(params: dict[str, Tensor]) -> Tensor:
        return functional_call(models[0], params, Tensor(X)).square().sum()

    slopes = vmap(grad(loss))(params)
    models[7](Tensor(X)).square().sum().backward()
    for name, param in models[7].named_parameters():
        found = slopes[name][7].numpy()
        np.testing.assert_allclose(found, param.grad.numpy(), rtol=1e-4, atol=1e-5)


def test_a_state_may_be_given_as_leaves_that_require_a_gradient() -> None:
    total = Tensor(0.0)

    def add(x: Tensor) -> Tensor:
        total.mul_(x)
        return total * 1

    pure = purify(add)
    [name] = pure.state(Tensor(1.0))
    held = Tensor(2.0, requires_grad=True)
    output, after = pure({name: held}, Tensor(5.0))
    (output + after[name]).backward()
    assert held.grad is not None and held.grad.item() == 10 and total.item() == 0


def test_views_of_the_state_do_not_stand_in_the_way() -> None:
    model = nn.BatchNorm1d(3)
    shown = model.state_dict()  # views of the statistics
    pure = purify(model)
    state = pure.state(Tensor(X))
    assert len(state) == 5
    _, after = pure(state, Tensor(X))
    assert shown["num_batches_tracked"].item() == 0
    pure.load(after)
    assert shown["num_batches_tracked"].item() == 1


def test_what_is_no_state_is_told() -> None:
    model, x = nn.Linear(3, 2), Tensor(X)
    pure = purify(model)
    state = pure.state()
    with pytest.raises(ArgumentError, match="'more', which the function does not know; it knows w"):
        pure({**state, "more": x}, x)
    with pytest.raises(ArgumentError, match="weight of the state must be a Tensor"):
        pure({"weight": 1.0}, x)  # type: ignore[dict-item]
    with pytest.raises(ShapeError, match=r"weight is float32 \(2, 3\).*\(8, 3\)"):
        pure({**state, "weight": x}, x)
    total = Tensor(0.0)
    with pytest.raises(WriteError, match="no place in the state"):
        purify(lambda x: total.add_(1))({}, x)
    with pytest.raises(ArgumentError, match="no 'random'"):
        purify(nn.Dropout())({}, x)
    with pytest.raises(JitError, match="purify.*value"):
        purify(lambda x: x.sum() + total.item())({}, x)
    with pytest.raises(JitError, match="purify.*value"):
        purify(lambda x: x * x.sum().item()).state(x)
    with pytest.raises(JitError, match="outside of jit"):
        jit(lambda x: pure.state(x))(x)
    assert total.item() == 0
    assert pure({}, x)[0].shape == (8, 2)  # with the tensors that the module has
