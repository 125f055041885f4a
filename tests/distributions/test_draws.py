"""Draws have the moments of their distribution, derivatives where they can, and shapes."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor, jit
from lazygrad.distributions import (
    Bernoulli,
    Categorical,
    Distribution,
    Normal,
    Uniform,
    kl_divergence,
)
from lazygrad.errors import ArgumentError, ShapeError, ValueRangeError

N = 20_000


def made(device: str) -> list[Distribution]:
    loc = Tensor([-1.0, 3.0], device=device)
    return [
        Normal(loc, 0.5),
        Uniform(loc, loc + 2),
        Bernoulli(Tensor([0.2, 0.9], device=device)),
        Bernoulli(logits=loc),
    ]


def test_moments(device: str) -> None:
    for distribution in made(device):
        drawn = distribution.sample((N,))
        assert drawn.shape == (N, 2)
        spread = distribution.stddev.numpy()
        assert (abs(drawn.numpy().mean(0) - distribution.mean.numpy()) < 4 * spread / N**0.5).all()
        np.testing.assert_allclose(drawn.numpy().std(0), spread, rtol=0.05)


def test_classes(device: str) -> None:
    probs = np.float32([[0.1, 0.6, 0.3], [1.0, 0.0, 0.0]])
    drawn = Categorical(Tensor(probs, device=device)).sample((N,))
    assert (drawn.shape, drawn.dtype.name) == ((N, 2), "int64")
    shares = np.stack([(drawn.numpy() == c).mean(0) for c in range(3)], 1)
    np.testing.assert_allclose(shares, probs, atol=0.02)
    assert shares[1].tolist() == [1, 0, 0]


def test_derivatives_through_draws(device: str) -> None:
    loc = Tensor([0.5, 1.0], device=device, requires_grad=True)
    scale = Tensor([1.0, 2.0], device=device, requires_grad=True)
    for distribution in (Normal(loc, scale), Uniform(loc, loc + scale)):
        loc.grad = scale.grad = None
        drawn = distribution.rsample((3,))
        drawn.sum().backward()
        assert loc.grad is not None and scale.grad is not None
        np.testing.assert_allclose(loc.grad.numpy(), [3, 3], rtol=1e-6)
        noise = ((drawn - loc) / scale).sum(0)
        np.testing.assert_allclose(scale.grad.numpy(), noise.numpy(), rtol=1e-4)
        assert not distribution.sample().requires_grad
    for discrete in (Bernoulli(0.5), Categorical(Tensor([0.5, 0.5]))):
        with pytest.raises(ArgumentError, match="discrete values have no derivative; use sample"):
            discrete.rsample()


def test_draws_are_fresh_in_jitted_code(device: str) -> None:
    policy = Categorical(logits=Tensor(np.zeros(1000, np.float32), device=device))
    step = jit(lambda: policy.sample((4,)))
    assert len({tuple(step().tolist()) for _ in range(5)}) == 5


def test_wrong_parameters() -> None:
    with pytest.raises(ValueRangeError, match=r"\[Normal\] scale must be above 0, got -1"):
        Normal(0, -1)
    with pytest.raises(ValueRangeError, match=r"\[Uniform\] high must be above low \(2\), got 1"):
        Uniform(2, 1)
    with pytest.raises(ValueRangeError, match=r"\[Bernoulli\] probs must be from 0 to 1, got 1.5"):
        Bernoulli(1.5)
    with pytest.raises(ArgumentError, match=r"\[Categorical\] takes either probs or logits, got n"):
        Categorical()
    with pytest.raises(ArgumentError, match=r"\[Bernoulli\] takes either .*, got both"):
        Bernoulli(0.5, 0.0)
    with pytest.raises(ShapeError, match=r"\[Categorical\] needs at least one dim"):
        Categorical(Tensor(0.5))
    with pytest.raises(ArgumentError, match="no rule for Normal and Uniform"):
        kl_divergence(Normal(0, 1), Uniform(0, 1))
    assert repr(Normal(Tensor([0.0]), 1)) == "Normal(batch_shape=(1,))"
