"""Contractions in kernels: as they are, added up, and in windows."""

from __future__ import annotations

import pytest

from lazygrad.kernel.contraction import Contraction, find, find_in_sum, find_in_windows
from tests.codegen import kernels as ks


def shape_of(found: Contraction) -> tuple[list[int], list[int], list[int], list[int]]:
    groups = found.batch, found.m, found.n, found.k
    batch, m, n, k = ([r.size for r in ranges] for ranges in groups)
    return batch, m, n, k


def test_the_ranges_of_a_contraction() -> None:
    found = find(ks.batched_matmul(3, 17, 20, 18))
    assert found is not None
    assert shape_of(found) == ([3], [17], [20], [18])


def test_a_sum_of_products_is_seen_by_its_first_one() -> None:
    kernel = ks.three_products(17, 20, 18)
    assert find(kernel) is None
    found = find_in_sum(kernel)
    assert found is not None
    assert shape_of(found) == ([], [17], [20], [18])
    assert [[factor.arg.slot for factor in side] for side in found.sides] == [[1, 3, 5], [2, 4, 6]]


def test_the_ranges_of_a_window_are_neither_rows_nor_columns() -> None:
    kernel = ks.conv2d_pooled(2, 3, 16, 9, 3, 2)
    assert find(kernel) is None
    found = find_in_windows(kernel)
    assert found is not None
    _, m, n, k = shape_of(found)
    assert (sorted(m), n, sorted(k)) == ([2, 3, 3], [16], [3, 3, 3])


@pytest.mark.parametrize("name", ["chain", "softmax", "moments", "nested", "sum_rows", "argmax"])
def test_other_kernels_hold_none(name: str) -> None:
    kernel = ks.CASES[name]()
    assert [f(kernel) for f in (find, find_in_sum, find_in_windows)] == [None] * 3
