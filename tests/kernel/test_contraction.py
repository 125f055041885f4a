"""Contractions in kernels: as they are, added up, and in windows."""

from __future__ import annotations

import pytest

from lazygrad.kernel.contraction import Contraction, find, find_product
from tests.codegen import kernels as ks


def shape_of(found: Contraction) -> tuple[list[int], list[int], list[int], list[int]]:
    groups = found.batch, found.m, found.n, found.k
    batch, m, n, k = ([r.size for r in ranges] for ranges in groups)
    return batch, m, n, k


def test_the_ranges_of_a_contraction() -> None:
    kernel = ks.batched_matmul(3, 17, 20, 18)
    found = find(kernel)
    assert found is not None and found == find_product(kernel)
    assert shape_of(found) == ([3], [17], [20], [18])


def test_a_sum_of_products_is_one_contraction_but_no_product() -> None:
    kernel = ks.three_products(17, 20, 18)
    found = find(kernel)
    assert found is not None and find_product(kernel) is None
    assert shape_of(found) == ([], [17], [20], [18])
    assert [[factor.arg.slot for factor in side] for side in found.sides] == [[1, 3, 5], [2, 4, 6]]


def test_the_ranges_of_a_window_are_neither_rows_nor_columns() -> None:
    kernel = ks.conv2d_pooled(2, 3, 16, 9, 3, 2)
    found = find(kernel)
    assert found is not None and find_product(kernel) is None
    _, m, n, k = shape_of(found)
    assert (sorted(m), n, sorted(k)) == ([2, 3, 3], [16], [3, 3, 3])
    assert [r.size for r in found.window] == [2, 2]


@pytest.mark.parametrize("name", ["chain", "softmax", "moments", "nested", "sum_rows", "argmax"])
def test_other_kernels_hold_none(name: str) -> None:
    assert find(ks.CASES[name]()) is None
