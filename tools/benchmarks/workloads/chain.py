"""Ten elementwise operations in a row on 16 M numbers: all that fusion is about."""

from __future__ import annotations

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload
from .weights import normal

SIZE = 16 * 2**20


def ten_operations(x: Tensor) -> Tensor:
    return (((x * 2 + 1).relu() * x - 0.5).abs() * 0.25 + x) / 3 - x


def build(fw: Framework) -> Step:
    return fw.function(ten_operations, fw.tensor(normal(SIZE)))


WORKLOADS = (
    Workload(
        "chain",
        "ten elementwise operations, 16 M",
        build,
        flops=0,
        bytes=2.0 * FLOAT * SIZE,
    ),
)
