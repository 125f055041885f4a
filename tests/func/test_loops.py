"""Loops as functions: against the same loop in Python, on both backends."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazygrad as lg
from lazygrad import Tensor, func, inspect, nn, optim
from lazygrad.errors import ArgumentError, DtypeError, JitError, ShapeError, WriteError
from lazygrad.func import fori_loop, scan, while_loop
from lazygrad.runtime import cache

TOLERANCE = {"rtol": 2e-5, "atol": 1e-6}


def data(device: str, *shape: int, seed: int = 0) -> Tensor:
    values = 0.5 * np.random.default_rng(seed).standard_normal(shape)
    return Tensor(values.astype(np.float32), device=device)


def unrolled(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """What ``scan`` does, for tensors or tuples of them."""
    count = length if xs is None else (xs[0] if isinstance(xs, tuple) else xs).shape[0]
    carry, outputs = init, {}
    for i in reversed(range(count)) if reverse else range(count):
        x = None if xs is None else tuple(x[i] for x in xs) if isinstance(xs, tuple) else xs[i]
        carry, outputs[i] = f(carry, x)
    listed = [outputs[i] for i in range(count)]
    if isinstance(listed[0], tuple):
        return carry, tuple(lg.stack(list(part), 0) for part in zip(*listed, strict=True))
    return carry, lg.stack(listed, 0)


def flat(*values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found += flat(*value) if isinstance(value, tuple) else [value]
    return found


def assert_same(found: Any, expected: Any, **tolerance: float) -> None:
    for one, other in zip(flat(found), flat(expected), strict=True):
        assert one.shape == other.shape and one.dtype is other.dtype
        np.testing.assert_allclose(one.numpy(), other.numpy(), **(tolerance or TOLERANCE))


def cell(weight: Tensor) -> Callable[..., Any]:
    def step(h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        after = (h @ weight + x).tanh()
        return after, after * x + h

    return step


# -- values and derivatives ------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_is_the_loop(device: str, reverse: bool) -> None:
    def run(loop: Callable[..., Any], device: str) -> Any:
        weight, h = data(device, 3, 3), data(device, 2, 3, seed=1)
        return loop(cell(weight), h, data(device, 4, 2, 3, seed=2), reverse=reverse)

    assert_same(run(scan, device), run(unrolled, "CPU"))


def of_all(loop: Callable[..., Any], device: str, reverse: bool = False) -> tuple[Any, Any]:
    """A loss that depends on all that a loop gives, and what it is a function of."""

    def loss(weight: Tensor, h: Tensor, xs: Tensor) -> Tensor:
        last, ys = loop(cell(weight), h, xs, reverse=reverse)
        return (last * last).sum() + (ys * ys).sum()

    return loss, (data(device, 3, 3), data(device, 2, 3, seed=1), data(device, 3, 2, 3, seed=2))


@pytest.mark.parametrize("reverse", [False, True])
def test_derivatives(device: str, reverse: bool) -> None:
    """Those of second order are held against differences with all other rules."""

    def both(loop: Callable[..., Any], device: str) -> Any:
        loss, args = of_all(loop, device, reverse)
        tangents = tuple(data(device, *x.shape, seed=9) for x in args)
        return func.grad(loss, argnums=(0, 1, 2))(*args), func.jvp(loss, args, tangents)

    assert_same(both(scan, device), both(unrolled, "CPU"))


def test_backward_reaches_what_the_body_reads(device: str) -> None:
    """By ``backward``: closed-over leaves, the first carry and inputs, views and constants."""
    grads = []
    for loop, where in ((scan, device), (unrolled, "CPU")):
        weight = data(where, 3, 3).requires_grad_()
        bias = data(where, 3, seed=3).requires_grad_()
        xs = data(where, 2, 4, 3, seed=2).requires_grad_()
        fixed = weight.detach().exp()

        def step(h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            after = (h @ weight.t() * 0.5 + x + bias).relu() + (h.detach() @ fixed)  # noqa: B023
            return after, after.sum(-1)

        last, ys = loop(step, bias.expand(2, 3), xs.transpose(0, 1))
        (last.sum() + ys.square().sum()).backward()
        grads.append((weight.grad, bias.grad, xs.grad))
    assert_same(*grads)


def test_vmap_of_a_scan_is_a_stack(device: str) -> None:
    def one(device: str) -> Callable[..., Any]:
        weight = data(device, 3, 3)
        return lambda h, xs: scan(cell(weight), h, xs)

    h, xs = data("CPU", 5, 2, 3, seed=1), data("CPU", 4, 5, 2, 3)
    found = func.vmap(one(device), in_dims=(0, 1))(h.to(device), xs.to(device))
    each = [one("CPU")(h[i], xs[:, i]) for i in range(5)]
    assert_same(found, tuple(lg.stack(list(part), 0) for part in zip(*each, strict=True)))
    slope = func.grad(lambda h, xs: one(device)(h, xs)[1].square().sum())
    found = func.vmap(slope, in_dims=(0, None))(h.to(device), xs[:, 0].to(device))
    slope = func.grad(lambda h: one("CPU")(h, xs[:, 0])[1].square().sum())
    assert_same(found, lg.stack([slope(h[i]) for i in range(5)], 0))


def test_a_scan_in_a_scan(device: str) -> None:
    """The inner body reads the outer carry; derivatives go through both."""

    def outer(loop: Callable[..., Any], device: str) -> Any:
        weight, xs = data(device, 3, 3), data(device, 3, 2, 3, seed=2)

        def step(h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            inner, rows = loop(lambda c, row: ((c @ weight + row).tanh() * h[0], c * row), h[1], x)
            return h * 0.5 + inner, rows

        def loss(h: Tensor) -> Tensor:
            last, rows = loop(step, h, xs)
            return last.sum() + rows.square().sum()

        h = data(device, 2, 3, seed=1)
        return loss(h), func.grad(loss)(h)

    assert_same(outer(scan, device), outer(unrolled, "CPU"))


def test_routines_and_joins_in_a_body(device: str) -> None:
    """Steps of a body that are no kernels work on memory that moves, too."""

    def run(loop: Callable[..., Any], device: str) -> Any:
        matrix = data(device, 3, 3) + 3 * Tensor.eye(3, device=device)

        def step(h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            solved = lg.linalg.solve(matrix, x)
            return h + solved, lg.cat([solved, h[:1]], 0)

        return loop(step, data(device, 3, 1, seed=1), data(device, 4, 3, 1, seed=2))

    assert_same(run(scan, device), run(unrolled, "CPU"))


# -- what can be carried ---------------------------------------------------------------------------

Pair = namedtuple("Pair", ["a", "b"])


def test_containers(device: str) -> None:
    init = {"n": Tensor(0, device=device), "state": [Pair(data(device, 2), None)]}
    xs = (data(device, 3, 2, seed=2), {"k": Tensor([1, 2, 3], device=device)})

    def step(carry: Any, x: Any) -> Any:
        (pair,) = carry["state"]
        after = Pair(pair.a + x[0], None)
        return {"n": carry["n"] + x[1]["k"], "state": [after]}, (after, [carry["n"]])

    carry, (pairs, [counts]) = scan(step, init, xs)
    assert carry["n"].item() == 6 and counts.tolist() == [0, 1, 3]
    assert carry["n"].dtype is lg.int64 and pairs.b is None and isinstance(pairs, Pair)
    np.testing.assert_allclose(pairs.a[-1].numpy(), carry["state"][0].a.numpy())


@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_lengths(device: str, length: int) -> None:
    """Carries go back and forth between two pieces of memory: the last is the result."""
    last, ys = scan(lambda c, _: (c * 2 + 1, c), Tensor([1, 2], device=device), length=length)
    expected, listed = np.array([1, 2]), []
    for _ in range(length):
        listed.append(expected)
        expected = expected * 2 + 1
    assert last.tolist() == expected.tolist()
    assert ys.shape == (length, 2) and ys.tolist() == [row.tolist() for row in listed]


def test_carries_that_are_each_other_or_unchanged_or_inputs(device: str) -> None:
    def step(carry: Any, x: Tensor) -> Any:
        older, newer, kept, was = carry
        return (newer, older + newer, kept, x), (kept, was, newer)

    init = tuple(Tensor(n, device=device) for n in (0, 1, 7, -1))
    xs = Tensor(list(range(10, 17)), device=device)
    last, ys = scan(step, init, xs)
    assert [value.item() for value in last] == [13, 21, 7, 16]
    assert ys[0].tolist() == [7] * 7
    assert ys[1].tolist() == [-1, 10, 11, 12, 13, 14, 15]
    assert ys[2].tolist() == [1, 1, 2, 3, 5, 8, 13]


def test_carries_that_are_views_or_constants(device: str) -> None:
    x = data(device, 3, 2)
    init = (x.t(), Tensor.zeros(2, device=device).expand(3, 2), x[1:])
    (a, b, c), _ = scan(
        lambda s, y: ((s[0] + y, s[1] + 1, s[2].flip(0)), None),
        init,
        Tensor([1.0, 2.0], device=device),
    )
    np.testing.assert_allclose(a.numpy(), x.numpy().T + 3)
    np.testing.assert_array_equal(b.numpy(), np.full((3, 2), 2, np.float32))
    np.testing.assert_array_equal(c.numpy(), x.numpy()[1:])


def test_results_that_only_repeat_what_was_given(device: str) -> None:
    xs = data(device, 3, 2)
    outside = data(device, 2, seed=4)
    _, (x, o, number) = scan(lambda c, x: (c, (x, outside, 2.0)), Tensor(0.0, device=device), xs)
    np.testing.assert_array_equal(x.numpy(), xs.numpy())
    np.testing.assert_array_equal(o.numpy(), np.stack([outside.numpy()] * 3))
    assert number.tolist() == [2.0] * 3


# -- plans -----------------------------------------------------------------------------------------


def kernels_of(device: str, length: int) -> int:
    weight, h, xs = data(device, 3, 3), data(device, 2, 3), data(device, length, 2, 3)
    last, ys = scan(cell(weight), h, xs)
    return len(inspect.kernels(last, ys))


def test_plans_do_not_depend_on_the_length(device: str) -> None:
    assert [kernels_of(device, length) for length in (2, 50)] == [1, 1]


def gradients(device: str, length: int) -> list[Tensor]:
    weight, h, xs = data(device, 3, 3), data(device, 2, 3), data(device, length, 2, 3)
    loss = lambda *args: scan(cell(args[0]), *args[1:])[1].square().sum()  # noqa: E731
    return list(func.grad(loss, argnums=(0, 1, 2))(weight, h, xs))


def test_neither_do_those_of_gradients(device: str) -> None:
    counts = [
        (
            len(inspect.kernels(*gradients(device, length))),
            len(inspect.loops(*gradients(device, length))),
        )
        for length in (2, 50)
    ]
    assert counts[0] == counts[1] and counts[0][1] == 2  # one loop forward, one back


def test_the_gradient_of_a_weight_is_one_product(device: str) -> None:
    """Of all steps, after the loop back, which carries no total of the weight's size."""
    back = inspect.loops(*gradients(device, 4))[1]
    assert 9 not in [spec.size for spec in back.results]


