"""Cases that between them hold every op, under vmap against the loop over samples; all of them:
``python -m tests.parity.vmap``."""

from __future__ import annotations

import pytest

from lazygrad import Tensor, ops
from lazygrad.autodiff.batch import RULES
from lazygrad.graph import toposort
from tests.parity.tables import cases
from tests.parity.vmap import drawn, flat, outcome

CHOSEN = [
    ("elementwise", "gcd of uint8"),
    ("elementwise", "lerp"),
    ("inplace", "sin_"),
    ("inplace", "written through a view in place"),
    ("linalg", "linalg.norm"),
    ("linalg", "linalg.solve, broadcast"),
    ("linalg", "linalg.svd, square"),
    ("movement", "flip"),
    ("movement", "cat"),
    ("nn_layers", "BatchNorm1d"),
    ("nn_layers", "embedding, shortened"),
    ("nn_loss", "cross_entropy"),
    ("nn_utils", "clip_grad_norm_"),
    ("nn_windows", "conv2d, depthwise"),
    ("nn_windows", "adaptive_max_pool2d"),
    ("products", "einsum bhqd,bhkd->bhqk"),
    ("reduce", "cumprod"),
    ("reduce", "amax, dims"),
    ("scatter", "scatter_reduce, mean, True"),
    ("scatter", "index_put"),
    ("sorting", "sort"),
]
# COPY needs two devices; loops and rules are of functions that PyTorch has not.
ELSEWHERE = {ops.COPY, ops.LOOP, ops.CUSTOM}


def test_every_op_is_among_them() -> None:
    found: set[ops.Op] = set()
    for family, name in CHOSEN:
        case = cases(family)[name]
        results = flat(case)(*[Tensor(values) for values in drawn(case)[0]])
        found |= {n.op for n in toposort([result._node for result in results])}
    missing = {op.name for op in RULES if op not in found} - {op.name for op in ELSEWHERE}
    assert not missing


@pytest.mark.parametrize(("family", "name"), CHOSEN, ids=[f"{f}-{n}" for f, n in CHOSEN])
def test_vmap_is_the_loop(family: str, name: str, device: str) -> None:
    most = None if device == "CPU" else 1  # kernels compile for long
    assert outcome(cases(family)[name], device, most) == "equal"
