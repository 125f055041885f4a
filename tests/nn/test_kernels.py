"""How many kernels composed functions take: what they are made of fuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lazygrad.nn.functional as F
from lazygrad import Tensor
from lazygrad.inspect import kernels

Function = Callable[[Tensor, Tensor], Tensor]

COUNTS: dict[str, tuple[Function, int]] = {
    "conv_transpose, whole strides": (lambda x, w: F.conv_transpose2d(x, w, None, 4), 1),
    "conv_transpose, stride 1": (lambda x, w: F.conv_transpose2d(x, w), 1),
    "conv_transpose, cropped": (lambda x, w: F.conv_transpose2d(x, w, None, 2, 1), 2),
    "nearest": (lambda x, w: F.interpolate(x, scale_factor=2), 1),
    "bilinear": (lambda x, w: F.interpolate(x, scale_factor=2, mode="bilinear"), 2),
    "local_response_norm": (lambda x, w: F.local_response_norm(x, 5), 1),
    "instance_norm": (lambda x, w: F.instance_norm(x), 1),
    "rms_norm": (lambda x, w: F.rms_norm(x, (8,)), 1),
    "fold": (lambda x, w: F.fold(F.unfold(x, 3), 8, 3), 1),
    "normalize": (lambda x, w: F.normalize(x, dim=-1), 1),
    "adaptive, alike": (lambda x, w: F.adaptive_avg_pool2d(x, 4), 1),
}


@pytest.mark.parametrize("name", COUNTS)
def test_kernels(name: str, device: str) -> None:
    function, count = COUNTS[name]
    x = Tensor(np.zeros((2, 8, 8, 8), np.float32), device=device)
    weight = Tensor(np.zeros((8, 4, 4, 4), np.float32), device=device)
    assert len(kernels(function(x, weight))) == count
