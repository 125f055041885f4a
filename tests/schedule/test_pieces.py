"""Joins: pieces are stored where they belong, by as many kernels as their shapes ask for, or are
selected where that costs less. Work, code and bytes are linear in the pieces."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from lazygrad import Tensor, config, func, grad, inspect
from lazygrad.errors import InternalError
from lazygrad.func import associative_scan, scan
from lazygrad.kernel import cost, expr as ex
from lazygrad.kernel.index import Range, of as index_of
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output, loads
from lazygrad.kernel.target import Target
from lazygrad.kernel.verify import verify_written
from lazygrad.runtime import registry
from lazygrad.schedule.draft import MAX_BUFFERS
from tests.schedule.planning import LIBRARY, TARGETS, VECTORS, kernels_of, plan_of
from tests.schedule.programs import given, gradients, learned, many

PER_KERNEL = MAX_BUFFERS  # pieces


@pytest.fixture(params=[*TARGETS])
def target(request: pytest.FixtureRequest) -> Target:
    return TARGETS[request.param]


@pytest.fixture(autouse=True)
def verified() -> Iterator[None]:
    """Every plan is: each element of a buffer is written exactly once."""
    with config(verify=True):
        yield


def operations(kernel: Kernel) -> list[ex.Expr]:
    return [e for e in ex.toposort(kernel.values) if e.op is not ex.LITERAL]


def guarded(kernel: Kernel) -> bool:
    found = ex.toposort(kernel.values)
    return any(e.op is ex.GUARD or (e.op is ex.LOAD and e.arg.guard) for e in found)


def is_copied(kernels: list[Kernel], pieces: int) -> bool:
    """Whether all that the kernels do is to load and store each piece."""
    values = [value for kernel in kernels for value in kernel.values]
    return len(values) == pieces and all(v.op is ex.LOAD and not v.arg.guard for v in values)


JOINS: dict[str, Callable[[int], Tensor]] = {
    "rows": lambda n: Tensor.cat(many(n, 16, 30)),
    "columns": lambda n: Tensor.cat(many(n, 16, 30), 1),
    "new axis": lambda n: Tensor.stack(many(n, 16, 30)),
    "new last axis": lambda n: Tensor.stack(many(n, 16, 30), -1),
    "scalars": lambda n: Tensor.stack(many(n)),
    "interleaved": lambda n: Tensor.stack(many(n, 50), -1).reshape(50 * n),
    "transposed": lambda n: Tensor.cat(many(n, 16, 30), 1).T,
    "flipped": lambda n: Tensor.cat(many(n, 16, 30)).flip(0),
    "rows of columns": lambda n: Tensor.cat([Tensor.cat(many(n // 5, 4, 3), 1) for _ in range(5)]),
}


@pytest.mark.parametrize("name", JOINS)
@pytest.mark.parametrize("count", [5, 20, 100])
def test_each_piece_is_loaded_and_stored_once(target, name: str, count: int) -> None:
    y = JOINS[name](count)
    kernels = kernels_of(y, target=target)
    assert is_copied(kernels, count)
    assert len(kernels) == -(-count // PER_KERNEL)
    assert sum(map(cost.nbytes, kernels)) == 2 * 4 * y.numel()


def test_pieces_of_other_shapes_have_kernels_of_their_own_if_they_are_large(target) -> None:
    sizes = [50_000, 60_000, 50_000, 70_000, 60_000, 50_000]
    kernels = kernels_of(Tensor.cat([given(n) for n in sizes]), target=target)
    assert sorted(len(k.outputs) for k in kernels) == [1, 2, 3]
    assert is_copied(kernels, len(sizes))


def test_small_ones_share_one_whatever_their_shapes(target) -> None:
    (kernel,) = kernels_of(Tensor.cat([given(n + 1, 3) for n in range(20)]), target=target)
    assert kernel.ranges == ()
    assert is_copied([kernel], 20)


def test_no_kernel_has_more_memory_than_the_target_allows(target) -> None:
    limit = replace(target, buffers=6)
    kernels = kernels_of(Tensor.cat(many(23, 8, 8)), target=limit)
    assert max(len(k.buffers) for k in kernels) == 6
    assert is_copied(kernels, 23)
    assert plan_of(Tensor.cat(many(23, 8, 8)), target=limit).temporaries == ()


@pytest.mark.parametrize("count", [10, 100])
def test_what_follows_is_done_piece_by_piece(target, count: int) -> None:
    """And what comes before: nothing is written but the result."""
    y = (Tensor.cat([x * 3 for x in many(count, 16, 30)]).relu() + 1).exp()
    kernels = kernels_of(y, target=target)
    assert sum(len(operations(kernel)) for kernel in kernels) == 5 * count
    assert sum(map(cost.nbytes, kernels)) == 2 * 4 * y.numel()
    assert not any(map(guarded, kernels))


def test_joins_with_equal_borders_meet_piece_by_piece(target) -> None:
    a, b = (Tensor.cat(many(8, 1000, 8)) for _ in range(2))
    kernels = kernels_of(a * b.exp(), target=target)
    assert sum(map(cost.nbytes, kernels)) == 3 * 4 * a.numel()


def test_what_follows_a_reshape_is_done_before_it(target) -> None:
    a, b = many(2, 64, 100)
    (kernel,) = kernels_of(Tensor.stack([a, b], -1).reshape(64, 200).relu(), target=target)
    assert len(kernel.outputs) == 2
    assert not guarded(kernel)


def test_a_contraction_stores_its_result_where_it_belongs(target) -> None:
    y = Tensor.cat([x @ w for x, w in zip(many(3, 64, 32), many(3, 32, 48), strict=True)], 1)
    plan = plan_of(y, target=target)
    products = [s.kernel for s in plan.steps if s.kernel.reductions()]
    assert len(products) == 3
    assert all(k.buffers[0].size == y.numel() for k in products)
    assert all(not k.reasons[0].startswith("it is a reduction") for k in products)


def test_many_contractions_are_one_kernel_and_copied(target) -> None:
    """One for each place would take long to generate; states that are needed again are written
    by the kernels of their steps, which are equal."""
    x, w = given(16, 64), given(64, 64)
    states = [x]
    for _ in range(40):
        states.append((states[-1] @ w).tanh())
    apart = [(x @ w).relu() for x in many(40, 16, 64)]
    for parts in (states, apart):
        plan = plan_of(Tensor.stack(parts, 1), target=target)
        products = [s.kernel for s in plan.steps if s.kernel.reductions()]
        assert len(products) == 40
        assert len({(k.ranges, k.outputs) for k in products}) <= 2  # the last one is read by none


def test_reductions_share_a_kernel(target) -> None:
    kernels = kernels_of(Tensor.cat([x.sum(1) for x in many(6, 64, 100)]), target=target)
    assert [len(kernel.reductions()) for kernel in kernels] == [6]


def test_a_sum_reads_what_was_joined(target) -> None:
    kernels = kernels_of(Tensor.cat(many(50, 40, 64), 1).sum(1), target=target)
    assert not any(map(guarded, kernels))
    assert sum(len(loads(kernel.values)) for kernel in kernels) == 51


def test_a_slice_of_a_join_needs_no_other_pieces(target) -> None:
    parts = [x * 2 for x in many(6, 10, 4)]
    (kernel,) = kernels_of(Tensor.cat(parts)[13:17], target=target)
    assert len(loads(kernel.values)) == 1
    (kernel,) = kernels_of(Tensor.cat(parts, 1)[0], target=target)
    assert kernel.buffers[0].size == 24


# -- sums of padded values ------------------------------------------------------------------------


def columns(x: Tensor, count: int) -> Tensor:
    return sum((x[:, i] * (i + 1)).square().sum() for i in range(count))


GRADIENTS: dict[str, Callable[[Tensor], Tensor]] = {
    "columns": lambda x: columns(x, x.shape[1]),
    "split": lambda x: sum(p.square().sum() for p in x.split(5, 1)),
    "rows": lambda x: sum((p * (i + 1)).square().sum() for i, p in enumerate(x.unbind(0))),
    "some columns": lambda x: columns(x, 9),
}
ELEMENTS = {"elements": lambda x: sum((x[i, j] * i).exp() for i in range(4) for j in range(5))}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_slices_are_stored_where_they_belong(target, name: str) -> None:
    x = learned(30, 20)
    kernels = kernels_of(*gradients(GRADIENTS[name](x), x), target=target)
    (written,) = {k.buffers[0].size for k in kernels if k.buffers[0].size == x.numel()}
    assert not any(guarded(k) for k in kernels if k.buffers[0].size == written)


def test_code_of_gradients_grows_with_the_slices(target) -> None:
    def expressions(count: int) -> int:
        x = learned(30, count)
        kernels = kernels_of(*gradients(columns(x, count), x), target=target)
        return sum(len(operations(kernel)) for kernel in kernels)

    assert expressions(80) - expressions(40) == expressions(120) - expressions(80)


def test_overlapping_windows_are_no_join(target) -> None:
    x = given(1000)
    (kernel,) = kernels_of(x[:-1].pad((0, 1)) + x[1:].pad((1, 0)), target=target)
    assert len(kernel.outputs) == 1


# -- selected -------------------------------------------------------------------------------------


def test_two_halves_within_other_work_are_selected_where_that_is_cheap() -> None:
    """As in rotary embeddings: reading them again would take longer than to test which it is."""
    x, c, s = many(3, 256, 64)
    turned = Tensor.cat([-x[:, 32:], x[:, :32]], 1)
    (kernel,) = kernels_of(x * c + turned * s, target=VECTORS)
    assert len(kernel.outputs) == 1


def test_and_stored_where_each_test_is_a_pass_over_all_of_it() -> None:
    slow = replace(LIBRARY, throughput=6e9)
    x = given(1 << 20)
    kernels = kernels_of(x + x.roll(1), target=slow)
    assert len(kernels) == 3
    assert not any(map(guarded, kernels))
    assert len(kernels_of(x[:100] + x[:100].roll(1), target=slow)) == 1


# -- values ---------------------------------------------------------------------------------------

TOGETHER = 10  # random joins, which are computed in the same plans: a program takes long to compile
DTYPES = ["float32", "float64", "float16", "bfloat16", "int32", "int8", "bool"]


def pieces_of(rng: np.random.Generator, device: str) -> tuple[list[Tensor], int]:
    """Up to 40 pieces of one dtype, some of them empty, computed, moved, or used twice."""
    ndim = int(rng.integers(1, 4))
    axis = int(rng.integers(0, ndim))
    shape = rng.integers(1, 6, ndim)
    dtype = str(rng.choice(DTYPES))
    equal = rng.random() < 0.4
    found: list[Tensor] = []
    for _ in range(int(rng.choice([1, 2, 3, 9, 40]))):
        own = list(shape)
        own[axis] = own[axis] if equal else int(rng.integers(0, 7))
        x = Tensor(rng.integers(-3, 4, own), device=device).cast(dtype)
        change = int(rng.integers(0, 6))
        if change == 0:
            x = x * x
        elif change == 1 and ndim > 1:
            x = x.permute(*reversed(range(ndim))).contiguous().permute(*reversed(range(ndim)))
        elif change == 2:
            x = x.flip(axis)
        elif change == 3 and found and equal:
            x = found[-1]
        found.append(x)
    return found, axis


AFTER: list[Callable[[Tensor], Tensor]] = [
    lambda y: y,
    lambda y: y * 3,
    lambda y: y.flip(0),
    lambda y: y.permute(*reversed(range(y.ndim))),
    lambda y: y.reshape(-1) * 2,
    lambda y: y.sum(0),
    lambda y: y + y.flip(0),
    lambda y: Tensor.cat([y, y * y], 0),
    lambda y: y[1:] if y.shape[0] > 1 else y,
]


def computed(values: list[Tensor]) -> list[np.ndarray]:
    """In one plan."""
    Tensor.realize(*values)
    return [value.numpy() for value in values]


@pytest.mark.parametrize("first", range(0, 60, TOGETHER))
@pytest.mark.parametrize("buffers", [None, 6])
def test_values(device: str, first: int, buffers: int | None, monkeypatch) -> None:
    """What is computed with fusion, without it, and by NumPy from the pieces is the same."""
    backend = registry.backend(device)
    if buffers is not None:
        monkeypatch.setattr(backend, "target", replace(backend.target, buffers=buffers))
    pieces, afters = [], []
    for seed in range(first, first + TOGETHER):
        rng = np.random.default_rng(seed)
        pieces.append(pieces_of(rng, device))
        afters.append(AFTER[int(rng.integers(0, len(AFTER)))])
    joins = [Tensor.cat(*each) for each in pieces]
    read = iter(computed([part.float() for parts, _ in pieces for part in parts]))
    found = computed([after(join) for after, join in zip(afters, joins, strict=True)])
    own = computed([join.float() for join in joins])
    with config(fuse=False):
        again = [Tensor.cat(*each) for each in pieces]
        unfused = computed([after(join) for after, join in zip(afters, again, strict=True)])
    for number, (parts, axis) in enumerate(pieces):
        seed = f"seed {first + number}"
        wanted = np.concatenate([next(read) for _ in parts], axis)
        np.testing.assert_array_equal(own[number], wanted, err_msg=seed)
        np.testing.assert_array_equal(unfused[number], found[number], err_msg=seed)


@pytest.mark.parametrize("name", [*GRADIENTS, *ELEMENTS])
def test_gradients(device: str, name: str) -> None:
    function = (GRADIENTS | ELEMENTS)[name]
    values = np.random.default_rng(3).standard_normal((6, 20)).astype(np.float32)
    x = Tensor(values, device=device, requires_grad=True)
    (found,) = grad(function(x), [x])
    step = 1e-3
    wanted = np.zeros_like(values)
    for at in np.ndindex(values.shape):
        moved = np.zeros_like(values)
        moved[at] = step
        ahead, behind = (
            function(Tensor((values + side * moved).astype(np.float64), device=device))
            for side in (1, -1)
        )
        wanted[at] = (ahead.item() - behind.item()) / (2 * step)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=2e-2, atol=2e-3)


def test_zeros_keep_their_sign_in_a_join_and_lose_it_in_a_sum(device: str) -> None:
    parts = [Tensor([-0.0, 0.0], device=device) for _ in range(12)]
    assert np.signbit(Tensor.cat(parts).numpy()).sum() == 12
    padded = [part.pad((2 * i, 22 - 2 * i)) for i, part in enumerate(parts)]
    assert not np.signbit(sum(padded[1:], padded[0]).numpy()).any()


def test_a_value_that_is_read_again_is_written_once_and_copied(device: str) -> None:
    x = Tensor(np.arange(12.0).reshape(3, 4), device=device)
    y = (x * 2).exp()
    joined, again = Tensor.cat([y, y, x]), y + 1
    Tensor.realize(joined, again)
    right = np.exp(x.numpy() * 2)
    np.testing.assert_allclose(joined.numpy(), np.concatenate([right, right, x.numpy()]), 1e-6)
    np.testing.assert_allclose(again.numpy(), right + 1, 1e-6)


def test_lines_of_numpy_are_linear_in_the_pieces() -> None:
    def lines(count: int) -> int:
        parts = [Tensor(np.zeros((3, 4), np.float32), device="CPU") for _ in range(count)]
        texts = "\n".join(inspect.sources(Tensor.cat(parts)))
        return sum(bool(line) and line[0] != "#" for line in texts.splitlines())

    per_kernel = PER_KERNEL - 1
    assert lines(4 * per_kernel) - lines(2 * per_kernel) == 2 * lines(per_kernel)
    assert lines(per_kernel) <= 5 * per_kernel


def test_a_join_of_which_nothing_is_left_is_zero() -> None:
    """Pieces that only turn out to be zeros when their own joins were chosen from."""
    x = Tensor(np.ones((3, 3), np.float32))

    def step(c: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return c, associative_scan(operator.add, func.grad(lambda x: c.sum())(x).sin())

    assert not scan(step, x[0], x)[1].numpy().any()


def test_one_element_that_one_turn_of_a_loop_reads() -> None:
    """It is written by the same kernel, where it is not read under a guard."""

    def slopes(x: Tensor) -> Tensor:
        return associative_scan(lambda a, b: a * b + (a + b), x.sin()).sum().sin()

    x = np.array([1.2, 0.4, -0.02])
    found = func.jvp(func.hessian(slopes), (Tensor(x),), (Tensor(x),))[1].numpy()
    step = 1e-5
    ahead, behind = (func.hessian(slopes)(Tensor(x * (1 + s))).numpy() for s in (step, -step))
    np.testing.assert_allclose(found, (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-8)


# -- what is checked of kernels -------------------------------------------------------------------


def part(start: int, size: int) -> Output:
    r = Range("i", size)
    return Output(0, index_of(r) + start, ex.zero(ex.dt.float32), (r,))


@pytest.mark.parametrize(
    "outputs",
    [[part(0, 4)], [part(0, 4), part(3, 4)], [part(0, 4), part(4, 5)], [part(0, 4), part(5, 3)]],
    ids=["a part only", "overlapping", "too many", "a gap"],
)
def test_parts_that_are_not_all_are_refused(outputs: list[Output]) -> None:
    with pytest.raises(InternalError, match="parts do not write each element"):
        verify_written(BufferSpec(ex.dt.float32, 8), outputs)


def test_parts_that_are_all_are_not() -> None:
    verify_written(BufferSpec(ex.dt.float32, 8), [part(4, 4), part(0, 4)])
