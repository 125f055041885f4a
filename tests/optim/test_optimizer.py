"""What all optimizers share: groups, gradients, state, errors, and a graph that does not grow."""

import gc

import numpy as np
import pytest

from lazygrad import Tensor, graph, nn, no_grad, optim
from lazygrad.errors import ArgumentError, CheckpointError, GradError, ValueRangeError
from tests.optim.makers import MAKERS


def leaf(*values):
    return Tensor(list(values), requires_grad=True)


def quadratic_steps(optimizer, param, count):
    """Steps on ``sum(param ** 2)``, which never read the loss."""
    for _ in range(count):
        optimizer.zero_grad()
        (param * param).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("name", MAKERS)
def test_minimises_a_quadratic(name):
    param = leaf(1.0, -2.0)
    quadratic_steps(MAKERS[name]([param]), param, 60)
    assert np.abs(param.detach().numpy()).max() < 0.3


@pytest.mark.usefixtures("young_objects_only")
@pytest.mark.parametrize("name", MAKERS)
def test_graph_does_not_grow_although_nothing_is_read(name):
    param = leaf(1.0, -2.0)
    optimizer = MAKERS[name]([param])
    quadratic_steps(optimizer, param, 3)
    gc.collect()
    before = graph.interned_count()
    quadratic_steps(optimizer, param, 20)
    gc.collect()
    assert graph.interned_count() <= before


@pytest.mark.parametrize("name", MAKERS)
def test_step_leaves_parameters_and_state_realised(name):
    param = leaf(1.0, -2.0)
    optimizer = MAKERS[name]([param])
    quadratic_steps(optimizer, param, 1)
    for tensor in (param, *optimizer.state[param].values()):
        assert "lazy" not in repr(tensor)


def test_parameter_stays_the_same_leaf():
    param = leaf(1.0, -2.0)
    quadratic_steps(optim.SGD([param], lr=0.1), param, 2)
    assert param.requires_grad
    assert param.is_leaf


def test_zero_grad():
    param = leaf(1.0)
    optimizer = optim.SGD([param], lr=0.1)
    (param * 3.0).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    np.testing.assert_array_equal(param.grad.numpy(), [0.0])
    optimizer.zero_grad()
    assert param.grad is None


