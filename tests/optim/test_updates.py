"""Every option's update, step by step, against PyTorch's formulas in float64."""

import numpy as np
import pytest

from lazygrad import Tensor, optim
from tests.optim import oracle

SHAPES = [(3, 2), (), (5,)]
STEPS = 6


def start():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in SHAPES]


def gradients(steps=STEPS, missing=()):
    """One gradient a step and parameter; None for (step, parameter) in ``missing``."""
    rng = np.random.default_rng(1)
    drawn = [[rng.standard_normal(shape) for shape in SHAPES] for _ in range(steps)]
    return [
        [None if (step, i) in missing else grad for i, grad in enumerate(grads)]
        for step, grads in enumerate(drawn)
    ]


def train(optimizer, params, grads_by_step, before_step=lambda step: None):
    """The parameters after each step."""
    history = []
    for step, grads in enumerate(grads_by_step):
        before_step(step)
        for param, grad in zip(params, grads, strict=True):
            param.grad = None if grad is None else Tensor(grad, dtype=param.dtype)
        optimizer.step()
        history.append([param.detach().numpy() for param in params])
    return history


def leaves(dtype=None):
    return [Tensor(value, dtype=dtype, requires_grad=True) for value in start()]


def assert_histories_equal(found, expected, rtol):
    for step, (values, wanted) in enumerate(zip(found, expected, strict=True)):
        for value, want in zip(values, wanted, strict=True):
            np.testing.assert_allclose(value, want, rtol, rtol, err_msg=f"after step {step}")


SGD_OPTIONS = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "dampening": {"momentum": 0.9, "dampening": 0.3},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    "weight_decay": {"weight_decay": 0.1},
    "maximize": {"maximize": True, "weight_decay": 0.1},
    "all": {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.05, "maximize": True},
}
ADAM_OPTIONS = {
    "plain": {},
    "betas": {"betas": (0.7, 0.9)},
    "no_first_moment": {"betas": (0.0, 0.9)},
    "eps": {"eps": 0.1},
    "weight_decay": {"weight_decay": 0.1},
    "amsgrad": {"amsgrad": True, "betas": (0.5, 0.6)},
    "maximize": {"maximize": True, "weight_decay": 0.1},
}


@pytest.mark.parametrize("name", SGD_OPTIONS)
def test_sgd(name):
    options = SGD_OPTIONS[name]
    params = leaves()
    found = train(optim.SGD(params, lr=0.1, **options), params, gradients())
    assert_histories_equal(found, oracle.sgd(start(), gradients(), 0.1, **options), 1e-12)


@pytest.mark.parametrize("name", ADAM_OPTIONS)
def test_adam(name):
    options = ADAM_OPTIONS[name]
    params = leaves()
    found = train(optim.Adam(params, lr=0.05, **options), params, gradients())
    assert_histories_equal(found, oracle.adam(start(), gradients(), 0.05, **options), 1e-12)


@pytest.mark.parametrize("name", ADAM_OPTIONS)
def test_adamw(name):
    options = {"weight_decay": 0.02, **ADAM_OPTIONS[name]}
    params = leaves()
    found = train(optim.AdamW(params, lr=0.05, **options), params, gradients())
    expected = oracle.adam(start(), gradients(), 0.05, decoupled=True, **options)
    assert_histories_equal(found, expected, 1e-12)


BEYOND_TORCH = {
    "Lion": (optim.Lion, oracle.lion, {}),
    "Lion, options": (optim.Lion, oracle.lion, {"betas": (0.5, 0.7), "weight_decay": 0.2}),
    "Lion, maximize": (optim.Lion, oracle.lion, {"maximize": True}),
    "LAMB": (optim.LAMB, oracle.lamb, {}),
    "LAMB, options": (optim.LAMB, oracle.lamb, {"betas": (0.5, 0.7), "weight_decay": 0.2}),
    "LAMB, maximize": (optim.LAMB, oracle.lamb, {"maximize": True, "eps": 0.1}),
}


@pytest.mark.parametrize("name", BEYOND_TORCH)
def test_those_that_torch_does_not_have(name):
    maker, formula, options = BEYOND_TORCH[name]
    params = leaves()
    found = train(maker(params, lr=0.05, **options), params, gradients())
    assert_histories_equal(found, formula(start(), gradients(), 0.05, **options), 1e-12)


