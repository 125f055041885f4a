# ruff: noqa: E501 (tables: one line a case)
"""Convolution and pooling, against loops over windows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from lazygrad.testing.conformance import Case, floats, these

ALL = ("float32", "float64", "float16", "bfloat16")


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Convolution by a loop over the kernel's elements."""
    kernel = weight.shape[2:]
    strides, dilations = _pair(stride), _pair(dilation)
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
        pads = [(t // 2, t - t // 2) for t in totals]
    else:
        pads = [(p, p) for p in _pair(0 if padding == "valid" else padding)]
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    sizes = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)
    ]
    per_group, outs = weight.shape[1], weight.shape[0] // groups
    result = np.zeros((x.shape[0], weight.shape[0], *sizes))
    for group, i, j in itertools.product(range(groups), range(kernel[0]), range(kernel[1])):
        rows = slice(
            i * dilations[0], i * dilations[0] + (sizes[0] - 1) * strides[0] + 1, strides[0]
        )
        columns = slice(
            j * dilations[1], j * dilations[1] + (sizes[1] - 1) * strides[1] + 1, strides[1]
        )
        seen = x[:, group * per_group : (group + 1) * per_group, rows, columns]
        own = weight[group * outs : (group + 1) * outs, :, i, j]
        result[:, group * outs : (group + 1) * outs] += np.einsum("nchw,oc->nohw", seen, own)
    return result if bias is None else result + bias[:, None, None]


