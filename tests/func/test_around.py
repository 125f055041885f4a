"""What a transform leaves of what is around it: ambient state, tensors from outside, jitted
functions."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import (
    Tensor,
    graph,
    is_grad_enabled,
    jit,
    modes,
    nn,
    no_grad,
    optim,
    set_grad_enabled,
)
from lazygrad.errors import GradError, JitError, WriteError
from lazygrad.func import functional_call, grad, jacfwd, jacrev, jvp, linearize, vjp, vmap

X = np.array([1.0, 2.0], np.float32)
TRANSFORMS: dict[str, Callable[[Callable[..., Any]], Callable[[Tensor], Any]]] = {
    "grad": grad,
    "jacrev": jacrev,
    "jacfwd": jacfwd,
    "vjp": lambda f: lambda x: vjp(f, x),
    "jvp": lambda f: lambda x: jvp(f, (x,), (x,)),
    "linearize": lambda f: lambda x: linearize(f, x),
    "vmap": vmap,
    "jit": jit,
}


@pytest.fixture(params=TRANSFORMS)
def transform(request: pytest.FixtureRequest) -> Callable[..., Callable[[Tensor], Any]]:
    return TRANSFORMS[request.param]


def test_a_function_that_raises_leaves_nothing_behind(transform: Callable[..., Any]) -> None:
    before = dict(vars(modes.ambient))

    def f(x: Tensor) -> Tensor:
        set_grad_enabled(False)
        grad(lambda y: y.no_such_name)(x)
        return x

    for mode in (True, False):
        with set_grad_enabled(mode), pytest.raises(AttributeError):
            transform(f)(Tensor(X))
        assert is_grad_enabled()
    assert vars(modes.ambient).items() <= {**vars(modes.Ambient), **before}.items()


def test_a_write_to_a_tensor_from_outside_is_not_lost(transform: Callable[..., Any]) -> None:
    if transform is jit:
        return  # which writes it
    total, param = Tensor(0.0), Tensor(1.0, requires_grad=True)
    model = nn.BatchNorm1d(2)
    view = Tensor([[1.0], [2.0]])

    def writes(x: Tensor) -> list[Callable[[], Any]]:
        return [
            lambda: total.add_(x.sum()),
            lambda: total.assign(x.sum()),
            lambda: view[0].fill_(2.0),
            lambda: setattr(total, "grad", x.sum()),
            lambda: (param * 2).backward(),
            lambda: model(Tensor(np.ones((3, 2), np.float32))),
            lambda: x.requires_grad_(False) if x.requires_grad else total.zero_(),
        ]

    for index in range(7):

        def f(x: Tensor, index: int = index) -> Tensor:
            writes(x)[index]()
            return x.sum()

        with pytest.raises((WriteError, GradError), match="lost|leaves"):
            transform(f)(Tensor(X))
    assert total.item() == 0 and param.grad is None and total.grad is None
    assert model.num_batches_tracked is not None and model.num_batches_tracked.item() == 0
    assert view.tolist() == [[1.0], [2.0]]


def test_the_message_of_a_lost_write_tells_the_way_out() -> None:
    total = Tensor([0.0, 0.0])
    with pytest.raises(WriteError, match=r"add_.*float32 .*\(2,\).*grad.*func\.purify"):
        grad(lambda x: total.add_(x).sum())(Tensor(X))


def test_tensors_made_inside_can_be_written(transform: Callable[..., Any]) -> None:
    def f(x: Tensor) -> Tensor:
        made = Tensor.zeros(3) + 1
        made += x.sum()
        made[1] = x.sum() * 2
        made[:1].mul_(3)
        y = x.clone()
        y *= y
        return made.sum() + y.sum()

    assert grad(f)(Tensor(X)).tolist() == [3 + 2 + 1 + 2, 3 + 2 + 1 + 4]
    transform(f)(Tensor(X))


def test_an_argument_is_not_changed_behind_the_callers_back() -> None:
    x = Tensor(X)
    with pytest.raises(WriteError, match="clone"):
        grad(lambda x: x.mul_(2).sum())(x)
    with pytest.raises(WriteError, match="clone"), no_grad():
        grad(lambda x, y: (x * y.mul_(2)).sum())(x, x)
    assert x.tolist() == [1, 2]


def test_a_jitted_function_is_part_of_what_is_around_it(device: str) -> None:
    calls = []

    @jit
    def cube(x: Tensor) -> Tensor:
        calls.append(1)
        return (x**3).sum()

    x = Tensor(X, device=device)
    functions = (
        grad(cube),
        jit(grad(cube)),
        jit(grad(jit(cube))),
        lambda x: vmap(grad(cube))(x[:, None])[:, 0],
        lambda x: vmap(lambda x: jvp(cube, (x,), (x * 0 + 1,))[1])(x),
    )
    for f in functions if device == "CPU" else functions[2:3]:
        np.testing.assert_allclose(f(x).numpy(), 3 * X**2)
    before = len(calls)
    assert cube(x).item() == 9
    assert cube.captures == 1 and len(calls) == before + 1


def test_a_transform_is_part_of_a_jitted_function(device: str) -> None:
    model = nn.Linear(2, 1).to(device)
    opt = optim.SGD(model.parameters(), lr=0.5)
    params = dict(model.named_parameters())

    def loss(params: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(model, params, (x,)).square().sum()

    def step(x: Tensor) -> Tensor:
        found = grad(loss)(params, x)
        for name, param in params.items():
            param.grad = found[name].detach()
        opt.step()
        return loss(params, x)

    start = {name: param.detach().clone() for name, param in params.items()}
    x = Tensor(np.array([[1.0, 0.5]], np.float32), device=device)
    plain = [step(x).item() for _ in range(3)]
    for name, param in params.items():
        param.assign(start[name])
    fast = jit(step)
    np.testing.assert_allclose([fast(x).item() for _ in range(3)], plain, rtol=1e-4, atol=1e-6)
    assert fast.captures == 1


def test_values_are_not_there_where_a_jitted_function_is_around() -> None:
    with pytest.raises(JitError, match="value"):
        jit(grad(lambda x: x.sum() * x.sum().item()))(Tensor(X))


def test_what_is_kept_of_a_run_still_has_its_value() -> None:
    kept = []

    def f(x: Tensor) -> Tensor:
        kept.append(x * 2)
        return x.sum()

    grad(f)(Tensor(X))
    assert kept[0].tolist() == [2, 4]
    jit(lambda x: (grad(f)(x), kept[-1] * 1)[1])(Tensor(X))


def test_nothing_waits_for_the_garbage_collector(transform: Callable[..., Any]) -> None:
    """Memory of devices would wait with it."""
    if transform is jit:
        return  # which keeps what it has captured
    x = Tensor(X).realize()
    gc.collect()
    before = graph.interned_count()
    gc.disable()
    try:
        for scale in range(3):
            transform(lambda x: (x * x).sum())(x * scale)
        assert graph.interned_count() == before
    finally:
        gc.enable()
