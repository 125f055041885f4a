"""Single operations whose work is where their indices say: rows, running sums, strides."""

from __future__ import annotations

from ..frameworks import Framework, Step
from ..workload import FLOAT, Workload
from .weights import labels, normal

ROWS, WIDTH, CHOSEN = 50_000, 128, 512
LENGTH = 1_000_000
BATCH, INPUTS, OUTPUTS, SIDE, WINDOW = 32, 64, 32, 16, 4  # of the transposed convolution
IMAGE, RESULT = BATCH * INPUTS * SIDE**2, BATCH * OUTPUTS * (2 * SIDE) ** 2
FILTERS = INPUTS * OUTPUTS * WINDOW**2


def embedding_gradient(fw: Framework) -> Step:
    weight, index = fw.tensor(normal(ROWS, WIDTH)), fw.tensor(labels(CHOSEN, ROWS))
    upstream = fw.tensor(normal(CHOSEN, WIDTH, seed=3))
    return fw.derivatives(
        lambda weight, index: fw.embedding(index, weight), upstream, (weight,), index
    )


def cumsum(fw: Framework) -> Step:
    return fw.function(lambda x: x.cumsum(0), fw.tensor(normal(LENGTH)))


def conv_transpose(fw: Framework) -> Step:
    x = fw.tensor(normal(BATCH, INPUTS, SIDE, SIDE))
    weight = fw.tensor(normal(INPUTS, OUTPUTS, WINDOW, WINDOW, seed=3))
    upstream = fw.tensor(normal(BATCH, OUTPUTS, 2 * SIDE, 2 * SIDE, seed=4))
    return fw.derivatives(
        lambda x, weight: fw.conv_transpose2d(x, weight, stride=2, padding=1),
        upstream,
        (x, weight),
    )


WORKLOADS = (
    Workload(
        "embedding_gradient",
        "embedding and its gradient, 512 of 50,000 rows of 128",
        embedding_gradient,
        flops=0,
        # Rows that are read, the result, its derivative, and all of the gradient.
        bytes=FLOAT * (3.0 * CHOSEN * WIDTH + ROWS * WIDTH),
    ),
    Workload(
        "cumsum",
        "running sum, 1 M",
        cumsum,
        flops=0,
        bytes=2.0 * FLOAT * LENGTH,
    ),
    Workload(
        "conv_transpose",
        "transposed convolution 32x64x16x16 by 64x32x4x4, stride 2, forward and backward",
        conv_transpose,
        # Each element of the image meets each element of a filter; forward and two gradients.
        flops=3 * 2.0 * IMAGE * OUTPUTS * WINDOW**2,
        bytes=FLOAT * 2.0 * (IMAGE + RESULT + FILTERS),
        images=True,
    ),
)
