"""A matrix product and a convolution by themselves."""

from __future__ import annotations

from ..frameworks import Framework, Step
from ..workload import FLOAT, Workload, conv_flops
from .weights import normal

SIZE = 1024
IMAGES = (16, 64, 56, 56)
FILTERS = (64, 64, 3, 3)


def matmul(fw: Framework) -> Step:
    a, b = fw.tensor(normal(SIZE, SIZE)), fw.tensor(normal(SIZE, SIZE, seed=3))
    return fw.function(lambda a, b: a @ b, a, b)


def conv(fw: Framework) -> Step:
    x, weight = fw.tensor(normal(*IMAGES)), fw.tensor(normal(*FILTERS, seed=3))
    return fw.function(lambda x, weight: fw.conv2d(x, weight, padding=1), x, weight)


WORKLOADS = (
    Workload(
        "matmul",
        "matrix product, 1024x1024x1024",
        matmul,
        flops=2.0 * SIZE**3,
        bytes=3.0 * FLOAT * SIZE**2,
    ),
    Workload(
        "conv",
        "convolution 16x64x56x56 by 64x64x3x3, padding 1",
        conv,
        flops=conv_flops(16, 64, 64, 56, 3),
        bytes=FLOAT * (2.0 * 16 * 64 * 56 * 56 + 64 * 64 * 9),
        images=True,
    ),
)
