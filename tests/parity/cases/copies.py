"""Copies of views, and what writes to them leaves alone; writes to diagonals."""

from __future__ import annotations

from typing import Any

from tests.parity.case import Case, exactly, integers, normal

X = normal(3, 4)


def alone(call: Any) -> Any:
    """What a call gives is written to, and what it was given stays."""

    def result(T: Any, x: Any) -> Any:
        kept = x * 1
        found = call(T, kept)
        for part in found if isinstance(found, tuple | list) else [found]:
            part.add_(100)
        return found, kept

    return result


CALLS = {
    "alias_copy": lambda T, x: T.alias_copy(x),
    "as_strided_copy": lambda T, x: T.as_strided_copy(x, (2, 2), (1, 2), 1),
    "detach_copy": lambda T, x: T.detach_copy(x),
    "diagonal_copy": lambda T, x: T.diagonal_copy(x, 1),
    "expand_copy": lambda T, x: T.expand_copy(x, (2, 3, 4)),
    "permute_copy": lambda T, x: T.permute_copy(x, (1, 0)),
    "select_copy": lambda T, x: T.select_copy(x, 1, -1),
    "slice_copy": lambda T, x: T.slice_copy(x, 1, 1, 4, 2),
    "split_copy": lambda T, x: T.split_copy(x, 2),
    "split_with_sizes_copy": lambda T, x: T.split_with_sizes_copy(x, [1, 3], 1),
    "squeeze_copy": lambda T, x: T.squeeze_copy(x[:1]),
    "t_copy": lambda T, x: T.t_copy(x),
    "transpose_copy": lambda T, x: T.transpose_copy(x, 0, 1),
    "unbind_copy": lambda T, x: T.unbind_copy(x),
    "unfold_copy": lambda T, x: T.unfold_copy(x, 1, 2, 1),
    "unsqueeze_copy": lambda T, x: T.unsqueeze_copy(x, 0),
    "view_copy": lambda T, x: T.view_copy(x, (2, 6)),
}

CASES = [
    *[Case(name, alone(call), [X], order=0) for name, call in CALLS.items()],
    Case("diagonal_scatter", lambda T, x, s: T.diagonal_scatter(x, s, -1), [X, normal(2)]),
    Case("diagonal_scatter, dims", lambda T, x, s: x.diagonal_scatter(s, 0, 0, 2),
         [normal(2, 3, 2), normal(3, 2)]),
    Case("diagonal, written", lambda T, x: (y := x * 1, y.diagonal().fill_(7))[0], [X]),
    Case("fill_diagonal_", lambda T, x: (x * 1).fill_diagonal_(3.0), [normal(4, 3)]),
    Case("fill_diagonal_, cube", lambda T, x: (x * 1).fill_diagonal_(3), [normal(2, 2, 2)]),
    Case("unravel_index", lambda T, i: T.unravel_index(i, (3, 4, 5)), [integers(0, 60, 2, 3)]),
    Case("unravel_index, one dim", lambda T, i: T.unravel_index(i, 7), [exactly([0, 6])]),
    Case("in place, by function", lambda T, x: [
        T.celu_(x * 1), T.selu_(x * 1), T.threshold_(x * 1, 0.1, 20.0), T.fill_(x * 1, 2.0),
        T.zero_(x * 1), T.detach_(x * 1), T.detach(x),
    ], [X]),
    Case("methods", lambda T, x, w: [x.hardshrink(), x.prelu(w)], [X, exactly([0.25])]),
]  # fmt: skip
