"""Both devices draw the same bits: of every distribution and dtype, alone, fused with other
operations, op by op, and jitted."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, jit, manual_seed, ops
from lazygrad.graph import Node, toposort
from lazygrad.nn import init
from lazygrad.schedule.simplify import simplify

COUNT = 200_003  # with a tail shorter than a vector
FLOATS = ["float16", "bfloat16", "float32", "float64"]

Draw = Callable[..., Tensor]
DRAWS: dict[str, Draw] = {
    "rand": lambda *size, **options: Tensor.rand(*size, **options),
    "randn": lambda *size, **options: Tensor.randn(*size, **options),
    "uniform": lambda *size, **options: Tensor.uniform(*size, low=-3.7, high=1.3, **options),
    "normal": lambda *size, **options: Tensor.normal(*size, mean=0.3, std=1.7, **options),
    "dropout": lambda *size, **options: Tensor.ones(*size, **options).dropout(0.3),
}


def bits(values: Any) -> np.ndarray:
    array = values.numpy() if isinstance(values, Tensor) else values
    return array.view(f"u{array.itemsize}")


def on_both(make: Callable[[str], Tensor], seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    found = []
    for device in ("CPU", "GPU"):
        manual_seed(seed)
        found.append(bits(make(device)))
    return found[0], found[1]


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", DRAWS)
def test_many_draws(name: str, dtype: str) -> None:
    np.testing.assert_array_equal(
        *on_both(lambda device: DRAWS[name](COUNT, dtype=dtype, device=device))
    )


@pytest.mark.gpu
@pytest.mark.parametrize("name", DRAWS)
def test_drawn_within_other_operations(name: str, device: str) -> None:
    """A product at the end of a draw would be fused with a sum that follows."""
    manual_seed(5)
    alone = DRAWS[name](600, 700, device="CPU").numpy()
    manual_seed(5)
    drawn = DRAWS[name](600, 700, device=device)
    shifted = (drawn + 1.1).permute(1, 0).contiguous()
    largest, positive = drawn.amax(1), (drawn > 0.25)[:, ::3].contiguous()
    shifted.realize(largest, positive)
    np.testing.assert_array_equal(bits(shifted), bits((alone + np.float32(1.1)).T.copy()))
    np.testing.assert_array_equal(bits(largest), bits(alone.max(1)))
    np.testing.assert_array_equal(positive.numpy(), (alone > 0.25)[:, ::3])


def _exact(product: Node) -> bool:
    return any(
        operand.op is ops.CONST and abs(math.frexp(operand.arg.value)[0]) == 0.5
        for operand in product.src
    )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["rand", "randn", "uniform", "normal"])
def test_no_rounded_product_is_added_to_anything(name: str, dtype: str) -> None:
    """Compilers for GPUs may fuse products with sums, which rounds once instead of twice."""
    root = DRAWS[name](7, dtype=dtype, device="CPU")._node
    for graph in (root, simplify([root])[root]):
        inexact = {n for n in toposort([graph]) if n.op is ops.MUL and not _exact(n)}
        inexact = {n for n in inexact if n.dtype.is_floating_point}
        sums = [n for n in toposort([graph]) if n.op is ops.ADD]
        assert inexact.isdisjoint(operand for total in sums for operand in total.src)
        assert graph not in inexact


@pytest.mark.gpu
def test_drawn_op_by_op(device: str) -> None:
    manual_seed(5)
    together = Tensor.randn(50_001, device="CPU").numpy()
    manual_seed(5)
    with lazygrad.config(fuse=False):
        np.testing.assert_array_equal(bits(Tensor.randn(50_001, device=device)), bits(together))


@pytest.mark.gpu
@pytest.mark.parametrize("name", DRAWS)
def test_drawn_by_a_jitted_function(name: str, device: str) -> None:
    """The third call is a replay."""
    draw = jit(lambda: DRAWS[name](3001, device=device))
    manual_seed(5)
    jitted = [bits(draw()).copy() for _ in range(4)]
    manual_seed(5)
    for values in jitted:
        np.testing.assert_array_equal(values, bits(DRAWS[name](3001, device="CPU")))


INITS: dict[str, Callable[[Tensor], Tensor]] = {
    "uniform_": lambda t: init.uniform_(t, 0.1, 0.7),
    "normal_": lambda t: init.normal_(t, 0.3, 0.02),
    "xavier_uniform_": init.xavier_uniform_,
    "xavier_normal_": init.xavier_normal_,
    "kaiming_uniform_": lambda t: init.kaiming_uniform_(t, a=5**0.5),
    "kaiming_normal_": init.kaiming_normal_,
    "orthogonal_": init.orthogonal_,
}


@pytest.mark.gpu
@pytest.mark.parametrize("name", INITS)
def test_initial_values(name: str) -> None:
    shape = (96, 40) if name == "orthogonal_" else (1000, 100, 3, 3)
    np.testing.assert_array_equal(
        *on_both(lambda device: INITS[name](Tensor.empty(shape, device=device)))
    )


@pytest.mark.gpu
def test_integers() -> None:
    for options in ({"low": -5, "high": 1000}, {"low": -(2**63), "high": 2**63}):
        np.testing.assert_array_equal(
            *on_both(lambda device, o=options: Tensor.randint(COUNT, device=device, **o))
        )
