"""checkpoint: the same values and derivatives, in less memory."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, manual_seed, nn, no_grad, ops, units
from lazygrad.func import checkpoint, fori_loop, grad, hessian, jvp, vmap
from lazygrad.implicit import fixed_point
from lazygrad.inspect import explain, steps
from tests.schedule.planning import LIBRARY, VECTORS, plan_of

TARGETS = {"vectors": VECTORS, "library": LIBRARY}

X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
W = np.random.default_rng(1).standard_normal((3, 3)).astype(np.float32)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(32, 32) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        return x + functools.reduce(lambda x, layer: layer(x).gelu(), self.layers, x)


def test_sixteen_blocks_train_in_less_than_half_of_the_memory() -> None:
    planned: list[dict[str, int]] = []
    for wrapper in (lambda block: block, checkpoint):
        blocks = [Block() for _ in range(16)]
        x = Tensor.zeros(256, 32).clone()
        loss = functools.reduce(lambda x, block: wrapper(block)(x), blocks, x).square().mean()
        loss.backward()
        results = [loss, *(param.grad for block in blocks for param in block.parameters())]
        planned.append({n: plan_of(*results, target=t).peak_bytes for n, t in TARGETS.items()})
    for name, most in planned[0].items():
        assert planned[1][name] <= 0.4 * most, name


def both(f: Callable[[Tensor], Tensor], x: np.ndarray[Any, Any], device: str = "CPU") -> list[Any]:
    return [g(Tensor(x, device=device)).numpy() for g in (f, checkpoint(f))]


def test_values_and_derivatives_are_the_same(device: str) -> None:
    w = Tensor(W, device=device)

    def f(x: Tensor) -> Tensor:
        return ((x @ w).tanh() @ w).exp()

    x, one = Tensor(X, device=device), Tensor(np.ones_like(X), device=device)
    transforms: list[Callable[[Callable[[Tensor], Tensor]], Callable[[Tensor], Tensor]]] = [
        lambda f: f,
        lambda f: grad(lambda x: f(x).sum()),
        lambda f: jit(grad(lambda x: jit(f)(x).sum())),
        lambda f: vmap(grad(lambda x: f(x).sum())),
        lambda f: lambda x: jvp(f, (x,), (one,))[1],
        lambda f: grad(lambda x: vmap(f)(x).sum()),
        lambda f: grad(lambda x: (grad(lambda x: f(x).sum())(x) ** 2).sum()),
    ]
    if device == "GPU":
        transforms = transforms[2:3]
    for transform in transforms:
        plain, again = transform(f)(x).numpy(), transform(checkpoint(f))(x).numpy()
        np.testing.assert_allclose(again, plain, rtol=1e-5)


def test_checkpoints_inside_of_checkpoints() -> None:
    x = Tensor(X)

    def f(x: Tensor) -> Tensor:
        return (x @ Tensor(W)).tanh().exp()

    nested = checkpoint(lambda x: checkpoint(f)(checkpoint(f)(x * 0.1)))
    found = grad(lambda x: nested(x).sum())(x).numpy()
    np.testing.assert_allclose(
        found, grad(lambda x: f(f(x * 0.1)).sum())(x).numpy(), rtol=1e-4, atol=1e-6
    )


def test_a_hessian_through_a_checkpoint() -> None:
    f = lambda x: (x.sin() * x.exp()).sum()  # noqa: E731
    plain, again = both(hessian(f), X[0])
    np.testing.assert_allclose(again, plain, rtol=1e-6)
    np.testing.assert_allclose(hessian(checkpoint(f))(Tensor(X[0])).numpy(), plain, rtol=1e-5)


def test_in_the_steps_of_a_loop() -> None:
    """What a step computes of tensors from outside is the same in each, and yet part of what is
    computed again: they get their gradients."""
    w = Tensor(W)
    for f in (
        lambda c, w: (c @ w.sin()).tanh(),
        lambda c, w: (w.T.exp() * 0.1).sum(0) + c,
        lambda c, w: checkpoint(lambda c, v: v.sin() + c)(c, w[0].exp()),
    ):
        derivatives = []
        for wrapper in (lambda f: f, checkpoint):

            def loss(w: Tensor, f: Any = f, wrapper: Any = wrapper) -> Tensor:
                last = fori_loop(0, 3, lambda i, c: wrapper(lambda c: f(c, w))(c), w[0] * 1)
                return last.sum()

            derivatives.append([grad(loss)(w).numpy(), jvp(loss, (w,), (w,))[1].numpy()])
        for found, right in zip(*derivatives[::-1], strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-6)


def test_two_arguments_that_are_one_value() -> None:
    """Mapped over one tensor, both are the same node: its change counts once."""

    cubed = checkpoint(lambda a, b: a * b * b)

    def change(x: Tensor) -> Tensor:
        return jvp(lambda x: vmap(cubed)(x, x), (x,), (x,))[1]

    x = Tensor([1.0, 2.0])
    assert change(x).tolist() == [3, 24]
    assert grad(lambda x: change(x).sum())(x).tolist() == [9, 36]


def test_tensors_from_outside_get_their_gradients() -> None:
    w = Tensor(W, requires_grad=True)
    h = Tensor(X) @ w  # outside of what is computed again
    loss = checkpoint(lambda x, n, name: (x @ w * h).tanh() * n)(h, 2.0, "name").sum()
    loss.backward()
    found = w.grad
    w.grad = None
    ((h @ w * h).tanh() * 2.0).sum().backward()
    np.testing.assert_allclose(found.numpy(), w.grad.numpy(), rtol=1e-5)
    with no_grad():
        assert not checkpoint(lambda x: x @ w)(Tensor(X)).requires_grad


def test_a_checkpoint_without_arguments() -> None:
    w = Tensor(W, requires_grad=True)
    checkpoint(lambda: w.exp().sin().sum())().backward()
    np.testing.assert_allclose(w.grad.numpy(), np.cos(np.exp(W)) * np.exp(W), rtol=1e-5)


def test_what_is_shared_by_blocks_is_counted_once_in_each() -> None:
    w = Tensor(W, requires_grad=True)

    def total(block: Callable[[Tensor], Tensor]) -> Any:
        w.grad = None
        block(block(block(Tensor(X)))).sum().backward()
        return w.grad.numpy()

    block = lambda x: (x @ w).tanh()  # noqa: E731
    np.testing.assert_allclose(total(checkpoint(block)), total(block), rtol=1e-5)


def test_the_function_runs_once_and_draws_and_writes_once() -> None:
    calls: list[int] = []
    norm, dropout = nn.BatchNorm1d(3), nn.Dropout(0.5)

    def f(x: Tensor) -> Tensor:
        calls.append(1)
        return dropout(norm(x).exp()) * x

    def run(f: Callable[[Tensor], Tensor], make: Callable[..., Any]) -> list[Any]:
        manual_seed(3)
        norm.reset_running_stats()
        x = Tensor(X, requires_grad=True)
        make(lambda: f(x).sum().backward())()
        return [x.grad.numpy(), norm.running_mean.numpy(), norm.num_batches_tracked.item()]

    for make in (lambda f: f, jit):
        for plain, again in zip(run(f, make), run(checkpoint(f), make), strict=True):
            np.testing.assert_allclose(again, plain, rtol=1e-5)
    assert len(calls) == 4


def test_what_is_written_inside_does_not_pile_up() -> None:
    norm = nn.BatchNorm1d(3)
    x = Tensor(X, requires_grad=True)
    for _ in range(2):
        checkpoint(norm)(x).sum().backward()
        x.grad.realize()
    assert norm.running_mean._node.op is norm.num_batches_tracked._node.op is ops.BUFFER
    assert norm.num_batches_tracked.item() == 2


def test_explain_counts_what_is_kept_for_the_way_back() -> None:
    def kept(wrapper: Callable[..., Any]) -> tuple[int, int]:
        blocks = [Block() for _ in range(4)]
        x = Tensor.zeros(256, 32).clone()
        loss = functools.reduce(lambda x, block: wrapper(block)(x), blocks, x).square().mean()
        loss.backward()
        results = [loss, *(param.grad for block in blocks for param in block.parameters())]
        (step,) = steps(*results)
        count, nbytes = step.kept
        told = f"{count} values kept for the backward pass, {units.size(nbytes)}"
        assert told in explain(*results)
        return count, nbytes

    plain, again = kept(lambda block: block), kept(checkpoint)
    assert again[0] < plain[0] and again[1] < plain[1]
    assert "kept for the backward" not in explain(Tensor(X).exp().sum())


def test_what_is_read_from_outside_has_second_derivatives_in_a_loop() -> None:
    """Of a value that is dear to compute, which the way back would be given otherwise."""

    def f(a: Tensor, wrap: Any) -> Tensor:
        def step(i: Tensor, c: Tensor) -> Tensor:
            return (wrap(lambda c: a.sum().expand(3))(c) + i).sin()

        return fori_loop(1, 3, step, a).sum()

    a = Tensor([0.3, 0.5, -0.1])
    for order in (grad, lambda f: lambda a: jvp(f, (a,), (a * 0 + 1,))[1]):
        plain, again = (
            order(lambda a, w=w: grad(lambda a: f(a, w))(a).sum())(a)
            for w in (lambda f: f, checkpoint)
        )
        assert abs(plain.sum().item()) > 1
        np.testing.assert_allclose(again.numpy(), plain.numpy(), rtol=1e-5)


@pytest.mark.parametrize("known", [False, True])
def test_what_is_read_from_outside_has_derivatives_in_an_equation(known: bool) -> None:
    def solution(a: Tensor, wrap: Any) -> Tensor:
        f = wrap(lambda z: (a.sum() * z).cos())
        return fixed_point(f, Tensor(0.5), tol=1e-6)

    a = Tensor([0.3, 0.5], requires_grad=True)
    total = a.sum().realize() if known else None  # is the same node inside
    plain = grad(lambda a: solution(a, lambda f: f))(a)
    solution(a, checkpoint).backward()
    assert a.grad is not None and (total is not None) is known
    for found in (grad(lambda a: solution(a, checkpoint))(a), a.grad):
        np.testing.assert_allclose(found.detach().numpy(), plain.detach().numpy(), rtol=1e-4)
    assert plain[0].item() < -0.3