def test_equal_loops_share_a_plan(device: str) -> None:
    def once(seed: int) -> None:
        scan(cell(data(device, 3, 3, seed=seed)), data(device, 2, 3), data(device, 4, 2, 3))[
            1
        ].numpy()

    once(0)
    misses = inspect.plan_cache().misses
    once(1)
    assert inspect.plan_cache().misses == misses


def test_a_plan_with_a_loop_is_kept_on_disk(device: str, tmp_path: Any) -> None:
    with lg.config(cache=True, cache_dir=str(tmp_path)):
        results = []
        for _ in range(2):
            cache.clear()
            found = scan(cell(data(device, 3, 3)), data(device, 2, 3), data(device, 4, 2, 3))
            before = inspect.plan_cache().from_disk
            results.append(found[0].realize(found[1]).numpy())
    assert inspect.plan_cache().from_disk == before + 1
    np.testing.assert_array_equal(*results)
    assert (
        len(
            inspect.loops(
                scan(cell(data(device, 3, 3)), data(device, 2, 3), data(device, 4, 2, 3))[1]
            )
        )
        == 1
    )


def test_what_a_loop_does_can_be_seen(device: str, tmp_path: Any, capsys: Any) -> None:
    cache.clear()
    with lg.config(debug=5, dump=str(tmp_path)):
        scan(cell(data(device, 3, 3)), data(device, 2, 3), data(device, 4, 2, 3))[1].numpy()
    assert "4 times" in capsys.readouterr().err
    texts = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    assert any("4 times" in text for text in texts)


