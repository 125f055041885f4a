"""What a plan may cost, whatever the graph: programs on which planning exploded or the plan was
bad, and random graphs under a target so small that they reach its thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lazygrad import Tensor, config, grad
from lazygrad.func import jvp, vjp
from lazygrad.kernel import cost, expr as ex
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from lazygrad.runtime import registry
from lazygrad.schedule.draft import MAX_OPS
from tests.schedule import programs
from tests.schedule.planning import LIBRARY, TARGETS, VECTORS, kernels_of

TINY = Target(units=2, lanes=2, registers=4, cache=1 << 10, buffers=6, launch=4e-8)
EXPRESSIONS = 8 * MAX_OPS  # in a kernel: operations, with their loads and guards


@pytest.fixture(params=[*TARGETS])
def target(request: pytest.FixtureRequest) -> Target:
    return TARGETS[request.param]


def expressions(kernel: Kernel) -> int:
    return len(ex.toposort(kernel.values))


SHIFTED = {
    "rolls": programs.rolls,
    "heat": programs.heat,
    "butterflies": programs.butterflies,
    "scan": programs.scan,
}


@pytest.mark.parametrize("name", SHIFTED)
def test_shifted_reuse_is_at_most_twice_the_work(target, name: str) -> None:
    fused, unfused = (kernels_of(*SHIFTED[name](), target=target, fused=f) for f in (True, False))
    assert sum(map(cost.flops, fused)) <= 2 * sum(map(cost.flops, unfused))
    assert max(map(expressions, fused)) < 100
    assert len(fused) < len(unfused)


def centred(count: int) -> Tensor:
    x = programs.given(64, 64)
    for _ in range(count):
        x = x - x.sum(1, keepdim=True) + x.amax(0, keepdim=True)
    return x


def test_sums_both_ways_take_kernels_in_proportion(target) -> None:
    counts = [len(kernels_of(centred(count), target=target)) for count in (8, 16, 32, 64)]
    steps = [after - before for before, after in pairwise(counts)]
    assert all(after <= 2 * before + 1 for before, after in pairwise(steps))


ACTIVATIONS = ["relu", "gelu", "tanh", "sigmoid", "silu", "softplus", "hardswish"]


@pytest.mark.parametrize("layer", ["linear", "conv"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_whatever_follows_a_contraction_is_its_epilogue(
    target, layer: str, activation: str
) -> None:
    x, w = {
        "linear": (programs.given(64, 128), programs.given(256, 128)),
        "conv": (programs.given(8, 16, 16, 16), programs.given(32, 16, 3, 3)),
    }[layer]
    y = x.linear(w) if layer == "linear" else x.conv2d(w)
    kernels = kernels_of(getattr(y, activation)(), target=target)
    assert sum(not k.reasons[0].startswith("it repacks") for k in kernels) == 1


def image_gradient(weight: Tensor, upstream: Tensor) -> Tensor:
    return vjp(lambda image: image.conv2d(weight), programs.given(64, 32, 13, 13))[1](upstream)[0]


PRODUCTS = {
    "linear": (Tensor.linear, (64, 128), (256, 128)),
    "conv": (Tensor.conv2d, (64, 16, 7, 7), (32, 16, 3, 3)),
    "conv_backward": (image_gradient, (64, 32, 3, 3), (64, 64, 11, 11)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_change_of_a_product_has_vectors_of_all_operands(name: str) -> None:
    function, *shapes = PRODUCTS[name]
    given, changes = ([programs.given(*shape) for shape in shapes] for _ in range(2))
    change = jvp(function, tuple(given), tuple(changes))[1]
    (kernel,) = (k for k in kernels_of(change, target=VECTORS) if k.reductions())
    loads = [e.arg.index for e in ex.toposort(kernel.values) if e.op is ex.LOAD]
    assert len(loads) == 4
    vectors = [r for r in kernel.ranges if all(i.coefficient(r) in (0, 1) for i in loads)]
    assert any(r.size >= VECTORS.lanes for r in vectors)


SIBLINGS: dict[str, Callable[[Tensor], list[Tensor]]] = {
    "sums": lambda x: [x.sum(0), (x * x).sum(0)],
    "maps": lambda x: [x.exp(), x.sin()],
    "rows": lambda x: [x.sum(1), x.amax(1)],
    "with dims and without": lambda x: [x.sum(1, keepdim=True), x.amax(1)],
}


@pytest.mark.parametrize("name", SIBLINGS)
def test_siblings_share_a_kernel(target, name: str) -> None:
    (kernel,) = kernels_of(*SIBLINGS[name](programs.given(512, 768)), target=target)
    assert len(kernel.outputs) == 2


def test_kernels_that_need_each_other_are_no_siblings(target) -> None:
    """The second sum over the same rows reads what is made of the first one's total."""
    x = programs.given(512, 768)
    total = x.sum(0).sum().clone()
    kernels = kernels_of(x.sum(0), (x * total).sum(0), target=target)
    written = [k.buffers[0].size for k in kernels]
    assert written.index(1) < len(written) - 1