def _places(
    shape: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[list[int], Iterator[tuple[int, int, list[tuple[int, int]]]]]:
    """Sizes of the result, and for each of its places the elements of x that its window sees."""
    kernels, pads, dilations = _pair(kernel), _pair(padding), _pair(dilation)
    strides = kernels if stride is None else _pair(stride)
    sizes = []
    for n, k, s, p, d in zip(shape, kernels, strides, pads, dilations, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        sizes.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)

    def walk() -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
        for i, j in itertools.product(range(sizes[0]), range(sizes[1])):
            window = [
                (
                    i * strides[0] - pads[0] + a * dilations[0],
                    j * strides[1] - pads[1] + b * dilations[1],
                )
                for a, b in itertools.product(range(kernels[0]), range(kernels[1]))
            ]
            yield i, j, window

    return sizes, walk()


def max_pool2d(
    x: Any,
    kernel: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """Values and flat places of the first maxima."""
    height, width = x.shape[-2:]
    sizes, places = _places((height, width), kernel, stride, padding, dilation, ceil_mode)
    values, indices = (
        np.zeros((*x.shape[:-2], *sizes), x.dtype),
        np.zeros((*x.shape[:-2], *sizes), np.int64),
    )
    for i, j, window in places:
        inside = [(r, c) for r, c in window if 0 <= r < height and 0 <= c < width]
        seen = np.stack([x[..., r, c] for r, c in inside])
        best = np.argmax(seen, axis=0)
        values[..., i, j] = np.max(seen, axis=0)
        indices[..., i, j] = np.array([r * width + c for r, c in inside])[best]
    return values, indices


def avg_pool2d(
    x: Any, kernel: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """Means over windows."""
    height, width = x.shape[-2:]
    pads = _pair(padding)
    sizes, places = _places((height, width), kernel, stride, padding, 1, ceil_mode)
    result = np.zeros((*x.shape[:-2], *sizes))
    for i, j, window in places:
        inside = [(r, c) for r, c in window if 0 <= r < height and 0 <= c < width]
        padded = [(r, c) for r, c in window if r < height + pads[0] and c < width + pads[1]]
        divisor = divisor_override or len(padded if count_include_pad else inside)
        result[..., i, j] = sum(x[..., r, c] for r, c in inside) / divisor
    return result


# name: shapes of x and weight, options
CONVOLUTIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "plain": ((2, 3, 8, 7), (4, 3, 3, 3), {}),
    "padded": ((2, 3, 8, 7), (4, 3, 3, 3), {"padding": 1}),
    "same": ((2, 3, 8, 7), (4, 3, 4, 3), {"padding": "same"}),
    "strided": ((2, 3, 9, 8), (4, 3, 3, 3), {"stride": 2, "padding": 1}),
    "uneven_stride": ((1, 2, 11, 9), (3, 2, 3, 2), {"stride": (3, 1), "padding": (0, 1)}),
    "dilated": ((2, 3, 9, 10), (4, 3, 3, 3), {"dilation": (2, 3), "padding": 2}),
    "groups": ((2, 4, 6, 6), (6, 2, 3, 3), {"groups": 2, "padding": 1}),
    "depthwise": ((2, 4, 6, 6), (4, 1, 3, 3), {"groups": 4}),
    "pointwise": ((2, 5, 4, 4), (7, 5, 1, 1), {}),
    "pointwise_strided": ((2, 5, 5, 5), (7, 5, 1, 1), {"stride": 2}),
    "patches": ((2, 3, 8, 9), (5, 3, 4, 4), {"stride": 4}),
    "whole": ((3, 2, 5, 5), (4, 2, 5, 5), {}),
    "wide": ((1, 8, 12, 12), (16, 8, 3, 3), {}),
    "stride_beyond": ((1, 2, 11, 11), (3, 2, 2, 2), {"stride": 4, "padding": 1}),
    "one_channel": ((4, 1, 9, 9), (3, 1, 3, 3), {"padding": 1}),
}


def _convolutions() -> list[Case]:
    cases = []
    for name, (x, weight, options) in CONVOLUTIONS.items():
        cases.append(Case(
            f"conv2d_{name}",
            lambda x, w, b, o=options: x.conv2d(w, b, **o),
            lambda x, w, b, o=options: conv2d(x, w, b, **o),
            (floats(*x), floats(*weight), floats(weight[0])),
            ALL if name in ("plain", "padded") else ("float32",), True, scale=8,
        ))  # fmt: skip
    return cases


# name: shape of x, kernel, options
POOLS: dict[str, tuple[tuple[int, ...], Any, dict[str, Any]]] = {
    "plain": ((2, 3, 8, 6), 2, {}),
    "odd": ((2, 3, 7, 9), 2, {}),
    "three": ((1, 2, 9, 10), 3, {}),
    "overlapping": ((2, 2, 9, 8), 3, {"stride": 2}),
    "padded": ((2, 2, 8, 7), 3, {"stride": 2, "padding": 1}),
    "ceil": ((1, 2, 8, 7), 3, {"stride": 2, "ceil_mode": True}),
    "ceil_padded": ((1, 2, 9, 6), 2, {"stride": 3, "padding": 1, "ceil_mode": True}),
    "uneven": ((1, 2, 9, 8), (3, 2), {"stride": (1, 2), "padding": (1, 0)}),
    "unbatched": ((3, 6, 6), 2, {}),
}


def _pools() -> list[Case]:
    cases = []
    for name, (shape, kernel, options) in POOLS.items():
        arg = (floats(*shape),)
        dtypes = ALL if name == "plain" else ("float32",)
        cases.append(Case(f"max_pool2d_{name}", lambda x, k=kernel, o=options: x.max_pool2d(k, **o, return_indices=True), lambda x, k=kernel, o=options: max_pool2d(x, k, **o), arg, dtypes, True))  # fmt: skip
        cases.append(Case(f"avg_pool2d_{name}", lambda x, k=kernel, o=options: x.avg_pool2d(k, **o), lambda x, k=kernel, o=options: avg_pool2d(x, k, **o), arg, dtypes, True, scale=2))  # fmt: skip
        if "padding" in options:
            cases.append(Case(f"avg_pool2d_{name}_inner", lambda x, k=kernel, o=options: x.avg_pool2d(k, **o, count_include_pad=False), lambda x, k=kernel, o=options: avg_pool2d(x, k, **o, count_include_pad=False), arg, gradient=True, scale=2))  # fmt: skip
    return cases


TIES = these(*[1, 1, 0, 2, 1, 1, 2, 2, 0, 0, 0, 0, 0, -1, 0, 0], shape=(1, 1, 4, 4))
NANS = these(
    *[1, float("nan"), 0, 2, 1, 1, float("inf"), 2, *[-float("inf")] * 4, 0, -1, 0, 0],
    shape=(1, 1, 4, 4),
)
SINGLES = [
    Case("max_pool2d_dilated", lambda x: x.max_pool2d(2, 1, 0, 2, return_indices=True), lambda x: max_pool2d(x, 2, 1, 0, 2), (floats(1, 2, 6, 7),), gradient=True),
    Case("max_pool2d_ties", lambda x: x.max_pool2d(2, return_indices=True), lambda x: max_pool2d(x, 2), (TIES,)),
    Case("max_pool2d_nan", lambda x: x.max_pool2d(2), lambda x: max_pool2d(x, 2)[0], (NANS,)),
    Case("max_pool2d_negative_border", lambda x: x.max_pool2d(3, 2, 1), lambda x: max_pool2d(x, 3, 2, 1)[0], (floats(1, 1, 5, 5, low=-3, high=-1),), gradient=True),
    Case("avg_pool2d_divisor", lambda x: x.avg_pool2d(2, divisor_override=3), lambda x: avg_pool2d(x, 2, divisor_override=3), (floats(1, 2, 4, 4),), gradient=True),
    Case("conv1d", lambda x, w: x.conv1d(w, stride=2, padding=1), lambda x, w: conv2d(x[:, :, None], w[:, :, None], None, (1, 2), (0, 1))[:, :, 0], (floats(2, 3, 9), floats(4, 3, 3)), gradient=True, scale=8),
    Case("max_pool1d", lambda x: x.max_pool1d(2), lambda x: max_pool2d(x[:, :, None], (1, 2))[0][:, :, 0], (floats(2, 3, 9),), gradient=True),
    Case("conv2d_unbatched", lambda x, w: x.conv2d(w), lambda x, w: conv2d(x[None], w)[0], (floats(3, 6, 5), floats(2, 3, 3, 3)), gradient=True, scale=8),
    Case("conv_bias_relu_pool", lambda x, w, b: x.conv2d(w, b, padding=1).relu().max_pool2d(2), lambda x, w, b: max_pool2d(np.maximum(conv2d(x, w, b, 1, 1), 0), 2)[0], (floats(2, 3, 8, 8), floats(5, 3, 3, 3), floats(5)), gradient=True, scale=8),
    Case("conv_pool_odd", lambda x, w: x.conv2d(w).max_pool2d(3).tanh(), lambda x, w: np.tanh(max_pool2d(conv2d(x, w), 3)[0]), (floats(2, 5, 13, 12), floats(19, 5, 2, 3)), scale=8),
    Case("conv_relu_avg_pool", lambda x, w: x.conv2d(w).relu().avg_pool2d((2, 1)), lambda x, w: avg_pool2d(np.maximum(conv2d(x, w), 0), (2, 1)), (floats(2, 3, 7, 6), floats(9, 3, 3, 3)), scale=8),
    Case("conv_relu_overlapping_pool", lambda x, w: x.conv2d(w).relu().max_pool2d(3, 2), lambda x, w: max_pool2d(np.maximum(conv2d(x, w), 0), 3, 2)[0], (floats(2, 3, 9, 9), floats(8, 3, 3, 3)), scale=8),
    Case("conv_relu_padded_pool", lambda x, w: x.conv2d(w).relu().max_pool2d(2, padding=1), lambda x, w: max_pool2d(np.maximum(conv2d(x, w), 0), 2, padding=1)[0], (floats(2, 3, 8, 8), floats(8, 3, 3, 3)), scale=8),
    Case("conv_pool_of_nan", lambda x, w: x.conv2d(w).relu().max_pool2d(2), lambda x, w: max_pool2d(np.maximum(conv2d(x, w), 0), 2)[0], (NANS, floats(8, 1, 1, 1, low=0.5, high=1))),
    Case("maxout", lambda x, w: x.linear(w).reshape(7, 6, 4).amax(-1), lambda x, w: (x @ w.T).reshape(7, 6, 4).max(-1), (floats(7, 5), floats(24, 5)), scale=4),
    Case("conv_conv", lambda x, w, v: x.conv2d(w).relu().conv2d(v, padding=1), lambda x, w, v: conv2d(np.maximum(conv2d(x, w), 0), v, None, 1, 1), (floats(2, 2, 7, 7), floats(4, 2, 3, 3), floats(3, 4, 3, 3)), gradient=True, scale=64),
    Case("conv_batch_norm", lambda x, w: x.conv2d(w).batch_norm(None, None, training=True).relu(), lambda x, w: np.maximum(_batch_norm(conv2d(x, w)), 0), (floats(3, 2, 7, 7), floats(4, 2, 3, 3)), gradient=True, scale=16),
    Case("conv2d_empty_batch", lambda x, w: x.conv2d(w), lambda x, w: conv2d(x, w), (floats(0, 2, 5, 5), floats(3, 2, 3, 3))),
]  # fmt: skip


def _batch_norm(x: Any) -> Any:
    axes = (0, 2, 3)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)


CASES = [*_convolutions(), *_pools(), *SINGLES]
