# ruff: noqa: E501 (tables: one line a case)
"""Movement, joining, and selecting elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Case, bools, floats, ints, these

ALL = ("float32", "float64", "float16", "bfloat16")
GRID, CUBE = floats(5, 7), floats(4, 3, 5)


def _case(name: str, function: Any, oracle: Any, *args: Any, **options: Any) -> Case:
    return Case(name, function, oracle, args or (GRID,), **{"gradient": True, **options})


VIEWS = [
    _case("reshape", lambda x: x.reshape(7, 5) * 2, lambda x: x.reshape(7, 5) * 2, dtypes=ALL),
    _case("reshape_transposed", lambda x: x.T.reshape(5, 7) + 1, lambda x: x.T.reshape(5, 7) + 1),
    _case(
        "reshape_split",
        lambda x: x.reshape(2, 2, -1).permute(2, 0, 1),
        lambda x: x.reshape(2, 2, -1).transpose(2, 0, 1),
        CUBE,
    ),
    _case(
        "permute", lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1), CUBE, dtypes=ALL
    ),
    _case("transpose", lambda x: x.transpose(0, -1), lambda x: x.swapaxes(0, -1), CUBE),
    _case(
        "movedim",
        lambda x: x.movedim((0, 1), (2, 0)),
        lambda x: np.moveaxis(x, (0, 1), (2, 0)),
        CUBE,
    ),
    _case(
        "expand",
        lambda x: x.expand(4, 3, -1),
        lambda x: np.broadcast_to(x, (4, 3, 5)),
        floats(3, 1 * 5),
    ),
    _case(
        "expand_then_sum",
        lambda x: x.expand(4, 3, 5).sum(0),
        lambda x: 4 * np.broadcast_to(x, (3, 5)),
        floats(1, 5),
    ),
    _case("flip", lambda x: x.flip(0, 1), lambda x: np.flip(x, (0, 1))),
    _case("flip_sum", lambda x: x + x.flip(1), lambda x: x + np.flip(x, 1)),
    _case("squeeze", lambda x: x.squeeze(), lambda x: x.squeeze(), floats(1, 3, 1)),
    _case(
        "unsqueeze", lambda x: x.unsqueeze(1) * x.unsqueeze(2), lambda x: x[:, None] * x[:, :, None]
    ),
    _case("flatten", lambda x: x.flatten(1), lambda x: x.reshape(4, 15), CUBE),
    _case("unflatten", lambda x: x.unflatten(1, (7, -1)), lambda x: x.reshape(5, 7, 1)),
    _case("pad", lambda x: x.pad((1, 2, 3, 0)), lambda x: np.pad(x, ((3, 0), (1, 2)))),
    _case(
        "pad_value",
        lambda x: x.pad((1, 2), value=3.5),
        lambda x: np.pad(x, ((0, 0), (1, 2)), constant_values=3.5),
        dtypes=ALL,
    ),
    _case(
        "pad_negative",
        lambda x: x.pad((-1, 2, 1, -2)),
        lambda x: np.pad(x, ((1, 0), (0, 2)))[:-2, 1:],
    ),
    _case(
        "pad_of_exp",
        lambda x: x.exp().pad((2, 1)) + 1,
        lambda x: np.pad(np.exp(x), ((0, 0), (2, 1))) + 1,
    ),
    _case("repeat", lambda x: x.repeat(2, 3, 1), lambda x: np.tile(x, (2, 3, 1))),
    _case("roll", lambda x: x.roll(2, 1), lambda x: np.roll(x, 2, 1)),
    _case("roll_both", lambda x: x.roll((1, -2), (0, 1)), lambda x: np.roll(x, (1, -2), (0, 1))),
    _case("roll_flat", lambda x: x.roll(9), lambda x: np.roll(x, 9)),
    _case("tril", lambda x: x.tril(1), lambda x: np.tril(x, 1)),
    _case("triu", lambda x: x.triu(-1), lambda x: np.triu(x, -1)),
    _case(
        "chain",
        lambda x: x.T.flip(0).reshape(5, 7).pad((1, 0)).T,
        lambda x: np.pad(np.flip(x.T, 0).reshape(5, 7), ((0, 0), (1, 0))).T,
    ),
    _case("split", lambda x: x.split((2, 0, 5), 1), lambda x: (x[:, :2], x[:, 2:2], x[:, 2:])),
    _case("chunk", lambda x: x.chunk(3), lambda x: (x[:2], x[2:4], x[4:])),
    _case("contiguous", lambda x: x.T.contiguous() + 1, lambda x: x.T + 1),
]
JOINS = [
    _case(
        "cat",
        lambda x, y: Tensor.cat([x, y, x * 2]),
        lambda x, y: np.concatenate([x, y, x * 2]),
        floats(2, 5),
        floats(3, 5),
        dtypes=ALL,
    ),
    _case(
        "cat_last",
        lambda x, y: Tensor.cat([x, y], -1).exp(),
        lambda x, y: np.exp(np.concatenate([x, y], -1)),
        floats(4, 2),
        floats(4, 3),
    ),
    _case(
        "cat_many",
        lambda x, y: Tensor.cat([x * i if i % 3 else y for i in range(40)], 1).relu(),
        lambda x, y: np.maximum(np.concatenate([x * i if i % 3 else y for i in range(40)], 1), 0),
        floats(4, 5),
        floats(4, 2),
        dtypes=ALL,
    ),
    _case(
        "stack_elements",
        lambda x: Tensor.stack([x[i, j] for i in range(4) for j in range(5)]),
        lambda x: x.reshape(20),
        floats(4, 5),
    ),
    _case(
        "interleaved",
        lambda x, y: Tensor.stack([x, y, x * y], -1).reshape(4, 15) * 2,
        lambda x, y: np.stack([x, y, x * y], -1).reshape(4, 15) * 2,
        floats(4, 5),
        floats(4, 5),
    ),
    _case(
        "columns_apart",
        lambda x: sum((x[:, i] * (i - 2)).exp() for i in range(7)),
        lambda x: sum(np.exp(x[:, i] * (i - 2)) for i in range(7)),
        scale=30,
    ),
    _case(
        "cat_promotes",
        lambda x, y: Tensor.cat([x, y]),
        lambda x, y: np.concatenate([x, y]),
        floats(3),
        ints(2),
        gradient=False,
    ),
    _case(
        "cat_signs",
        lambda x: 1 / Tensor.cat([x, x]),
        lambda x: 1 / np.concatenate([x, x]),
        these(-0.0, 0.0, 2),
        gradient=False,
    ),
    _case(
        "stack", lambda x, y: Tensor.stack([x, y], 1), lambda x, y: np.stack([x, y], 1), GRID, GRID
    ),
]
SLICES = {
    "row": np.s_[2], "last_column": np.s_[:, -1], "range": np.s_[1:4, 2:], "steps": np.s_[::2, 1::3],
    "backwards": np.s_[::-1, ::-2], "none": np.s_[None, 1, :, None], "dots": np.s_[..., 2],
    "empty": np.s_[3:3], "one": np.s_[-1:, 3:4], "element": np.s_[1, 2], "beyond": np.s_[-99:99],
}  # fmt: skip
INDEX = these(4, 0, -1, 2, 2, 1, kind="int", shape=(2, 3))
SELECTIONS = [
    *(_case(f"slice_{name}", lambda x, k=key: x[k], lambda x, k=key: x[k]) for name, key in SLICES.items()),
    _case("slice_nothing_of_one", lambda x: x[2:1], lambda x: x[2:1], floats(1)),
    _case("slice_nothing_of_row", lambda x: x[2:1:2], lambda x: x[2:1:2], floats(1, 5)),
    _case("pad_nothing", lambda x: x[3:].pad((0, 0, 2, 1)) + x[0], lambda x: 0 * x + x[0], floats(3, 4)),
    _case("index_rows", lambda x, i: x[i], lambda x, i: x[i], GRID, INDEX, dtypes=ALL),
    _case("index_columns", lambda x, i: x[:, i], lambda x, i: x[:, i], GRID, INDEX),
    _case("index_both", lambda x, i: x[i, i[0]], lambda x, i: x[i, i[0]], GRID, INDEX),
    _case("index_apart", lambda x, i: x[i[0], :, i], lambda x, i: x[i[0], :, i], floats(5, 2, 6), INDEX),
    _case("index_mixed", lambda x, i: x[1:, i[1], None], lambda x, i: x[1:, i[1], None], GRID, INDEX),
    _case("index_repeated", lambda x, i: x[i].sum((0, 1)), lambda x, i: x[i].sum((0, 1)), GRID, INDEX),
    _case("index_int_table", lambda x, i: x[i], lambda x, i: x[i], ints(6), INDEX, gradient=False),
    _case("index_computed", lambda x, i: x[(i * 3) % 5], lambda x, i: x[(i * 3) % 5], GRID, INDEX),
    _case("index_select", lambda x, i: x.index_select(1, i.abs()[0]), lambda x, i: x[:, np.abs(i[0])], GRID, INDEX),
    _case("gather", lambda x, i: x.gather(1, i), lambda x, i: np.take_along_axis(x[:2], i % 7, 1), GRID, INDEX),
    _case("embedding", lambda w, i: i.embedding(w), lambda w, i: w[i], floats(11, 4), ints(3, 5, high=11), dtypes=ALL),
    _case("embedding_uint8", lambda w, i: i.cast("uint8").embedding(w), lambda w, i: w[i], floats(300, 3), ints(9, high=256)),
    _case("one_hot", lambda i: i.one_hot(10), lambda i: np.eye(10, dtype=np.int64)[i], ints(2, 6), gradient=False),
    _case("where_index", lambda x, c: x.where(c, x.flip(1))[:, ::2], lambda x, c: np.where(c, x, x[:, ::-1])[:, ::2], GRID, bools(5, 7)),
]  # fmt: skip
CASES = [*VIEWS, *JOINS, *SELECTIONS]
