"""Normalisation to mean 0 and variance 1, carried in float32 for half precision."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad.element_types import bfloat16, float16, float32, float64
from lazygrad.errors import ShapeError
from lazygrad.graph import Node
from lazygrad.lang.elementwise import add, div, mul, rsqrt, square, sub
from lazygrad.lang.movement import aligned, movedim, reshape
from lazygrad.lang.operands import cast, require_float, widened
from lazygrad.lang.reduce import Axes, mean, sum as sum_over
from lazygrad.lang.transcendental import pow
from lazygrad.lang.windows import Window, windows
from lazygrad.shape import Shape, normalize_axes, numel

# The distance between 1 and the next float.
STEP_AFTER_ONE = {float16: 2.0**-10, bfloat16: 2.0**-7, float32: 2.0**-23, float64: 2.0**-52}


def moments(x: Node, axes: Axes) -> tuple[Node, Node]:
    """Mean and biased variance over ``axes``, kept with size 1, in the wide dtype of ``x``."""
    wide = widened(x)
    center = mean(wide, axes, keepdim=True)
    return center, mean(square(sub(wide, center)), axes, keepdim=True)


def standardize(x: Node, axes: Axes = -1, eps: float = 1e-5) -> Node:
    """``(x - mean) / sqrt(var + eps)`` over ``axes``."""
    require_float("layernorm", x)
    reduced = normalize_axes("layernorm", axes, x.ndim)
    center, spread = moments(x, reduced)
    return cast(mul(sub(widened(x), center), rsqrt(add(spread, eps))), x.dtype)


def layer_norm(
    x: Node,
    normalized_shape: Sequence[int],
    weight: Node | None = None,
    bias: Node | None = None,
    eps: float = 1e-5,
) -> Node:
    """Standardised over the last dims, which have ``normalized_shape``, then scaled and shifted.

    Raises:
        ShapeError: if ``x`` does not end with ``normalized_shape``.
    """
    inner = tuple(normalized_shape)
    if not inner or x.shape[x.ndim - len(inner) :] != inner or len(inner) > x.ndim:
        raise ShapeError(f"[layer_norm] shape {x.shape} does not end with {inner}")
    _require_shape("layer_norm", inner, weight=weight, bias=bias)
    result = standardize(x, range(x.ndim - len(inner), x.ndim), eps)
    return _affine(result, weight, bias)


def _require_shape(op: str, shape: Shape, **parameters: Node | None) -> None:
    for name, parameter in parameters.items():
        if parameter is not None and parameter.shape != shape:
            raise ShapeError(f"[{op}] {name} must have shape {shape}, not {parameter.shape}")


def _affine(x: Node, weight: Node | None, bias: Node | None) -> Node:
    x = x if weight is None else mul(x, weight)
    return x if bias is None else add(x, bias)


def group_norm(
    x: Node,
    num_groups: int,
    weight: Node | None = None,
    bias: Node | None = None,
    eps: float = 1e-5,
) -> Node:
    """Standardised over groups of channels (dim 1) and everything behind them."""
    if x.ndim < 2 or num_groups < 1 or x.shape[1] % num_groups:
        raise ShapeError(f"[group_norm] {num_groups} groups do not divide dim 1 of {x.shape}")
    _require_shape("group_norm", x.shape[1:2], weight=weight, bias=bias)
    grouped = reshape(x, (x.shape[0], num_groups, x.shape[1] // num_groups, *x.shape[2:]))
    result = reshape(standardize(grouped, range(2, grouped.ndim), eps), x.shape)
    return _affine(result, _channels(x, weight), _channels(x, bias))


def _channels(x: Node, parameter: Node | None) -> Node | None:
    return None if parameter is None else aligned(parameter, 1, x.ndim)


def batch_moments(x: Node) -> tuple[Node, Node, int]:
    """Mean and biased variance of each channel (dim 1), shape (C,), and how many values each had.

    Raises:
        ShapeError: without a channel dim, or with at most one value a channel, whose variance
            says nothing.
    """
    if x.ndim < 2:
        raise ShapeError(f"[batch_norm] needs (N, C, ..), got shape {x.shape}")
    count = x.size // x.shape[1] if x.shape[1] else 0
    if count <= 1:
        raise ShapeError(
            f"[batch_norm] needs more than one value a channel in training, got shape {x.shape}"
        )
    center, spread = moments(x, [axis for axis in range(x.ndim) if axis != 1])
    return reshape(center, (x.shape[1],)), reshape(spread, (x.shape[1],)), count


def batch_norm(
    x: Node,
    center: Node,
    spread: Node,
    weight: Node | None = None,
    bias: Node | None = None,
    eps: float = 1e-5,
) -> Node:
    """``(x - center) / sqrt(spread + eps) * weight + bias``, each argument one number a channel."""
    for name, value in (("mean", center), ("var", spread), ("weight", weight), ("bias", bias)):
        if value is not None and (x.ndim < 2 or value.shape != (x.shape[1],)):
            raise ShapeError(
                f"[batch_norm] {name} of shape {value.shape} does not fit dim 1 of {x.shape}"
            )
    # one factor and one offset a channel: (C,) values, so that x is read once
    scale = rsqrt(add(widened(spread), eps))
    shifted = sub(widened(x), aligned(widened(center), 1, x.ndim))
    if weight is not None:
        scale = mul(scale, weight)
    result = cast(mul(shifted, aligned(scale, 1, x.ndim)), x.dtype)
    return result if bias is None else add(result, aligned(bias, 1, x.ndim))


def rms_norm(
    x: Node, normalized_shape: Sequence[int], weight: Node | None = None, eps: float | None = None
) -> Node:
    """Divided by the root of the mean square over the last dims, which have ``normalized_shape``;
    ``eps`` is the distance between 1 and the next float if not given.

    Raises:
        ShapeError: if ``x`` does not end with ``normalized_shape``.
    """
    require_float("rms_norm", x)
    inner = tuple(normalized_shape)
    if not inner or x.shape[x.ndim - len(inner) :] != inner or len(inner) > x.ndim:
        raise ShapeError(f"[rms_norm] shape {x.shape} does not end with {inner}")
    _require_shape("rms_norm", inner, weight=weight)
    wide = widened(x)
    power = mean(square(wide), range(x.ndim - len(inner), x.ndim), keepdim=True)
    least = STEP_AFTER_ONE[x.dtype] if eps is None else eps
    return _affine(cast(mul(wide, rsqrt(add(power, least))), x.dtype), weight, None)


def instance_moments(x: Node) -> tuple[Node, Node, int]:
    """Mean and biased variance of each channel (dim 1) of each instance (dim 0), kept with size 1,
    and how many values each had.

    Raises:
        ShapeError: without spatial dims, or with at most one value in them.
    """
    count = numel(x.shape[2:])
    if x.ndim < 3 or count <= 1:
        raise ShapeError(
            f"[instance_norm] needs (N, C, ..) with more than one value a channel, got shape "
            f"{x.shape}"
        )
    center, spread = moments(x, range(2, x.ndim))
    return center, spread, count


def instance_norm(
    x: Node,
    center: Node,
    spread: Node,
    weight: Node | None = None,
    bias: Node | None = None,
    eps: float = 1e-5,
) -> Node:
    """``(x - center) / sqrt(spread + eps) * weight + bias`` with moments that broadcast to ``x``,
    and one ``weight`` and ``bias`` a channel (dim 1)."""
    _require_shape("instance_norm", x.shape[1:2], weight=weight, bias=bias)
    shifted = mul(sub(widened(x), center), rsqrt(add(spread, eps)))
    return _affine(cast(shifted, x.dtype), _channels(x, weight), _channels(x, bias))


def local_response_norm(
    x: Node, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Node:
    """``x / (k + alpha * mean(x ** 2)) ** beta``, the mean over ``size`` neighbouring channels
    (dim 1), of which those that are not there count as 0.

    Raises:
        ShapeError: for less than 3 dims.
    """
    require_float("local_response_norm", x)
    if x.ndim < 3:
        raise ShapeError(f"[local_response_norm] needs at least 3 dims, got shape {x.shape}")
    wide = widened(x)
    if not x.size:
        return x
    near = Window(size, 1, 1, size // 2, (size - 1) // 2)
    seen = windows("local_response_norm", movedim(square(wide), 1, -1), [near])
    power = movedim(div(sum_over(seen, -1), float(size)), -1, 1)
    return cast(div(wide, pow(add(mul(power, alpha), k), beta)), x.dtype)
