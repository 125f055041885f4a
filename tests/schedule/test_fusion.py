"""Fusion as exact kernel counts, on devices that exist only as targets."""

from collections.abc import Iterator

import numpy as np
import pytest

from lazygrad import Tensor, config, nn, no_grad, ops, optim
from lazygrad.codegen import products
from lazygrad.codegen.normal import normal
from lazygrad.kernel import expr as ex
from lazygrad.kernel.contraction import find
from lazygrad.kernel.kernel import Kernel
from lazygrad.schedule.draft import MAX_OPS
from lazygrad.schedule.price import FAR
from tests.schedule.planning import TARGETS, VECTORS, kernels_of, plan_of


@pytest.fixture(autouse=True, params=[*TARGETS])
def target(request: pytest.FixtureRequest):
    return TARGETS[request.param]


@pytest.fixture
def directly() -> Iterator[None]:
    """Convolutions are sums of all their products, as large ones are on some devices only."""
    with config(winograd=False):
        yield


def computing(kernels: list[Kernel]) -> list[Kernel]:
    """All but those that only repack an operand, which libraries do themselves."""
    return [k for k in kernels if not k.reasons[0].startswith("it repacks")]


def data(*shape: int, grad: bool = False) -> Tensor:
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return Tensor(values, requires_grad=grad)


def test_an_elementwise_chain_is_one_kernel(target) -> None:
    x, y = data(64, 64), data(64)
    assert len(kernels_of(((x + y) * 2).tanh().exp() - x / 3, target=target)) == 1


def test_a_constant_that_somebody_has_in_memory_is_folded_all_the_same(target) -> None:
    x, constant = data(64), Tensor.full((64,), 3.0)
    y = x * constant
    constant.realize()
    (kernel,) = kernels_of(y, target=target)
    assert len(kernel.buffers) == 2


def test_unfused_every_operation_is_a_kernel(target) -> None:
    x = data(64, 64)
    assert len(kernels_of((x + 1) * x, target=target, fused=False)) == 2


@pytest.mark.usefixtures("directly")
def test_convolution_bias_relu_is_one_kernel(target) -> None:
    x, w, b = data(16, 32, 13, 13), data(64, 32, 3, 3), data(64)
    kernels = kernels_of(x.conv2d(w, b).relu(), target=target)
    (convolution,) = computing(kernels)
    assert convolution.name == "conv2d_relu_16x64x11x11"
    assert find(convolution) is not None
    assert len(kernels) == (1 if target.blas else 2)  # the weights are repacked


def _convolved(x: Tensor, w: Tensor) -> Tensor:
    return x.conv2d(w, data(64)).relu()


@pytest.mark.usefixtures("directly")
def test_a_pooling_takes_in_its_convolution(target) -> None:
    """The windows of 11 x 11 results leave out a row and a column: they are not computed."""
    x, w = data(16, 32, 13, 13), data(64, 32, 3, 3)
    kernels = kernels_of(_convolved(x, w).max_pool2d(2), target=target)
    if target is not VECTORS:
        assert [k.name for k in kernels if "max_pool2d" in k.name] == ["max_pool2d_16x64x5x5x1"]
        return
    (pooled,) = computing(kernels)
    assert pooled.name == "conv2d_relu_max_pool2d_16x64x5x5x1"
    inner, outer = pooled.reductions()
    points = np.prod([r.size for r in inner.ranges])
    assert (points, len(outer.arg.ranges)) == (16 * 64 * 10 * 10, 2)


POOLINGS = {
    "windows overlap": (lambda y: [y.max_pool2d(3, 2)], ["max_pool2d_16x64x5x5x1"]),
    "windows hold padding": (lambda y: [y.max_pool2d(2, padding=1)], ["max_pool2d_16x64x6x6x1"]),
    "too large for registers": (lambda y: [y.max_pool2d(4)], ["max_pool2d_16x64x2x2x1"]),
    "it is needed too": (lambda y: [y.max_pool2d(2), y], ["max_pool2d_16x64x5x5x1"]),
}


@pytest.mark.usefixtures("directly")
@pytest.mark.parametrize("why", POOLINGS)
def test_others_read_what_the_convolution_has_written(target, why: str) -> None:
    pool, readers = POOLINGS[why]
    y = _convolved(data(16, 32, 13, 13), data(64, 32, 3, 3))
    kernels = computing(kernels_of(*pool(y), target=target))
    assert [k.name for k in kernels] == ["conv2d_relu_16x64x11x11", *readers]
    assert [find(k) is not None for k in kernels] == [True, *(False for _ in readers)]