# -- in programs -----------------------------------------------------------------------------------


def test_in_a_jitted_function(device: str) -> None:
    weight = data(device, 3, 3)
    runs = []

    @lg.jit
    def run(h: Tensor, xs: Tensor) -> Any:
        runs.append(None)
        return scan(cell(weight), h, xs)

    for seed in range(4):
        h, xs = data(device, 2, 3, seed=seed), data(device, 4, 2, 3, seed=seed + 10)
        assert_same(run(h, xs), scan(cell(weight), h, xs))
    assert len(runs) == 1
    weight.assign(weight * 2)
    assert_same(run(h, xs), scan(cell(weight), h, xs))


@pytest.mark.parametrize("jitted", [False, True])
def test_in_training(device: str, jitted: bool) -> None:
    losses = []
    for loop, where in ((scan, device), (unrolled, "CPU")):
        layer = nn.Linear(3, 3).to(where)
        layer.load_state_dict({"weight": data(where, 3, 3), "bias": data(where, 3)})
        optimizer = optim.Adam(layer.parameters(), lr=0.05)
        h, xs = data(where, 2, 3, seed=1), data(where, 4, 2, 3, seed=2)

        def step() -> Tensor:
            optimizer.zero_grad()  # noqa: B023
            last, _ = loop(lambda h, x: ((layer(h) + x).tanh(), x), h, xs)  # noqa: B023
            loss = (last - 1).square().mean()
            loss.backward()
            optimizer.step()  # noqa: B023
            return loss

        run = lg.jit(step) if jitted else step
        losses.append([run().item() for _ in range(5)])
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert losses[0][-1] < losses[0][0]