def test_closure_is_called_and_its_loss_returned():
    param = leaf(1.0)
    optimizer = optim.SGD([param], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (param * 3.0).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == pytest.approx(3.0)
    np.testing.assert_allclose(param.detach().numpy(), [0.7], rtol=1e-6)


def test_add_param_group():
    first, second = leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([first], lr=0.1)
    optimizer.add_param_group({"params": second, "lr": 0.5})
    (first + second).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(first.detach().numpy(), [0.9], rtol=1e-6)
    np.testing.assert_allclose(second.detach().numpy(), [0.5], rtol=1e-6)


def test_learning_rate_reads_back_as_it_was_set():
    optimizer = optim.SGD([leaf(1.0)], lr=0.1)
    group = optimizer.param_groups[0]
    assert group["lr"] == 0.1
    group["lr"] *= 0.5
    group.update(momentum=0.9)
    assert (group["lr"], group["momentum"]) == (0.05, 0.9)
    assert "lr: 0.05" in repr(optimizer)


def test_named_parameters():
    model = nn.Linear(2, 3)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"] == [model.weight, model.bias]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ArgumentError, match="1 of 2 parameters of a group have names"):
        optim.SGD([("weight", model.weight), model.bias], lr=0.1)


def test_options_of_a_group_that_fit_together_only_are_set_together():
    param = leaf(1.0)
    optimizer = optim.SGD([param], lr=0.1, momentum=0.9, nesterov=True)
    optimizer.param_groups[0].update(momentum=0, nesterov=False)
    assert optimizer.param_groups[0]["momentum"] == 0


def test_momentum_that_is_set_later_has_its_buffer():
    param = leaf(1.0)
    optimizer = optim.SGD([param], lr=0.1)
    optimizer.param_groups[0]["momentum"] = 0.5
    quadratic_steps(optimizer, param, 2)
    np.testing.assert_allclose(param.detach().numpy(), [0.8 - 0.1 * (0.5 * 2 + 1.6)], rtol=1e-6)


def test_a_rate_that_is_a_tensor_is_read_where_it_is():
    param, rate = leaf(1.0), Tensor(0.5)
    optimizer = optim.SGD([param], lr=rate)
    rate.fill_(0.25)
    quadratic_steps(optimizer, param, 1)
    assert param.tolist() == [0.5]


def test_hooks():
    param, seen = leaf(1.0), []
    optimizer = optim.SGD([param], lr=0.1)
    before = optimizer.register_step_pre_hook(lambda opt, args, kwargs: seen.append("before"))
    optimizer.register_step_post_hook(lambda opt, args, kwargs: seen.append("after"))
    quadratic_steps(optimizer, param, 1)
    before.remove()
    quadratic_steps(optimizer, param, 1)
    assert seen == ["before", "after", "after"]


# -- errors ----------------------------------------------------------------------------------


def test_wrong_options_are_errors():
    cases = [
        (lambda p: optim.SGD(p, lr=-1.0), "lr must be at least 0, got -1.0"),
        (lambda p: optim.SGD(p, momentum=-0.1), "momentum must be at least 0"),
        (lambda p: optim.SGD(p, nesterov=True), "nesterov needs a momentum"),
        (lambda p: optim.Adam(p, betas=(0.9, 1.0)), "betas must be two numbers"),
        (lambda p: optim.Adam(p, betas=(1.0, 0.9)), "betas must be two numbers"),
        (lambda p: optim.Adam(p, eps=-1e-8), "eps must be at least 0"),
        (lambda p: optim.AdamW(p, weight_decay=-1), "weight_decay must be at least 0"),
    ]
    for make, message in cases:
        with pytest.raises(ValueRangeError, match=message):
            make([leaf(1.0)])


def test_wrong_parameters_are_errors():
    param = leaf(1.0)
    with pytest.raises(ValueRangeError, match="no parameters"):
        optim.SGD([], lr=0.1)
    with pytest.raises(ValueRangeError, match="given twice"):
        optim.SGD([param, param], lr=0.1)
    with pytest.raises(ValueRangeError, match="given twice"):
        optim.SGD([{"params": [param]}, {"params": [param]}], lr=0.1)
    with pytest.raises(ArgumentError, match=r"got 1\.0 \(float\)"):
        optim.SGD([1.0], lr=0.1)
    with pytest.raises(GradError, match="computed from others"):
        optim.SGD([param * 2], lr=0.1)


# -- state -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_state_dict_continues_where_it_was_taken(name):
    param = leaf(1.0, -2.0)
    optimizer = MAKERS[name]([param])
    quadratic_steps(optimizer, param, 3)
    optimizer.param_groups[0]["lr"] = 0.05
    saved, value = optimizer.state_dict(), param.detach().numpy()
    quadratic_steps(optimizer, param, 3)

    other = Tensor(value, requires_grad=True)
    resumed = MAKERS[name]([other])
    tensors, options = optim.flatten_state(saved)
    resumed.load_state_dict(optim.unflatten_state(tensors, options))
    assert resumed.param_groups[0]["lr"] == 0.05
    quadratic_steps(resumed, other, 3)
    np.testing.assert_array_equal(other.detach().numpy(), param.detach().numpy())


def test_the_state_of_an_optimizer_that_looks_at_its_parameters_is_loaded():
    param = Tensor(np.ones((2, 3)), requires_grad=True)
    optimizer, other = optim.Muon([param], lr=0.1), optim.Muon([param])
    param.grad = Tensor(np.ones((2, 3)))
    optimizer.step()
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["lr"] == 0.1
    buffers = [o.state[param]["momentum_buffer"].tolist() for o in (optimizer, other)]
    assert buffers[0] == buffers[1]


def test_state_dict_has_the_layout_of_torch():
    params = [leaf(1.0, 2.0), leaf(3.0)]
    optimizer = optim.Adam([{"params": params[:1]}, {"params": params[1:], "lr": 0.5}], lr=0.1)
    for param in params:
        param.grad = Tensor([1.0] * param.shape[0])
    optimizer.step()
    saved = optimizer.state_dict()
    assert set(saved) == {"state", "param_groups"}
    assert set(saved["state"]) == {0, 1}
    assert set(saved["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}
    assert saved["state"][1]["step"].item() == 1
    assert [group["params"] for group in saved["param_groups"]] == [[0], [1]]
    assert [group["lr"] for group in saved["param_groups"]] == [0.1, 0.5]


def test_state_dict_is_a_snapshot():
    param = leaf(1.0)
    optimizer = optim.SGD([param], lr=0.1, momentum=0.9)
    quadratic_steps(optimizer, param, 1)
    saved = optimizer.state_dict()
    quadratic_steps(optimizer, param, 1)
    np.testing.assert_allclose(saved["state"][0]["momentum_buffer"].numpy(), [2.0])


def test_states_written_by_torch_are_taken():
    # torch.optim.SGD keeps no step count, and None before the first step
    param = Tensor(np.array([1.0]), requires_grad=True)
    optimizer = optim.SGD([param], lr=0.1, momentum=0.5, dampening=0.5)
    options = {**optimizer.state_dict()["param_groups"][0], "foreach": None, "fused": None}
    for buffer, expected in (([4.0], 0.5 * 4 + 0.5 * 2), (None, 2.0)):
        state = {0: {"momentum_buffer": None if buffer is None else np.array(buffer)}}
        optimizer.load_state_dict({"state": state, "param_groups": [options]})
        param.grad = Tensor(np.array([2.0]))
        optimizer.step()
        found = optimizer.state[param]["momentum_buffer"].numpy()
        np.testing.assert_allclose(found, [expected])


def test_state_that_does_not_fit_is_an_error_and_changes_nothing():
    param = leaf(1.0, 2.0)
    optimizer = optim.Adam([param], lr=0.1)
    quadratic_steps(optimizer, param, 1)
    good = optimizer.state_dict()
    before = optimizer.state[param]["exp_avg"].numpy()

    def broken(**changes):
        return {"state": {0: {**good["state"][0], **changes}}, "param_groups": good["param_groups"]}

    cases = [
        (broken(exp_avg=np.zeros(3)), r"exp_avg has shape \(3,\), this one \(2,\)"),
        (broken(momentum_buffer=np.zeros(2)), "unexpected momentum_buffer"),
        ({"state": {0: {"step": np.ones(())}}, "param_groups": good["param_groups"]},
         "no exp_avg, exp_avg_sq for a parameter"),
        ({"state": {}, "param_groups": [{**good["param_groups"][0], "params": [0, 1]}]},
         r"groups of \[2\] parameters, the optimizer of \[1\]"),
    ]  # fmt: skip
    for state, message in cases:
        with pytest.raises(CheckpointError, match=message):
            optimizer.load_state_dict(state)
    np.testing.assert_array_equal(optimizer.state[param]["exp_avg"].numpy(), before)
    with pytest.raises(CheckpointError, match="not JSON"):
        optim.unflatten_state({}, "[")


# -- optimizers of one's own -----------------------------------------------------------------


class SignDescent(optim.Optimizer):
    """The smallest one there is, with a state of its own: the last sign."""

    def __init__(self, params, lr, scale=1.0):
        super().__init__(params, {"lr": lr, "scale": scale})

    def check_options(self, options):
        if options["scale"] <= 0:
            raise ValueRangeError("[SignDescent] scale must be above 0")

    def state_names(self, group):
        return ("sign",)

    def update(self, group, cohort, grads):
        cohort.count(grads)
        for index, grad in grads.items():
            param = cohort.params[index]
            self.state[param]["sign"].assign(grad.sign())
            param.assign(param - grad.sign() * cohort.rate * group["scale"])


def test_an_optimizer_of_ones_own():
    param = leaf(1.0, -2.0)
    optimizer = SignDescent([param], lr=0.25, scale=2.0)
    quadratic_steps(optimizer, param, 2)
    np.testing.assert_array_equal(param.detach().numpy(), [0.0, -1.0])
    np.testing.assert_array_equal(optimizer.state[param]["sign"].numpy(), [1.0, -1.0])
    assert isinstance(optimizer.param_groups[0], optim.ParamGroup)
    assert optimizer.param_groups[0].cohorts[0].steps.tolist() == [2.0]
    with pytest.raises(ValueRangeError, match="scale must be above 0"):
        SignDescent([param], lr=0.1, scale=0.0)


class Counting(optim.Optimizer):
    """One whose state has other shapes than parameters, and a number for each."""

    scalar_states = ("step", "total")

    def __init__(self, params):
        super().__init__(params, {"lr": 1.0})
        self.loaded = 0

    def state_names(self, group):
        return ("step", "total", "rows")

    def states_of(self, param, group):
        return ("step", "total", "rows") if param.ndim == 2 else ("step", "total")

    def initial(self, name, param, group):
        return np.full(param.shape[0], 2.0) if name == "rows" else 5.0 * (name == "total")

    def after_loading(self, group):
        self.loaded += 1

    def update(self, group, cohort, grads):
        cohort.count(grads)
        cohort.set_scalar("total", cohort.scalars["total"] + cohort.rate, grads)
        for index, grad in grads.items():
            rows = self.state[cohort.params[index]].get("rows")
            if rows is not None:
                rows.assign(rows + grad.sum(1))


def test_states_of_other_shapes():
    params = [Tensor(np.zeros((2, 3)), requires_grad=True), leaf(1.0), leaf(1.0)]
    optimizer = Counting(params)
    assert not optimizer.has_stepped
    optimizer.make_state(optimizer.param_groups[0])  # nothing that is not there already
    assert optimizer.scalar_states == ("step", "total")
    params[0].grad, params[1].grad = Tensor(np.ones((2, 3))), Tensor([1.0])
    optimizer.step()
    optimizer.step()
    assert optimizer.has_stepped
    saved = optimizer.state_dict()
    found = {n: {k: v.tolist() for k, v in e.items()} for n, e in saved["state"].items()}
    assert found == {0: {"step": 2, "total": 7, "rows": [8, 8]}, 1: {"step": 2, "total": 7}}
    other = Counting(params)
    other.load_state_dict(saved)
    assert other.loaded == 1
    assert other.param_groups[0].cohorts[0].scalars["total"].tolist() == [7, 7, 5]
    assert other.state[params[0]]["rows"].tolist() == [8, 8]
    saved["state"][0]["rows"] = Tensor([1.0])
    with pytest.raises(CheckpointError, match=r"rows has shape \(1,\), this one \(2,\)"):
        other.load_state_dict(saved)


class OldStyle(optim.Optimizer):
    """As PyTorch's users write them: ``step`` itself, with state of its own."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for param in group["params"]:
                state = self.state[param]
                state["seen"] = state.get("seen", 0) + 1
                param.add_(param.grad, alpha=-group["lr"])


def test_an_optimizer_that_defines_step():
    param = leaf(1.0)
    optimizer = OldStyle([param], lr=0.25)
    quadratic_steps(optimizer, param, 2)
    assert param.tolist() == [0.25]
    assert optimizer.state[param]["seen"] == 2
    with pytest.raises(NotImplementedError, match="Optimizer defines neither update"):
        param.grad = Tensor([1.0])
        optim.Optimizer([param], {"lr": 0.1}).step()


def test_state_can_be_asked_for_later():
    param = leaf(1.0)
    optimizer = optim.SGD([param], lr=0.1)
    assert optimizer.state[param] == {}
    optimizer.param_groups[0]["momentum"] = 0.9
    assert optimizer.state[param]["momentum_buffer"].tolist() == [0.0]