@pytest.mark.usefixtures("directly")
def test_a_kernel_that_follows_the_convolution_writes_it_for_others(target) -> None:
    y = _convolved(data(16, 32, 13, 13), data(64, 32, 3, 3))
    first, pooling = computing(kernels_of(y.max_pool2d(2), y.exp(), target=target))
    assert (first.name, len(first.outputs)) == ("conv2d_relu_exp_16x64x11x11", 2)
    assert find(first) is not None
    assert pooling.name == "max_pool2d_16x64x5x5x1"


def test_linear_bias_relu_is_one_kernel(target) -> None:
    x, w, b = data(32, 64), data(48, 64), data(48)
    kernels = kernels_of(x.linear(w, b).relu(), target=target)
    (product,) = computing(kernels)
    assert product.name == "linear_relu_32x48"
    assert find(product) is not None
    assert len(kernels) == (1 if target.blas else 2)


def test_a_sum_of_three_products_is_one_contraction_or_one_each_for_a_library(target) -> None:
    """The gradient of what three matrices multiply."""
    x = data(16, 32, 64, grad=True)
    y = sum((x.linear(data(48, 64) * scale).exp().sum() for scale in (1, 2, 3)), Tensor(0.0))
    y.backward()
    kernels = kernels_of(x.grad, target=target)
    if target.blas:
        gradients = [k for k in kernels if find(k) and k.buffers[0].size == x.numel()]
        assert len(gradients) == 3
    else:
        found = products.find(normal(kernels[-1]))
        assert found is not None and len(found.pairs) == 3


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_softmax_over_rows_is_one_kernel(target, function: str) -> None:
    kernels = kernels_of(getattr(data(512, 256), function)(-1), target=target)
    assert len(kernels) == 1
    assert len(kernels[0].ranges) == 1  # a row is the unit of work


def test_layer_norm_is_one_kernel(target) -> None:
    x, w, b = data(512, 256), data(256), data(256)
    assert len(kernels_of(x.layer_norm((256,), w, b), target=target)) == 1


def test_a_sum_over_everything_is_two_kernels_where_we_generate_it(target) -> None:
    count = len(kernels_of(data(2048, 2048).sum(), target=target))
    assert count == (1 if target.blas else 2)


def test_a_sum_over_rows_is_one_kernel(target) -> None:
    assert len(kernels_of(data(4096, 512).sum(1), target=target)) == 1


def test_maximum_and_its_position_share_a_kernel(target) -> None:
    x = data(8, 16, 12, 12)
    values, indices = x.relu().clone().max_pool2d(2, return_indices=True)
    kernels = kernels_of(values, indices, target=target)
    assert [(k.name, len(k.outputs)) for k in kernels] == [
        ("relu_8x16x12x12", 1), ("max_pool2d_8x16x6x6", 2)
    ]  # fmt: skip


def test_the_input_gradient_of_a_convolution_is_one_contraction(target) -> None:
    x, w = data(8, 16, 9, 9, grad=True), data(32, 16, 3, 3)
    x.conv2d(w).backward(data(8, 32, 7, 7))
    kernels = kernels_of(x.grad, target=target)
    (contraction,) = computing(kernels)
    assert find(contraction) is not None
    sizes = [spec.size for spec in contraction.buffers]  # no window was unfolded in memory
    assert sizes == [x.numel(), 8 * 32 * 7 * 7, w.numel()]
    loads = [v.arg for v in ex.toposort(contraction.values) if v.op is ex.LOAD]
    # where dy is 0, weights may be anything
    assert sorted(len(load.guard) for load in loads) == [0, 2]


def test_an_unused_gradient_costs_nothing(target) -> None:
    """The image's would be a kernel of its own."""
    counts = []
    for image_too in (False, True):
        x, w = data(4, 3, 8, 8, grad=image_too), data(5, 3, 3, 3, grad=True)
        x.conv2d(w).sum().backward()
        wanted = [t.grad for t in (w, x) if t.requires_grad]
        counts.append(len(kernels_of(*wanted, target=target)))
        assert (x.grad is not None) == image_too
    assert counts == [1, 2]