def test_random_numbers_differ_from_step_to_step(device: str) -> None:
    def draw() -> Any:
        return scan(
            lambda c, _: (c, lg.rand(2, device=device)), Tensor(0, device=device), length=3
        )[1]

    first = draw().numpy()
    assert len(np.unique(first)) == 6
    assert not np.array_equal(draw().numpy(), first)
    lg.manual_seed(0)
    np.testing.assert_array_equal(draw().numpy(), first)
    jitted = lg.jit(draw)
    lg.manual_seed(0)
    np.testing.assert_array_equal(jitted().numpy(), first)
    assert not np.array_equal(jitted().numpy(), first)


def test_without_gradients_nothing_is_kept(device: str) -> None:
    weight = data(device, 3, 3).requires_grad_()
    with lg.no_grad():
        last, _ = scan(cell(weight), data(device, 2, 3), data(device, 3, 2, 3))
    assert not last.requires_grad


# -- refusals --------------------------------------------------------------------------------------


def test_wrong_carries_are_named() -> None:
    init = {"h": [Tensor([1.0, 2.0])]}
    with pytest.raises(ShapeError, match=r"\[scan\] carry\['h'\]\[0\] has shape \(2,\) .* \(1,\)"):
        scan(lambda c, _: ({"h": [c["h"][0][:1]]}, None), init, length=2)
    with pytest.raises(DtypeError, match=r"carry\['h'\]\[0\] is float32 .* int32 after it; cast"):
        scan(lambda c, _: ({"h": [c["h"][0].int()]}, None), init, length=2)
    with pytest.raises(ArgumentError, match="same container"):
        scan(lambda c, _: (c["h"], None), init, length=2)
    with pytest.raises(ArgumentError, match="returns a tuple"):
        scan(lambda c, _: c, init, length=2)
    with pytest.raises(ArgumentError, match="init.*must be a Tensor, got 'a'"):
        scan(lambda c, _: (c, None), "a", length=2)


def test_wrong_lengths() -> None:
    step = lambda c, x: (c, x)  # noqa: E731
    with pytest.raises(ShapeError, match=r"length=3, xs of shapes \(2,\)"):
        scan(step, Tensor(0), Tensor([1, 2]), length=3)
    with pytest.raises(ShapeError, match=r"xs of shapes \(2,\), \(3,\)"):
        scan(step, Tensor(0), (Tensor([1, 2]), Tensor([1, 2, 3])))
    with pytest.raises(ShapeError, match="give xs, or the number of steps"):
        scan(step, Tensor(0))
    with pytest.raises(ShapeError, match=r"tensor of shape \(\)"):
        scan(step, Tensor(0), Tensor(1))


def test_values_are_not_there_in_a_step() -> None:
    with pytest.raises(JitError, match=r"\[scan\] the value of a tensor of shape \(\)"):
        scan(lambda c, x: (c + 1 if c > 0 else c, None), Tensor(0), length=2)
    assert scan(lambda c, x: (c + outside.item(), None), Tensor(0), length=2)[0].item() == 6


outside = Tensor(3)


def test_writes_to_the_outside_are_refused() -> None:
    total = Tensor(0.0)

    def add(c: Tensor, x: Tensor) -> Any:
        total.add_(x)
        return c, None

    with pytest.raises(WriteError, match=r"\[scan\] a write to a float32 tensor"):
        scan(add, Tensor(0.0), Tensor([1.0, 2.0]))
    with pytest.raises(WriteError, match=r"\[scan\] a write to"):
        scan(lambda c, x: (c + x.mul_(2), None), Tensor(0.0), Tensor([1.0, 2.0]))
    assert total.item() == 0
    assert scan(lambda c, x: (c.add_(x), c), Tensor(0.0), Tensor([1.0, 2.0]))[0].item() == 3


# -- fori_loop, while_loop -------------------------------------------------------------------------


