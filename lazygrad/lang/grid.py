"""Images sampled at places that a tensor names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product

from lazygrad import ops
from lazygrad.element_types import bool_, int32
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.comparison import eq, ge, le, logical_and, lt
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, clamp, detach, div, mul, sub, surrogate, where
from lazygrad.lang.join import stack
from lazygrad.lang.linalg import matmul
from lazygrad.lang.movement import aligned, broadcast_to, narrow, reshape, transpose, unsqueeze
from lazygrad.lang.operands import cast, full_like, require_float, widened
from lazygrad.lang.resize import CUBIC
from lazygrad.lang.rounding import floor, round as rounded
from lazygrad.lang.transcendental import magnitude, polynomial
from lazygrad.shape import numel


def affine_grid(theta: Node, size: Sequence[int], align_corners: bool) -> Node:
    """The places of each element of a result of ``size`` (N, C, ..), transformed by ``theta``."""
    inner = tuple(size[2:])
    count = len(inner)
    if count not in (2, 3) or theta.shape != (size[0], count, count + 1):
        raise ShapeError(
            f"[affine_grid] theta of shape {theta.shape} does not fit size {tuple(size)}; expected "
            "(N, 2, 3) with (N, C, H, W), or (N, 3, 4) with (N, C, D, H, W)"
        )
    require_float("affine_grid", theta)
    axes = [_steps(n, align_corners, theta, i, inner) for i, n in enumerate(inner)]
    base = stack([*reversed(axes), full_like(axes[0], 1)], -1)  # x first
    flat = reshape(base, (1, -1, count + 1))
    return reshape(matmul(flat, transpose(theta, 1, 2)), (size[0], *inner, count))


def _steps(n: int, align_corners: bool, like: Node, axis: int, inner: tuple[int, ...]) -> Node:
    """From -1 to 1 along a dim, in ``inner`` dims."""
    index = cast(iota(n, like.device), widened(like).dtype)
    if align_corners:
        along = sub(mul(index, 2.0 / max(n - 1, 1)), 1.0 if n > 1 else 0.0)
    else:
        along = sub(div(add(mul(index, 2.0), 1.0), float(n)), 1.0)
    return broadcast_to(aligned(cast(along, like.dtype), axis, len(inner)), inner)


def grid_sample(x: Node, grid: Node, mode: str, padding_mode: str, align_corners: bool) -> Node:
    """``x`` (N, C, ..) at the places ``grid`` (N, .., 2 or 3), from -1 to 1, x first."""
    count = x.ndim - 2
    _check(x, grid, mode, padding_mode)
    inner = x.shape[2:]
    dtype, wide = x.dtype, widened(x)
    places = _places(widened(grid), inner, align_corners)
    take = _Sampler(wide, grid.shape[1:-1], padding_mode, align_corners)
    if mode == "nearest":
        moved = [detach(take.moved(at, n)) for at, n in zip(places, inner, strict=True)]
        return cast(take([rounded(at) for at in moved]), dtype)
    if mode == "bicubic":
        return cast(_bicubic(take, places), dtype)
    moved = [take.moved(at, n) for at, n in zip(places, inner, strict=True)]
    lows = [floor(detach(at)) for at in moved]
    shares = [sub(at, low) for at, low in zip(moved, lows, strict=True)]
    parts = []
    for corner in product((0, 1), repeat=count):
        weights = [share if high else sub(1.0, share)
                   for high, share in zip(corner, shares, strict=True)]  # fmt: skip
        seen = take([add(low, float(high)) for low, high in zip(lows, corner, strict=True)])
        parts.append(mul(seen, unsqueeze(reduce(mul, weights), 1)))
    return cast(reduce(add, parts), dtype)


def _check(x: Node, grid: Node, mode: str, padding_mode: str) -> None:
    count = x.ndim - 2
    if (
        count not in (2, 3)
        or grid.ndim != x.ndim
        or grid.shape[-1] != count
        or grid.shape[0] != x.shape[0]
        or 0 in x.shape[2:]
    ):
        raise ShapeError(
            f"[grid_sample] input of shape {x.shape} and grid of shape {grid.shape} do not fit; "
            "expected (N, C, H, W) and (N, H', W', 2), or (N, C, D, H, W) and (N, D', H', W', 3)"
        )
    require_float("grid_sample", x)
    require_float("grid_sample", grid)
    modes = ("bilinear", "nearest", "bicubic") if count == 2 else ("bilinear", "nearest")
    for name, value, known in (("mode", mode, modes), ("padding_mode", padding_mode, PADDINGS)):
        if value not in known:
            raise ValueRangeError(
                f"[grid_sample] {name} must be one of {', '.join(known)} for {x.ndim} dims, got "
                f"{value!r}"
            )


def _places(grid: Node, inner: Sequence[int], align_corners: bool) -> list[Node]:
    """The coordinates of each dim in elements, the first dim first."""
    found = []
    for i, n in enumerate(inner):
        last = grid.ndim - 1
        at = reshape(narrow(grid, last, len(inner) - 1 - i, 1), grid.shape[:-1])
        if align_corners:
            found.append(mul(add(at, 1.0), (n - 1) / 2))
        else:
            found.append(div(sub(mul(add(at, 1.0), float(n)), 1.0), 2.0))
    return found


class _Sampler:
    """Elements of ``x`` at whole places, which are floats, one tensor (N, ..) for each dim."""

    def __init__(
        self, x: Node, places: Sequence[int], padding_mode: str, align_corners: bool
    ) -> None:
        self.inner = x.shape[2:]
        self.flat = reshape(x, (*x.shape[:2], -1))
        self.shape = (*x.shape[:2], *places)
        self.padding_mode, self.align_corners = padding_mode, align_corners

    def moved(self, at: Node, size: int) -> Node:
        """Coordinates of a dim brought into it, where the padding mode does that."""
        return PADDINGS[self.padding_mode](at, size, self.align_corners)

    def __call__(self, places: Sequence[Node]) -> Node:
        flat = cast(full_like(places[0], 0), int32)
        inside = full_like(places[0], True, bool_)
        for at, n in zip(places, self.inner, strict=True):
            held = logical_and(ge(at, 0.0), le(at, float(n - 1)))
            flat = add(mul(flat, n), cast(where(held, at, 0.0), int32))
            inside = logical_and(inside, held)
        listed = reshape(flat, (flat.shape[0], 1, numel(flat.shape[1:])))
        spread = broadcast_to(listed, (*self.shape[:2], listed.shape[-1]))
        seen = reshape(node(ops.GATHER, (self.flat, spread), 2), self.shape)
        return where(unsqueeze(inside, 1), seen, 0.0)


def _bicubic(take: _Sampler, places: Sequence[Node]) -> Node:
    """Four times four elements around each place, each brought inside on its own."""
    lows = [floor(detach(at)) for at in places]
    weights = [_cubic_weights(sub(at, low)) for at, low in zip(places, lows, strict=True)]
    parts = []
    for row, column in product(range(4), repeat=2):
        at = [add(low, float(step - 1)) for low, step in zip(lows, (row, column), strict=True)]
        brought = [rounded(take.moved(p, n)) for p, n in zip(at, take.inner, strict=True)]
        weight = mul(weights[0][row], weights[1][column])
        parts.append(mul(take(brought), unsqueeze(weight, 1)))
    return reduce(add, parts)


def _cubic_weights(share: Node) -> list[Node]:
    """Of the elements at -1, 0, 1 and 2."""
    a, back = CUBIC, sub(1.0, share)
    far, near = (a, -5 * a, 8 * a, -4 * a), (a + 2, -(a + 3), 0.0, 1.0)
    return [
        polynomial(add(share, 1.0), far), polynomial(share, near),
        polynomial(back, near), polynomial(add(back, 1.0), far),
    ]  # fmt: skip


# -- what is outside -------------------------------------------------------------------------------


def _as_it_is(at: Node, size: int, align_corners: bool) -> Node:
    return at


def _to_border(at: Node, size: int, align_corners: bool) -> Node:
    """At the limits the derivative is 0, as in PyTorch."""
    limit = float(size - 1)
    inside = logical_and(lt(0.0, at), lt(at, limit))
    value = clamp(detach(at), 0.0, limit)
    return surrogate(value, where(inside, at, 0.0))


def _reflected(at: Node, size: int, align_corners: bool) -> Node:
    """Mirrored at the outermost centers or edges, as often as it takes, then brought inside."""
    low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
    if span == 0:
        return mul(at, 0.0)
    apart = magnitude(sub(at, low))
    whole = floor(detach(div(apart, span)))
    rest = sub(apart, mul(whole, span))
    even = eq(mul(floor(mul(whole, 0.5)), 2.0), whole)
    mirrored = where(even, add(rest, low), sub(span + low, rest))
    return _to_border(mirrored, size, align_corners)


PADDINGS: dict[str, Callable[[Node, int, bool], Node]] = {
    "zeros": _as_it_is,
    "border": _to_border,
    "reflection": _reflected,
}
