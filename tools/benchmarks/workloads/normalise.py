"""Softmax and layer norm over rows: a reduction whose result goes back to every element."""

from __future__ import annotations

from ..frameworks import Framework, Step
from ..workload import FLOAT, Workload
from .weights import normal

ROWS, COLUMNS = 4096, 1024
BYTES = 2.0 * FLOAT * ROWS * COLUMNS


def softmax(fw: Framework) -> Step:
    return fw.function(lambda x: x.softmax(-1), fw.tensor(normal(ROWS, COLUMNS)))


def layer_norm(fw: Framework) -> Step:
    return fw.function(fw.layer_norm, fw.tensor(normal(ROWS, COLUMNS)))


WORKLOADS = (
    Workload("softmax", "softmax over rows, 4096x1024", softmax, flops=0, bytes=BYTES),
    Workload("layer_norm", "layer norm over rows, 4096x1024", layer_norm, flops=0, bytes=BYTES),
)