def test_fori_loop(device: str) -> None:
    x = Tensor([1.0, 2.0], device=device)
    assert fori_loop(2, 5, lambda i, c: c * i.float(), x).tolist() == [24.0, 48.0]
    assert fori_loop(5, 2, lambda i, c: c * 0, x).tolist() == [1.0, 2.0]
    assert fori_loop(0, Tensor(3), lambda i, c: c + 1, Tensor(0)).item() == 3
    slope = func.grad(lambda x: fori_loop(0, 3, lambda i, c: c * c, x))(Tensor(1.1, device=device))
    np.testing.assert_allclose(slope.item(), 8 * 1.1**7, rtol=1e-5)
    with pytest.raises(ArgumentError, match="upper must be an integer, got 2.5"):
        fori_loop(0, 2.5, lambda i, c: c, x)


@pytest.mark.parametrize("most", [None, 10])
def test_while_loop(device: str, most: int | None) -> None:
    def root(x: Tensor) -> Tensor:
        """Newton's iteration, until it is there."""
        found, _ = while_loop(
            lambda s: (s[0] * s[0] - x).abs() > 1e-5 * x,
            lambda s: ((s[0] + x / s[0]) / 2, s[1] + 1),
            (x, Tensor(0, device=device)),
            max_steps=most,
        )
        return found  # type: ignore[no-any-return]

    x = Tensor(7.0, device=device)
    np.testing.assert_allclose(root(x).item(), 7**0.5, rtol=1e-5)
    np.testing.assert_allclose(func.grad(root)(x).item(), 0.5 / 7**0.5, rtol=1e-4)
    assert while_loop(lambda c: c < 0, lambda c: c + 1, Tensor(3), max_steps=most).item() == 3


def test_a_bounded_while_loop_is_a_graph(device: str) -> None:
    def doubled(x: Tensor) -> Tensor:
        return while_loop(lambda x: x < 100, lambda x: x * 2, x, max_steps=10)  # type: ignore[no-any-return]

    xs = Tensor([3.0, 50.0, 200.0], device=device)
    assert func.vmap(doubled)(xs).tolist() == [192.0, 100.0, 200.0]
    assert func.vmap(func.grad(doubled))(xs).tolist() == [64.0, 2.0, 1.0]
    assert lg.jit(doubled)(xs[0]).item() == 192.0
    assert while_loop(lambda x: x < 100, lambda x: x * 2, xs[0], max_steps=2).item() == 12.0
    with pytest.raises(JitError, match="give max_steps"):
        lg.jit(lambda x: while_loop(lambda x: x < 100, lambda x: x * 2, x))(xs[0])


def test_steps_after_the_end_have_no_part_in_derivatives(device: str) -> None:
    """The square root of what is left is not a number once there is nothing left."""

    def spent(x: Tensor) -> Tensor:
        return while_loop(lambda c: c > 0.5, lambda c: (c - 0.5).sqrt() - 0.5, x, max_steps=4)  # type: ignore[no-any-return]

    slope = func.grad(spent)(Tensor(0.75, device=device)).item()
    np.testing.assert_allclose(slope, 1.0, rtol=1e-5)


def test_what_a_body_reads_in_another_order_is_copied_once(device: str) -> None:
    """The weights of a layer lie by their inputs, and lanes run along its outputs."""
    weight, across = (0.2 * data(device, *shape) for shape in ((96, 24), (24, 96)))
    weight.realize(across)
    x = data(device, 17, 32, 24)

    def looped(weight: Tensor, across: Tensor) -> Tensor:
        def step(h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            def inner(g: Tensor, _: None) -> tuple[Tensor, None]:
                return ((h + g) @ weight.T).tanh() @ across.T, None

            h, _ = scan(inner, h + x, None, 3)
            return h, (h @ weight.T).sigmoid().sum(1)

        return scan(step, x[0], x)[1]

    value = looped(weight, across)
    repacks = [kernel.name for kernel in inspect.kernels(value) if "repack" in kernel.name]
    bodies = [loop.body for loop in inspect.loops(value)]
    inside = [step.kernel.name for body in bodies for step in body.steps]
    assert len(bodies) == 2 and not [name for name in inside if "repack" in name]
    assert sorted(repacks) == ["repack_24x96", "repack_96x24"]  # the same ones for both loops

    w, u = weight.numpy().astype(np.float64), across.numpy().astype(np.float64)
    rows = []
    h = x.numpy()[0].astype(np.float64)
    for each in x.numpy():
        g = h + each
        for _ in range(3):
            g = np.tanh((h + g) @ w.T) @ u.T
        h = g
        rows.append((1 / (1 + np.exp(-(h @ w.T)))).sum(1))
    np.testing.assert_allclose(value.numpy(), np.stack(rows), rtol=1e-4)
