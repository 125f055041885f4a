"""LBFGS: what it asks for, and its state. Its steps are cases of tests.parity."""

import numpy as np
import pytest

from lazygrad import Tensor, jit, optim
from lazygrad.errors import ArgumentError, CheckpointError, JitError, ValueRangeError


def valley(x):
    """Rosenbrock's, least at (1, 1)."""
    return (1 - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2


def made(start=(-1.0, 1.5), **options):
    x = Tensor(np.array(start), requires_grad=True)
    optimizer = optim.LBFGS([x], **{"line_search_fn": "strong_wolfe", **options})

    def closure():
        optimizer.zero_grad()
        loss = valley(x)
        loss.backward()
        return loss

    return x, optimizer, closure


def test_finds_the_least():
    x, optimizer, closure = made()
    for _ in range(3):
        optimizer.step(closure)
    np.testing.assert_allclose(x.tolist(), [1, 1], rtol=1e-4)


def test_the_closure_may_be_jitted():
    x, optimizer, closure = made()
    closure = jit(closure)
    for _ in range(3):
        optimizer.step(closure)
    np.testing.assert_allclose(x.tolist(), [1, 1], rtol=1e-4)
    assert closure.captures == 1


def test_a_state_goes_on():
    x, optimizer, closure = made(max_iter=3)
    optimizer.step(closure)
    other, again, other_closure = made(x.tolist(), max_iter=3)
    again.load_state_dict(optimizer.state_dict())
    for _ in range(2):
        optimizer.step(closure), again.step(other_closure)
    np.testing.assert_array_equal(x.tolist(), other.tolist())
    counts = [o.state_dict()["state"][0]["n_iter"] for o in (again, optimizer)]
    assert counts[0] == counts[1] > 2


def test_errors():
    _, optimizer, closure = made()
    with pytest.raises(ArgumentError, match=r"step\(\) needs a closure"):
        optimizer.step()
    with pytest.raises(ArgumentError, match="line_search_fn must be 'strong_wolfe' or None"):
        made(line_search_fn="wolfe")
    with pytest.raises(ValueRangeError, match="max_iter must be at least 1"):
        made(max_iter=0)
    with pytest.raises(ValueRangeError, match="one group of parameters only"):
        optimizer.add_param_group({"params": [Tensor([1.0], requires_grad=True)]})
    with pytest.raises(JitError):
        jit(lambda y: optimizer.step(closure) + y)(Tensor(1.0))
    for _ in range(2):
        optimizer.step(closure)
    _, larger, _ = made((1.0, 2.0, 3.0))
    with pytest.raises(CheckpointError, match=r"of \[2\] elements, .* this LBFGS have 3"):
        larger.load_state_dict(optimizer.state_dict())