@pytest.mark.parametrize("nesterov", [True, False])
def test_muon(nesterov):
    rng = np.random.default_rng(2)
    values = [rng.standard_normal(shape) for shape in ((3, 5), (6, 2), (4, 4))]
    grads = [[rng.standard_normal(v.shape) for v in values] for _ in range(STEPS)]
    params = [Tensor(value, requires_grad=True) for value in values]
    found = train(optim.Muon(params, lr=0.05, nesterov=nesterov), params, grads)
    assert_histories_equal(found, oracle.muon(values, grads, 0.05, nesterov=nesterov), 1e-9)


def test_lamb_moves_a_parameter_that_is_zero():
    param = Tensor(np.zeros(3), requires_grad=True)
    param.grad = Tensor(np.ones(3))
    optim.LAMB([param], lr=0.1).step()
    np.testing.assert_allclose(param.detach().numpy(), -0.1, rtol=1e-5)


def test_rates_and_states_start_with_the_first_step():
    # PyTorch makes Rprop's step sizes and ASGD's eta in the first step, from the rate of then
    for maker in (optim.Rprop, optim.ASGD):
        params = leaves()
        optimizer = maker(params, lr=0.5)
        optimizer.param_groups[0]["lr"] = 0.125
        found = train(optimizer, params, gradients(1))
        params = leaves()
        assert_histories_equal(found, train(maker(params, lr=0.125), params, gradients(1)), 0)


def test_float32_stays_close_from_the_first_step_on():
    # 1 - 0.999 ** 1 in float32 would be off by 6e-5
    params = leaves("float32")
    found = train(optim.Adam(params, lr=0.05), params, gradients())
    assert_histories_equal(found, oracle.adam(start(), gradients(), 0.05), 2e-6)


def test_half_precision_parameters_take_small_steps():
    # 1 - 1e-3 is not a float16 multiple of anything near 1: the update is made in float32
    param = Tensor(np.full(4, 0.5), dtype="float16", requires_grad=True)
    optimizer = optim.Adam([param], lr=1e-3)
    param.grad = Tensor(np.full(4, 1e-4), dtype="float16")
    optimizer.step()
    assert param.dtype.name == "float16"
    np.testing.assert_allclose(param.detach().numpy(), 0.499, atol=3e-4)


MISSING = {(0, 1), (1, 1), (3, 0), (3, 1), (4, 2)}


def test_parameters_without_gradient_rest_and_count_for_themselves():
    options = {"momentum": 0.9, "dampening": 0.3}
    params = leaves()
    found = train(optim.SGD(params, lr=0.1, **options), params, gradients(missing=MISSING))
    expected = oracle.sgd(start(), gradients(missing=MISSING), 0.1, **options)
    assert_histories_equal(found, expected, 1e-12)

    params = leaves()
    found = train(optim.Adam(params, lr=0.05), params, gradients(missing=MISSING))
    expected = oracle.adam(start(), gradients(missing=MISSING), 0.05)
    assert_histories_equal(found, expected, 1e-12)


@pytest.mark.parametrize("given", [float, Tensor], ids=["number", "tensor"])
def test_learning_rate_can_change_between_steps(given):
    params = leaves()
    optimizer = optim.AdamW(params, lr=0.05, weight_decay=0.1)

    def set_rate(step):
        optimizer.param_groups[0]["lr"] = given(0.05 / (step + 1))

    found = train(optimizer, params, gradients(), set_rate)
    expected = oracle.adam(
        start(), gradients(), lambda step: 0.05 / (step + 1), weight_decay=0.1, decoupled=True
    )
    assert_histories_equal(found, expected, 1e-7 if given is Tensor else 1e-12)


def test_groups_have_options_of_their_own():
    params = leaves()
    optimizer = optim.SGD(
        [{"params": params[:1], "lr": 0.5}, {"params": params[1:], "momentum": 0.9}], lr=0.1
    )
    found = train(optimizer, params, gradients())
    first = oracle.sgd(start()[:1], [g[:1] for g in gradients()], 0.5)
    others = oracle.sgd(start()[1:], [g[1:] for g in gradients()], 0.1, momentum=0.9)
    expected = [a + b for a, b in zip(first, others, strict=True)]
    assert_histories_equal(found, expected, 1e-12)