def test_layer_norm_both_ways_is_three_kernels(target) -> None:
    kernels = kernels_of(*programs.PROGRAMS["layer_norm_both_ways"](), target=target)
    assert len(kernels) <= 4


@pytest.mark.parametrize("limit", [VECTORS, LIBRARY], ids=["vectors", "library"])
def test_a_value_is_kept_once_for_the_backward_pass(limit) -> None:
    """What the gradient of a gelu needs of its input is computed again, not written in parts."""
    x, w = programs.learned(512, 128), programs.learned(512, 128)
    y = x.linear(w).gelu()
    gradients = programs.gradients((y * programs.given(512, 512)).sum(), x, w)
    kernels = kernels_of(*gradients, target=limit)
    large = sum(1 for k in kernels for o in k.outputs if k.buffers[o.slot].size == y.numel())
    assert large <= 2  # the sum itself, and its gradient


# -- random graphs under a tiny target ------------------------------------------------------------


def grown(seed: int, given: Callable[..., Tensor]) -> Tensor:
    """A graph of some forty operations: shifts, rows, products, gathers, many inputs."""
    rng = np.random.default_rng(seed)
    values = [given(12, 12) for _ in range(3)]
    places = (values[0] * 3).abs().floor().clamp(0, 11).long()[0]

    def pick() -> Tensor:
        return values[-1 - int(rng.integers(0, min(6, len(values))))]

    moves: list[Callable[[Tensor], Tensor]] = [
        lambda x: x + pick().roll(1, 0),
        lambda x: x - x.mean(1, keepdim=True),
        lambda x: (x * x).mean(0) + pick(),
        lambda x: (x @ pick()) / 12,
        lambda x: x.softmax(1),
        lambda x: x[places] * pick(),
        lambda x: Tensor.cat([x[:5], pick()[5:]]),
        lambda x: sum((pick() for _ in range(8)), x) / 9,
        lambda x: x.gelu().transpose(0, 1),
        lambda x: (x * pick()).tanh(),
    ]
    for _ in range(40):
        values.append(moves[int(rng.integers(0, len(moves)))](pick()))
    return sum(values[-4:], values[0])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("small", [TINY, replace(TINY, is_gpu=True)], ids=["cpu", "gpu"])
def test_no_kernel_is_too_large_whatever_the_graph(seed: int, small: Target) -> None:
    fused, unfused = (
        kernels_of(grown(seed, programs.given), target=small, fused=f) for f in (True, False)
    )
    assert max(len(k.buffers) for k in fused) <= small.buffers
    assert max(map(expressions, fused)) <= EXPRESSIONS
    assert len(fused) < len(unfused)


@pytest.mark.parametrize("seed", range(3))
def test_it_computes_the_same(seed: int, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def computed() -> np.ndarray:
        rng = np.random.default_rng(seed)
        return grown(seed, lambda *n: Tensor(rng.standard_normal(n), device=device)).numpy()

    with config(fuse=False):
        plain = computed()
    backend = registry.backend(device)
    small = replace(backend.target, cache=TINY.cache, buffers=TINY.buffers, launch=TINY.launch)
    monkeypatch.setattr(backend, "target", small)
    np.testing.assert_allclose(computed(), plain, rtol=1e-4, atol=1e-4)


def test_a_result_that_is_read_at_several_points_of_its_kernel(device: str) -> None:
    """A correlation, its derivative and the derivative of that, in one plan: the matrix is an
    output, and read transposed as well."""
    a = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    x = Tensor(a, device=device, requires_grad=True)
    weight = Tensor(np.cos(np.arange(9, dtype=np.float32)).reshape(3, 3), device=device)
    covariance = x.cov()
    spread = covariance.diagonal().sqrt()
    found = (covariance / spread.unsqueeze(1) / spread).clamp(-1.0, 1.0)
    (first,) = grad((found * weight).sum(), x, create_graph=True)
    (second,) = grad((first * first).sum(), x)
    Tensor.realize(found, first, second)
    np.testing.assert_allclose(found.numpy(), np.corrcoef(a), rtol=1e-5, atol=1e-6)
    step = 1e-3 * np.sign(a)
    higher, lower = (
        float((Tensor(moved, device=device).corrcoef() * weight).sum().item())
        for moved in (a + step, a - step)
    )
    slope = float((first.detach() * Tensor(step, device=device)).sum().item())
    assert slope == pytest.approx((higher - lower) / 2, rel=2e-2, abs=2e-5)
    assert np.isfinite(second.numpy()).all()
