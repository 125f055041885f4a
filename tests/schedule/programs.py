"""Small programs, each with a shape of graph that a scheduler may take badly; what they cost stands
in the table of budgets.

Inputs have no values, so that large ones cost nothing. `GROWING` names sizes that plans may grow
with linearly, and no faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lazygrad import Tensor, float32, grad, ops
from lazygrad.bridge import wrap
from lazygrad.graph import node
from lazygrad.runtime.cache import Placeholder

Program = Callable[[], Sequence[Tensor]]

GROWING = {"rolls": 10, "heat": 5, "butterflies": 10, "scan": 12, "centred": 64, "recurrent": 200}
PRIME = 19_999_999


def given(*shape: int) -> Tensor:
    """An input."""
    return wrap(node(ops.BUFFER, (), Placeholder(shape, float32, "CPU")))


def learned(*shape: int) -> Tensor:
    return given(*shape).requires_grad_()


def many(count: int, *shape: int) -> list[Tensor]:
    return [given(*shape) for _ in range(count)]


def gradients(loss: Tensor, *inputs: Tensor) -> list[Tensor]:
    return [found for found in grad(loss, inputs) if found is not None]


# -- many operands, and few of many elements ------------------------------------------------------


def total() -> list[Tensor]:
    return [sum(many(130, 8, 8), start=given(8, 8))]


def chosen_rows() -> list[Tensor]:
    return [given(20_000_000)[Tensor(np.array([3, 17, 19_999_999, 0]))]]


# -- values that several readers want at shifted places ------------------------------------------


def rolls() -> list[Tensor]:
    y = given(65_536)
    for _ in range(GROWING["rolls"]):
        y = y + y.roll(1)
    return [y]


def heat() -> list[Tensor]:
    """Explicit Euler steps of the heat equation on a square."""
    u = given(256, 256)
    for _ in range(GROWING["heat"]):
        around = u.roll(1, 0) + u.roll(-1, 0) + u.roll(1, 1) + u.roll(-1, 1)
        u = u + (around - u * 4) * 0.1
    return [u]


def butterflies() -> list[Tensor]:
    """A Hadamard transform: sums and differences of halves, quarters, and so on."""
    y = given(64, 1024)
    for level in range(GROWING["butterflies"]):
        pairs = y.reshape(64, -1, 2, 512 >> level)
        a, b = pairs[:, :, 0], pairs[:, :, 1]
        y = Tensor.stack([a + b, a - b], 2).reshape(64, 1024)
    return [y]


def scan() -> list[Tensor]:
    """Running sums as Hillis and Steele make them."""
    y = given(4096)
    for level in range(GROWING["scan"]):
        step = 1 << level
        y = y + y[:-step].pad((step, 0))
    return [y]


# -- reductions that depend on each other, and reductions side by side ----------------------------


def centred() -> list[Tensor]:
    x = given(64, 64)
    for _ in range(GROWING["centred"]):
        x = x - x.sum(1) + x.amax(0)
    return [x]


def sums() -> list[Tensor]:
    x = given(1024, 1024)
    return [x.sum(0), (x * x).sum(0)]


def maps() -> list[Tensor]:
    x = given(1024, 1024)
    return [x.exp(), x.sin()]


def rows() -> list[Tensor]:
    x = given(1024, 1024)
    return [x.sum(1), x.amax(1)]


def batch_norm_backward() -> list[Tensor]:
    x, weight, bias = learned(32, 64, 16, 16), learned(64), learned(64)
    y = x.batch_norm(None, None, weight, bias, training=True)
    return gradients((y * given(32, 64, 16, 16)).sum(), x, weight, bias)


def layer_norm_both_ways() -> list[Tensor]:
    x, weight, bias = learned(512, 768), learned(768), learned(768)
    y = x.layer_norm((768,), weight, bias)
    return [y.detach(), *gradients((y * given(512, 768)).sum(), x, weight, bias)]


def moments() -> list[Tensor]:
    """Those of batch norm."""
    x = given(128, 64, 32, 32)
    return [x.mean((0, 2, 3)), x.var((0, 2, 3))]


# -- contractions ---------------------------------------------------------------------------------


EPILOGUES = ("relu", "gelu", "tanh", "sigmoid", "silu", "softplus", "hardswish")


def after_linear(name: str) -> Program:
    return lambda: [getattr(given(128, 256).linear(given(512, 256), given(512)), name)()]


def after_conv(name: str) -> Program:
    def program() -> list[Tensor]:
        y = given(16, 32, 16, 16).conv2d(given(64, 32, 3, 3), given(64), padding=1)
        return [getattr(y, name)()]

    return program


def transposed_conv() -> list[Tensor]:
    """What a strided convolution does to the derivative by its result."""
    image, weight = learned(32, 32, 32, 32), given(64, 32, 4, 4)
    result = image.conv2d(weight, stride=2, padding=1)
    return [found for found in grad(result, image, given(*result.shape)) if found is not None]


def attention() -> list[Tensor]:
    query, key, value = many(3, 8, 4, 128, 32)
    return [query.scaled_dot_product_attention(key, value, is_causal=True)]


def attention_both_ways() -> list[Tensor]:
    query, key, value = (learned(8, 4, 128, 32) for _ in range(3))
    y = query.scaled_dot_product_attention(key, value, is_causal=True)
    return [y.detach(), *gradients((y * given(8, 4, 128, 32)).sum(), query, key, value)]


def recurrent() -> list[Tensor]:
    """An unrolled network of one layer, forward and backward."""
    inward, across, bias = learned(64, 32), learned(64, 64), learned(64)
    x, state = given(GROWING["recurrent"], 16, 32), given(16, 64)
    for step in range(GROWING["recurrent"]):
        state = (x[step].linear(inward, bias) + state.linear(across)).tanh()
    return gradients(state.square().mean(), inward, across, bias)


PROGRAMS: dict[str, Program] = {
    "cat_of_130": lambda: [Tensor.cat(many(130, 8, 8))],
    "stack_of_130": lambda: [Tensor.stack(many(130, 8, 8))],
    "sum_of_130": total,
    "4_of_20_M_elements": chosen_rows,
    "rolls": rolls,
    "heat": heat,
    "butterflies": butterflies,
    "scan": scan,
    "centred": centred,
    **{f"linear_{name}": after_linear(name) for name in EPILOGUES},
    **{f"conv_{name}": after_conv(name) for name in EPILOGUES},
    "two_sums_of_columns": sums,
    "two_maps": maps,
    "sum_and_maximum_of_rows": rows,
    "batch_norm_backward": batch_norm_backward,
    "layer_norm_both_ways": layer_norm_both_ways,
    "cat_of_200": lambda: [Tensor.cat(many(200, 100))],
    "stack_of_100_scalars": lambda: [Tensor.stack(many(100))],
    "sum_of_a_prime_length": lambda: [given(PRIME).sum()],
    "transposed_conv": transposed_conv,
    "recurrent": recurrent,
    "attention": attention,
    "attention_both_ways": attention_both_ways,
    "std_of_10_M": lambda: [given(10_000_000).std()],
    "moments": moments,
}