@pytest.mark.parametrize(("columns", "names"), [(3, ["exp_matmul"]), (4, ["exp", "matmul"])])
def test_an_operand_that_is_read_often_is_written(target, columns: int, names: list[str]) -> None:
    """Computing an exponential for a fourth time is dearer than reading it back."""
    kernels = kernels_of(data(64, 64).exp() @ data(64, columns), target=target)
    assert [k.name.partition("_64x")[0] for k in kernels] == names
    if columns == 4:
        assert kernels[0].reasons == ("each element is read 4 times by a contraction",)


def test_a_gather_loads_by_index(target) -> None:
    table, index = data(1000, 64), Tensor(np.arange(10))
    kernels = kernels_of(table[index], target=target)
    assert len(kernels) == 1
    assert not kernels[0].reductions()


def test_long_chains_are_cut_into_equal_kernels(target) -> None:
    x = data(16)
    y = x
    for _ in range(1000):
        y = y * 1.5 + x
    kernels = kernels_of(y, target=target)
    sizes = [operations(k) for k in kernels]
    assert sum(sizes) == 2 * 1000
    assert set(sizes[1:]) == {MAX_OPS} and 0 < sizes[0] <= MAX_OPS


def test_shared_random_masks_are_drawn_once(target) -> None:
    x = data(256, 256, grad=True)
    y = x.dropout(0.5)
    y.sum().backward()
    kernels = kernels_of(y, x.grad, target=target)
    drawing = [k for k in kernels if any(v.op is ops.XOR for v in ex.toposort(k.values))]
    assert len(drawing) == 1


def operations(kernel: Kernel) -> int:
    """How many elementwise operations a kernel holds."""
    return sum(isinstance(v.op, ops.Op) for v in ex.toposort(kernel.values))


def cnn_step() -> list[Tensor]:
    """One training step of the CNN that the README and the bench use, not yet computed."""
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    Tensor.realize(*model.parameters())
    loss = model(data(128, 1, 28, 28)).cross_entropy(Tensor(np.arange(128) % 10))
    loss.backward()
    with no_grad():
        new = [p - p.grad * 0.1 for p in model.parameters()]
    return [loss, *new]


COUNTS = {"vectors": 32, "library": 22, "graphics": 32}


@pytest.mark.usefixtures("directly")
def test_the_kernels_and_the_memory_of_a_training_step_are_counted(target, request) -> None:
    name = request.node.callspec.params["target"]
    plan = plan_of(*cnn_step(), target=target)
    assert len(plan.steps) == COUNTS[name]
    activations = 4 * 128 * (32 * 26 * 26 + 64 * 11 * 11)
    assert 1.9 * activations < plan.peak_bytes < 2.2 * activations


def test_equal_graphs_have_equal_kernels(target) -> None:
    """Nothing in a plan depends on identities or on the order of a set: it is found on disk."""

    def planned() -> list[Kernel]:
        x, w = data(8, 4, 9, 9), data(6, 4, 3, 3, grad=True)
        x.conv2d(w).relu().max_pool2d(2).flatten(1).log_softmax(1).sum().backward()
        return kernels_of(w.grad, target=target)

    assert planned() == planned()


def test_optimizer_updates_are_one_kernel_a_parameter(target, monkeypatch) -> None:
    """And for what all of them share, the count and both corrections of the bias, two, or one if
    they read the same memory."""
    parameters = [data(64, 64, grad=True), data(32, grad=True)]
    optimizer = optim.Adam(parameters)
    sum((p * p).sum() for p in parameters).backward()
    rebound: list[Tensor] = []
    monkeypatch.setattr(Tensor, "realize", lambda *tensors: rebound.extend(tensors))
    optimizer.step()
    assert len(rebound) == 2 * 3 + 1  # parameters and both moments of each, and the count
    kernels = kernels_of(*rebound, target=target)
    shared = [k for k in kernels if all(spec.size <= 2 for spec in k.buffers)]
    updates = [k for k in kernels if k not in shared]
    assert len(shared) in (1, 2)
    assert [len(k.outputs) for k in updates] == [3, 3]
    assert [k.name.rsplit("_", 1)[1] for k in updates] == ["64x64", "32"]


def test_what_is_made_of_much_is_not_computed_again(target) -> None:
    """Without a look at what it would cost, which takes long for long programs."""
    x = data(4, 5)
    for number in range(FAR + 1):
        x = x * 2 if number % 2 else x + 1
    reasons = [kernel.reasons for kernel in kernels_of(x.sum(0), x.sum(1), target=target)]
    assert ("it is made of more than 256 values, too many to compute them again",) in reasons
