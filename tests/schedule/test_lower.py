"""From graph to kernel values: loads stay within their buffers."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor
from lazygrad.kernel.kernel import loads
from lazygrad.kernel.verify import verify_kernel
from tests.schedule.planning import TARGETS, kernels_of


@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.parametrize("part", range(3))
def test_a_piece_of_what_was_joined_reads_one_operand(part: int, target: str) -> None:
    """Or it is that operand."""
    rows = [Tensor(np.full((1, 2), i, np.float32)) for i in range(3)]
    assert not kernels_of(Tensor.cat(rows)[part : part + 1], target=TARGETS[target])
    (kernel,) = kernels_of(Tensor.cat(rows)[part : part + 1].exp(), target=TARGETS[target])
    verify_kernel(kernel)
    assert len(loads(kernel.values)) == 1


@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.parametrize("part", range(3))
def test_a_guard_that_holds_nowhere_reads_nothing(part: int, target: str) -> None:
    """One that depends on no range was dropped from the load."""
    rows = [Tensor(np.full((1, 2), i, np.float32)) for i in range(3)]
    padded = [row.pad((0, 0, i, 2 - i)) for i, row in enumerate(rows)]
    larger = padded[0].maximum(padded[1]).maximum(padded[2])
    (kernel,) = kernels_of(larger[part : part + 1], target=TARGETS[target])
    verify_kernel(kernel)
    assert len(loads(kernel.values)) == 1


def test_its_values(device: str) -> None:
    x = Tensor(np.arange(34, dtype=np.float32).reshape(17, 2), device=device)
    joined = Tensor.cat([x, x.flip(0), x * 2])
    for start in (0, 16, 17, 33, 34, 50):
        right = np.concatenate([x.numpy(), x.numpy()[::-1], x.numpy() * 2])[start : start + 1]
        np.testing.assert_array_equal(joined[start : start + 1].numpy(), right)
        np.testing.assert_array_equal(joined[start].numpy(), right[0])
