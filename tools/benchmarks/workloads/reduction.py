"""Sums along the contiguous axis and across it."""

from __future__ import annotations

from ..frameworks import Framework, Step
from ..workload import FLOAT, Workload
from .weights import normal

SIZE = 4096
BYTES = float(FLOAT * (SIZE * SIZE + SIZE))


def rows(fw: Framework) -> Step:
    return fw.function(lambda x: x.sum(1), fw.tensor(normal(SIZE, SIZE)))


def columns(fw: Framework) -> Step:
    return fw.function(lambda x: x.sum(0), fw.tensor(normal(SIZE, SIZE)))


WORKLOADS = (
    Workload("sum_rows", "sum of each row, 4096x4096", rows, flops=0, bytes=BYTES),
    Workload("sum_columns", "sum of each column, 4096x4096", columns, flops=0, bytes=BYTES),
)
