"""What lazygrad does for the bench's workloads, beside plain NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tools.benchmarks import worker
from tools.benchmarks.frameworks import Framework, Step, load_framework
from tools.benchmarks.workloads import BESIDE, LOOPS, PREPARED, PROGRAMS, TRANSFORMS, transforms
from tools.benchmarks.workloads.loops import SUFFIX

RNG = np.random.default_rng(0)


@pytest.fixture(params=[True, False], ids=["jitted", "unjitted"])
def framework(request: pytest.FixtureRequest) -> Framework:
    return load_framework("lazygrad", 2, {"jit": request.param})


def transposed(x: np.ndarray, weight: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Every element of ``x`` adds its multiple of the window to the result."""
    (count, _, rows, columns), (_, outputs, window, _) = x.shape, weight.shape
    sides = [(side - 1) * stride + window for side in (rows, columns)]
    out = np.zeros((count, outputs, *sides), np.float32)
    for i in range(rows):
        for j in range(columns):
            part = np.einsum("nc,cohw->nohw", x[:, :, i, j], weight)
            out[:, :, i * stride :, j * stride :][:, :, :window, :window] += part
    return out[:, :, padding : sides[0] - padding, padding : sides[1] - padding]


def test_transposed_convolution_forward_and_backward(framework: Framework) -> None:
    x = RNG.integers(-3, 4, (2, 3, 4, 5)).astype(np.float32)
    weight = RNG.integers(-3, 4, (3, 2, 4, 4)).astype(np.float32)
    upstream = RNG.integers(-3, 4, (2, 2, 8, 10)).astype(np.float32)
    step = framework.derivatives(
        lambda x, weight: framework.conv_transpose2d(x, weight, stride=2, padding=1),
        framework.tensor(upstream),
        (framework.tensor(x), framework.tensor(weight)),
    )
    result, by_x, by_weight = map(framework.array, step())
    np.testing.assert_array_equal(result, transposed(x, weight, 2, 1))
    # the result is linear in each: what `upstream` makes of an input is its sum over unit changes
    units = np.eye(x.size, dtype=np.float32).reshape(-1, *x.shape)
    expected = [np.vdot(transposed(unit, weight, 2, 1), upstream) for unit in units]
    np.testing.assert_array_equal(by_x.ravel(), expected)
    units = np.eye(weight.size, dtype=np.float32).reshape(-1, *weight.shape)
    expected = [np.vdot(transposed(x, unit, 2, 1), upstream) for unit in units]
    np.testing.assert_array_equal(by_weight.ravel(), expected)


def test_the_gradient_of_an_embedding(framework: Framework) -> None:
    weight, index = np.arange(14, dtype=np.float32).reshape(7, 2), np.array([3, 0, 3])
    upstream = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    step = framework.derivatives(
        lambda weight, index: framework.embedding(index, weight),
        framework.tensor(upstream),
        (framework.tensor(weight),),
        framework.tensor(index),
    )
    for _ in range(3):  # as often as asked: nothing accumulates
        rows, gradient = map(framework.array, step())
        np.testing.assert_array_equal(rows, weight[index])
        expected = np.zeros_like(weight)
        np.add.at(expected, index, upstream)
        np.testing.assert_array_equal(gradient, expected)


def test_all_that_a_step_makes_is_looked_at() -> None:
    session = worker.Session("lazygrad-cpu", "conv", 2)
    session.framework = load_framework("lazygrad", 2, {})
    made = tuple(session.framework.tensor(np.full(3, v, np.float32)) for v in (-1, 2))
    session.step = lambda: made
    assert session.check(1) == {"checks": [3.0]}
    session.step = lambda: made[1]
    assert session.check(2) == {"checks": [3.0, 2.0]}


def results(framework: Framework, build: Callable[[Framework], Step], steps: int) -> list[float]:
    step = build(framework)
    return [float(framework.array(step())) for _ in range(steps)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_learns(framework: Framework, name: str) -> None:
    losses = results(framework, PROGRAMS[name].build, 3)
    assert np.isfinite(losses).all()
    # the generator falls behind: the discriminator learns faster
    assert losses == sorted(losses, reverse=name != "dcgan")
    assert len(set(losses)) == 3


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_and_the_prepared_one(framework: Framework, name: str) -> None:
    losses = results(framework, LOOPS[name].build, 4)
    others = results(framework, PREPARED[name + SUFFIX].build, 4)
    assert losses[0] == others[0]
    # where a batch lies and what becomes of losses changes nothing; the rate and the state do
    same = name in ("loop_slices", "loop_totals")
    np.testing.assert_allclose(losses, others, rtol=1e-6 if same else 1e-2)
    assert same or losses != others


def test_batches_of_a_loop_begin_again(framework: Framework) -> None:
    losses = results(framework, LOOPS["loop_slices"].build, 17)
    assert losses[16] < losses[0]  # the first batch, seen for the second time


def test_gradients_of_each_sample_have_that_of_the_batch_as_their_mean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transforms, "BATCH", 4)
    jitted = load_framework("lazygrad", 2, {})
    each, mean = TRANSFORMS["cnn_per_sample"], BESIDE["cnn_per_sample-gradient"]
    rows = zip(each.build(jitted)(), mean.build(jitted)(), strict=True)
    for samples, whole in rows:
        expected = jitted.array(samples).mean(0)
        np.testing.assert_allclose(jitted.array(whole), expected, atol=1e-6)


def test_jacobians_of_both_modes_are_equal(framework: Framework) -> None:
    found = [framework.array(TRANSFORMS[n].build(framework)()[0]) for n in ("jacfwd", "jacrev")]
    assert found[0].shape == (32, 64, 64)
    np.testing.assert_allclose(*found, atol=1e-5)


def test_a_scan_is_a_loop(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transforms, "LENGTH", 18)
    found = framework.array(TRANSFORMS["gru_scan"].build(framework)())
    xs, state = map(framework.array, transforms._sequences(framework))
    weights = [value for _, value in sorted(transforms.initial(transforms.GRU).items())]
    bias, across, bias_in, inward = weights
    for x in xs:
        given, own = x @ inward.T + bias_in, state @ across.T + bias
        reset, update, new = np.split(given, 3, 1)
        reset_, update_, new_ = np.split(own, 3, 1)
        update = 1 / (1 + np.exp(-update - update_))
        new = np.tanh(new + new_ / (1 + np.exp(-reset - reset_)))
        state = new + update * (state - new)
    np.testing.assert_allclose(found, state, atol=1e-5)
