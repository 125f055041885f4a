"""Pools: one value of each window over the last one, two or three dims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lazygrad.bridge import read, wrap
from lazygrad.functional.arguments import Sizes
from lazygrad.functional.maps import exemplified, titled
from lazygrad.functional.windows import SPATIAL
from lazygrad.graph import Node
from lazygrad.lang import adaptive_pool, pool, unpool
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def _both(pair: tuple[Node, Node], label: str) -> tuple[Tensor, Tensor]:
    return wrap(pair[0], label), wrap(pair[1], label)


def _max_pool(spatial: int, call: str, gives: str) -> Callable[..., Any]:
    label = f"max_pool{spatial}d"

    def pooled(
        input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
        dilation: Sizes = 1, ceil_mode: bool = False, return_indices: bool = False,
    ) -> Any:  # fmt: skip
        arguments = (spatial, kernel_size, stride, padding, dilation, ceil_mode)
        if return_indices:
            return _both(pool.max_pool_with_indices(label, read(input), *arguments), label)
        return wrap(pool.max_pool(label, read(input), *arguments), label)

    text = f"""The largest value of each window over the last {spatial} dims; with
    ``return_indices`` also its int64 place in the flattened ({SPATIAL[spatial]})."""
    return public(titled(pooled, label, exemplified(text, call, gives)))


def _avg_pool(spatial: int, call: str, gives: str) -> Callable[..., Tensor]:
    label = f"avg_pool{spatial}d"

    def pooled(
        input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
        ceil_mode: bool = False, count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Tensor:  # fmt: skip
        arguments = (spatial, kernel_size, stride, padding, ceil_mode, count_include_pad)
        return wrap(pool.avg_pool(label, read(input), *arguments, divisor_override), label)

    text = f"""The mean of each window over the last {spatial} dims."""
    return public(titled(pooled, label, exemplified(text, call, gives)))


def _lp_pool(spatial: int, call: str, gives: str) -> Callable[..., Tensor]:
    label = f"lp_pool{spatial}d"

    def pooled(
        input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> Tensor:  # fmt: skip
        arguments = (spatial, norm_type, kernel_size, stride, ceil_mode)
        return wrap(pool.lp_pool(label, read(input), *arguments), label)

    text = f"""``sum(x ** p) ** (1 / p)`` over each window of the last {spatial} dims."""
    return public(titled(pooled, label, exemplified(text, call, gives)))


def _adaptive_avg_pool(spatial: int, call: str, gives: str) -> Callable[..., Tensor]:
    label = f"adaptive_avg_pool{spatial}d"

    def pooled(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
        own = read(input)
        sizes = adaptive_pool.adaptive_sizes(label, own, spatial, output_size)
        return wrap(adaptive_pool.adaptive_avg_pool(label, own, sizes), label)

    text = f"""The mean over windows that cover the last {spatial} dims evenly, ``output_size`` of
    them; None keeps a size."""
    return public(titled(pooled, label, exemplified(text, call, gives)))


def _adaptive_max_pool(spatial: int, call: str, gives: str) -> Callable[..., Any]:
    label = f"adaptive_max_pool{spatial}d"

    def pooled(
        input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
    ) -> Any:
        own = read(input)
        sizes = adaptive_pool.adaptive_sizes(label, own, spatial, output_size)
        values, indices = adaptive_pool.adaptive_max_pool(label, own, sizes)
        return _both((values, indices), label) if return_indices else wrap(values, label)

    text = f"""The largest value of windows that cover the last {spatial} dims evenly,
    ``output_size`` of them; None keeps a size. With ``return_indices`` also its int64 place in the
    flattened ({SPATIAL[spatial]})."""
    return public(titled(pooled, label, exemplified(text, call, gives)))


def _max_unpool(spatial: int, call: str, gives: str) -> Callable[..., Tensor]:
    label = f"max_unpool{spatial}d"

    def unpooled(
        input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Sizes | None = None,
        padding: Sizes = 0, output_size: Sequence[int] | None = None,
    ) -> Tensor:  # fmt: skip
        own, places = read(input), read(indices)
        shape = own.shape[max(own.ndim - spatial, 0) :]
        sizes = unpool.unpooled_sizes(label, shape, kernel_size, stride, padding, output_size)
        return wrap(unpool.max_unpool(label, own, places, spatial, sizes), label)

    text = f"""Zeros, with each maximum of a ``max_pool{spatial}d`` back at the place that its
    indices say; of places named twice the last counts."""
    return public(titled(unpooled, label, exemplified(text, call, gives)))


max_pool1d = _max_pool(
    1, "F.max_pool1d(Tensor([[1.0, 3.0, 2.0, 4.0]]), 2).tolist()", "[[3.0, 4.0]]"
)
max_pool2d = _max_pool(
    2,
    "F.max_pool2d(Tensor([[[1.0, 2.0], [4.0, 3.0]]]), 2, return_indices=True)[1].tolist()",
    "[[[2]]]",
)
max_pool3d = _max_pool(
    3,
    "F.max_pool3d(lazygrad.zeros(1, 3, 8, 8, 8), 3, stride=2, padding=1).shape",
    "(1, 3, 4, 4, 4)",
)
avg_pool1d = _avg_pool(
    1,
    "F.avg_pool1d(Tensor([[2.0, 4.0]]), 2, stride=1, padding=1, count_include_pad=False).tolist()",
    "[[2.0, 3.0, 4.0]]",
)
avg_pool2d = _avg_pool(
    2, "F.avg_pool2d(lazygrad.zeros(3, 5, 5), 2, ceil_mode=True).shape", "(3, 3, 3)"
)
avg_pool3d = _avg_pool(
    3, "F.avg_pool3d(lazygrad.ones(1, 2, 2, 2), 2, divisor_override=1).tolist()", "[[[[8.0]]]]"
)
lp_pool1d = _lp_pool(
    1, "F.lp_pool1d(Tensor([[3.0, 4.0]]), norm_type=2, kernel_size=2).realize()", "Tensor([[5.]])"
)
lp_pool2d = _lp_pool(
    2,
    "F.lp_pool2d(lazygrad.ones(1, 4, 4), norm_type=1, kernel_size=2).tolist()",
    "[[[4.0, 4.0], [4.0, 4.0]]]",
)
lp_pool3d = _lp_pool(
    3,
    "F.lp_pool3d(lazygrad.ones(1, 3, 4, 4, 4), norm_type=2, kernel_size=2).shape",
    "(1, 3, 2, 2, 2)",
)
adaptive_avg_pool1d = _adaptive_avg_pool(
    1, "F.adaptive_avg_pool1d(Tensor([[1.0, 2.0, 3.0]]), 2).tolist()", "[[1.5, 2.5]]"
)
adaptive_avg_pool2d = _adaptive_avg_pool(
    2, "F.adaptive_avg_pool2d(lazygrad.zeros(2, 3, 7, 5), (None, 1)).shape", "(2, 3, 7, 1)"
)
adaptive_avg_pool3d = _adaptive_avg_pool(
    3, "F.adaptive_avg_pool3d(lazygrad.zeros(2, 3, 7, 5, 4), 1).shape", "(2, 3, 1, 1, 1)"
)
adaptive_max_pool1d = _adaptive_max_pool(
    1, "F.adaptive_max_pool1d(Tensor([[1.0, 2.0, 3.0]]), 2).tolist()", "[[2.0, 3.0]]"
)
adaptive_max_pool2d = _adaptive_max_pool(
    2, "F.adaptive_max_pool2d(lazygrad.zeros(2, 3, 7, 5), (3, None)).shape", "(2, 3, 3, 5)"
)
adaptive_max_pool3d = _adaptive_max_pool(
    3, "F.adaptive_max_pool3d(lazygrad.zeros(2, 3, 7, 5, 4), 2).shape", "(2, 3, 2, 2, 2)"
)
max_unpool1d = _max_unpool(
    1,
    "F.max_unpool1d(Tensor([[5.0, 6.0]]), Tensor([[1, 2]]), 2).tolist()",
    "[[0.0, 5.0, 6.0, 0.0]]",
)
max_unpool2d = _max_unpool(
    2,
    "F.max_unpool2d(Tensor([[[5.0]]]), Tensor([[[3]]]), 2).tolist()",
    "[[[0.0, 0.0], [0.0, 5.0]]]",
)
max_unpool3d = _max_unpool(
    3,
    'F.max_unpool3d(lazygrad.ones(1, 1, 1, 1), lazygrad.zeros(1, 1, 1, 1, dtype="int64"), 2).shape',
    "(1, 2, 2, 2)",
)
