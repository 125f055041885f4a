"""jit: state is found and rebound, shapes recompile, random numbers are fresh, misuse refused."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from lazygrad import Tensor, jit, manual_seed, nn, no_grad, optim
from lazygrad.errors import JitError


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_a_traced_function_runs_its_python_once(device: str) -> None:
    calls = []

    @jit
    def double(x: Tensor) -> Tensor:
        calls.append(1)
        return x * 2

    for seed in range(3):
        x = numbers(4, seed=seed)
        np.testing.assert_array_equal(double(Tensor(x, device=device)).numpy(), x * 2)
    assert len(calls) == 1


def test_new_shapes_dtypes_and_python_arguments_trace_anew(device: str) -> None:
    scale = jit(lambda x, factor: x * factor)
    one = Tensor(numbers(3), device=device)
    np.testing.assert_allclose(scale(one, 2.0).numpy(), numbers(3) * 2)
    np.testing.assert_allclose(scale(one, 3.0).numpy(), numbers(3) * 3)
    assert scale.captures == 2
    assert scale(Tensor(numbers(5), device=device), 2.0).shape == (5,)
    assert scale(one.int(), 2).dtype is one.int().dtype
    assert scale.captures == 4
    scale(one, 2.0)
    assert scale.captures == 4


def test_state_is_rebound_on_every_call(device: str) -> None:
    counter = Tensor(0.0, device=device)

    @jit
    def count() -> Tensor:
        counter.assign(counter + 1)
        return counter * 10

    assert [count().item() for _ in range(4)] == [10.0, 20.0, 30.0, 40.0]
    assert counter.item() == 4.0


def test_a_tensor_replaced_from_outside_is_seen(device: str) -> None:
    weight = Tensor(numbers(3), device=device, requires_grad=True)
    apply = jit(lambda x: x * weight)
    x = Tensor(np.ones(3, np.float32), device=device)
    np.testing.assert_array_equal(apply(x).numpy(), numbers(3))
    weight.assign(Tensor(numbers(3, seed=1), device=device))
    np.testing.assert_array_equal(apply(x).numpy(), numbers(3, seed=1))
    assert apply.captures == 1


def test_two_tensors_of_one_memory_are_told_apart(device: str) -> None:
    first = Tensor(numbers(3), device=device)
    second = Tensor(0.0, device=device).expand(3).contiguous()
    second.assign(first)
    apply = jit(lambda: first * 10 + second)
    apply()
    first.assign(Tensor(np.zeros(3, np.float32), device=device))
    np.testing.assert_allclose(apply().numpy(), numbers(3), rtol=1e-6)


def test_outputs_do_not_alias_earlier_ones(device: str) -> None:
    f = jit(lambda x: x + 1)
    results = [f(Tensor(np.full(4, i, np.float32), device=device)) for i in range(4)]
    assert [r.numpy()[0] for r in results] == [1.0, 2.0, 3.0, 4.0]


def test_random_numbers_are_fresh_and_those_of_the_plain_function(device: str) -> None:
    def draw() -> Tensor:
        return Tensor.rand(5, device=device) + Tensor.randn(5, device=device)

    manual_seed(7)
    plain = [draw().numpy() for _ in range(3)]
    manual_seed(7)
    traced_draw = jit(draw)
    traced = [traced_draw().numpy() for _ in range(3)]
    for expected, found in zip(plain, traced, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert not np.array_equal(traced[0], traced[1])


def test_a_training_step_is_the_plain_one(device: str) -> None:
    losses = []
    for wrap in (lambda f: f, jit):
        manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        model.to(device)
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        x = Tensor(numbers(6, 4), device=device)
        y = Tensor(np.array([0, 1, 2, 0, 1, 2]), device=device)

        def step(x: Tensor, y: Tensor, model=model, optimizer=optimizer) -> Tensor:
            optimizer.zero_grad()
            loss = model(x).cross_entropy(y)
            loss.backward()
            optimizer.step()
            return loss

        run = wrap(step)
        losses.append([run(x, y).item() for _ in range(6)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=2e-5)


def test_gradients_are_left_behind_and_accumulate(device: str) -> None:
    weight = Tensor(numbers(3), device=device, requires_grad=True)

    @jit
    def backward(x: Tensor) -> None:
        (weight * x).sum().backward()

    x = Tensor(np.arange(3, dtype=np.float32), device=device)
    for times in range(1, 4):
        backward(x)
        np.testing.assert_allclose(weight.grad.numpy(), np.arange(3) * times)


def test_batch_norm_statistics_update_once_a_call(device: str) -> None:
    plain, traced = nn.BatchNorm2d(2).to(device), nn.BatchNorm2d(2).to(device)
    x = Tensor(numbers(4, 2, 3, 3), device=device)
    forward = jit(lambda x: traced(x))
    for _ in range(3):
        plain(x).realize()
        forward(x)
    expected = plain.running_var.numpy()
    np.testing.assert_allclose(traced.running_var.numpy(), expected, rtol=1e-5)
    assert traced.num_batches_tracked.item() == 3


def test_a_value_cannot_be_read_while_tracing(device: str) -> None:
    x = Tensor(numbers(3), device=device)
    for read in (lambda t: t.sum().item(), lambda t: t.numpy(), lambda t: bool(t.sum() > 0)):
        with pytest.raises(JitError):
            jit(read)(x)
    assert (x + 1).numpy().shape == (3,)  # the failed traces left nothing behind


def test_a_tensor_with_history_from_outside_is_refused(device: str) -> None:
    weight = Tensor(numbers(3), device=device, requires_grad=True)
    derived = weight * 2
    with pytest.raises(JitError, match="detach"):
        jit(lambda: derived * 3)()


def test_an_error_inside_leaves_every_handle_as_it_was(device: str) -> None:
    state = Tensor(numbers(3), device=device)

    def fail() -> None:
        state.assign(state + 1)
        raise KeyError("stop")

    with pytest.raises(KeyError):
        jit(fail)()
    np.testing.assert_array_equal(state.numpy(), numbers(3))


def test_a_tensor_leaked_from_a_trace_says_so(device: str) -> None:
    leaked: list[Tensor] = []

    @jit
    def leak(x: Tensor) -> Tensor:
        leaked.append(x * 2)
        return x

    leak(Tensor(numbers(3), device=device))
    with pytest.raises(JitError, match="return it"):
        leaked[0].numpy()


def test_arrays_are_not_arguments() -> None:
    with pytest.raises(JitError, match="Tensor"):
        jit(lambda x: x)(np.zeros(3))


def test_nested_jit_is_one_trace(device: str) -> None:
    inner = jit(lambda x: x + 1)
    outer = jit(lambda x: inner(x) * 2)
    np.testing.assert_array_equal(outer(Tensor([1.0, 2.0], device=device)).numpy(), [4.0, 6.0])
    assert inner.captures == 0


def test_methods_can_be_jitted(device: str) -> None:
    class Scaler:
        def __init__(self, factor: float) -> None:
            self.factor = Tensor(factor, device=device)

        @jit
        def scale(self, x: Tensor) -> Tensor:
            return x * self.factor

    x = Tensor([1.0, 2.0], device=device)
    np.testing.assert_array_equal(Scaler(2.0).scale(x).numpy(), [2.0, 4.0])
    np.testing.assert_array_equal(Scaler(3.0).scale(x).numpy(), [3.0, 6.0])


def test_containers_of_tensors_go_in_and_come_out(device: str) -> None:
    f = jit(lambda batch: {"sum": batch["a"] + batch["b"][0], "n": 2})
    out = f({"a": Tensor([1.0], device=device), "b": [Tensor([2.0], device=device)]})
    assert out["sum"].item() == 3.0
    assert out["n"] == 2


def test_a_gradient_that_appears_later_is_cleared_too(device: str) -> None:
    """The function set it to None without looking, when there was none."""
    weight = Tensor(numbers(3), device=device, requires_grad=True)

    @jit
    def clear() -> Tensor:
        weight.grad = None
        return weight * 2

    clear()
    weight.grad = Tensor(numbers(3), device=device)
    clear()
    assert weight.grad is None
    assert clear.captures == 1


def test_a_gradient_that_is_there_while_traced_is_cleared_by_replays(device: str) -> None:
    weight = Tensor(numbers(3), device=device, requires_grad=True)

    @jit
    def clear() -> None:
        if weight.grad is not None:
            weight.grad = None

    for _ in range(2):
        weight.grad = Tensor(numbers(3), device=device)
        clear()
        assert weight.grad is None
    assert clear.captures == 1


def test_gradients_of_what_is_made_inside_stay_inside(device: str) -> None:
    @jit
    def slope(x: Tensor) -> Tensor:
        leaf = Tensor(numbers(3), device=device, requires_grad=True)
        (leaf * leaf * x).sum().backward()
        return leaf.grad

    x = Tensor(np.arange(3, dtype=np.float32), device=device)
    for _ in range(2):
        np.testing.assert_allclose(slope(x).numpy(), 2 * numbers(3) * np.arange(3), rtol=1e-6)
    ((capture,),) = slope._captures.values()
    assert (capture.grads, capture.cleared, capture.grad_guards) == ([], [], [])


def test_old_signatures_make_room(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[jit.__module__], "MAX_CAPTURES", 2)
    double = jit(lambda x: x * 2)
    counts = []
    for size in (1, 2, 2, 3, 1):
        x = Tensor(numbers(size), device=device)
        np.testing.assert_array_equal(double(x).numpy(), numbers(size) * 2)
        counts.append(double.captures)
    assert counts == [1, 2, 2, 1, 2]


@pytest.mark.gpu
@pytest.mark.skipif(not find_spec("pyopencl"), reason="pyopencl is not installed")
def test_results_on_two_devices_are_refused() -> None:
    x = Tensor(numbers(3), device="CPU")
    with pytest.raises(JitError, match=r"results on several devices \['CPU', 'GPU'\]"):
        jit(lambda x: (x + 1, x.to("GPU")))(x)


def test_arguments_that_the_function_writes_to_are_written(device: str) -> None:
    @jit
    def step(x: Tensor, y: Tensor, scale: float) -> Tensor:
        x.mul_(scale)
        y[0] = x.sum()
        return x + 1

    x, y = Tensor([1.0, 2.0], device=device), Tensor([[5.0], [6.0]], device=device)
    part = x[1:]
    for _ in range(3):
        found = step(x, y, 2.0)
    np.testing.assert_array_equal(found.numpy(), [9, 17])
    np.testing.assert_array_equal(x.numpy(), [8, 16])
    np.testing.assert_array_equal(part.numpy(), [16])
    np.testing.assert_array_equal(y.numpy(), [[24], [6]])
    assert step.captures == 1
    leaf = Tensor([1.0], device=device, requires_grad=True)
    jit(no_grad(lambda x: x.fill_(3)))(leaf)
    assert leaf.is_leaf
    assert leaf.requires_grad
    assert leaf.item() == 3
