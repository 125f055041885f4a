"""What is measured: a workload builds one step, for any framework, and knows its least work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .frameworks import Framework, Step

FLOAT = 4  # bytes; every workload is float32


@dataclass(frozen=True)
class Workload:
    """One row of the comparison.

    `flops` counts the contractions of a step, `bytes` what it must read and write at least when
    nothing between its inputs and its outputs touches memory. Both give a limit, not a forecast.
    `tolerance` is relative, between the results of contenders that did the same work: more where
    the first steps change so much that they magnify how sums were rounded, or where each draws
    random numbers of its own. Programs and loops have no limit: their work is not counted.
    """

    name: str
    what: str
    build: Callable[[Framework], Step]
    flops: float = 0.0
    bytes: float = 0.0
    tolerance: float = 2e-3
    images: bool = False  # has images, whose memory layout PyTorch lets one choose
    torch_names: bool = False  # for frameworks with PyTorch's names: uses `Framework.torch`
    transforms: bool = False  # for frameworks that transform functions: uses `Framework.func`
    beside: str = ""  # what ends the name of the workload that is measured beside it


def conv_flops(batch: int, channels_in: int, channels_out: int, size: int, window: int) -> float:
    """Of a convolution with a square output of `size`, forward."""
    return 2.0 * batch * channels_out * size * size * channels_in * window * window


def adam_bytes(parameters: int) -> float:
    """A step of Adam reads and writes the parameters and two moments."""
    return 2.0 * 3 * parameters * FLOAT
