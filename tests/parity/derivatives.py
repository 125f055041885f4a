"""Derivatives of every case, against themselves and against differences, in float64:
``python -m tests.parity.derivatives [FAMILY ...]``. The suite runs a part (``test_derivatives``).

Of each case that is differentiated at all, by all its floats: both modes are transposes of each
other, <Jv, u> = <v, J'u>; and ``check_grads`` to the order of the case, in both modes. The
reference evaluates the graphs, op by op, so that what fails here is the fault of no backend.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np

import lazygrad
from lazygrad import Tensor, autodiff, element_types as dt, manual_seed
from lazygrad.bridge import wrap
from lazygrad.errors import GradError
from lazygrad.testing import check_grads, reference
from tests.parity.case import Array, Case, floats_in
from tests.parity.tables import FAMILIES, cases

Function = Callable[..., tuple[Tensor, ...]]
EXACT = 1e-9  # of the adjoint identity, relative to what it sums up

# What differences cannot say, or say otherwise.
KINK = "there is a kink, where the derivative is PyTorch's"
DEFINED = "by definition not the derivative of the value"
VALUES = "it looks at values, which these graphs do not have in memory"
EXCEPT: dict[tuple[str, str], str] = {
    ("elementwise", "nan_to_num, numbers"): "at infinities",
    ("elementwise", "frexp, extremes"): "at numbers whose neighbours are further than the step",
    ("nn_activation", "normalize, zeros"): KINK,
    ("nn_layers", "batch_norm"): DEFINED,  # statistics are detached
    ("nn_layers", "embedding, padded"): DEFINED,
    ("nn_layers", "embedding, by frequency"): DEFINED,
    ("nn_loss", "gaussian_nll_loss, small"): DEFINED,  # the clamp of the variance is not seen
    ("nn_windows", "max_unpool"): DEFINED,  # of a place that is given twice, each gets all
    ("reduce", "norm 1"): KINK,
    ("reduce", "norm 0.5"): KINK,
    ("reduce", "norm -inf"): KINK,
    ("reduce", "norm, zeros"): KINK,
    ("sorting", "median, ties"): KINK,
    ("special", "igamma"): DEFINED,  # PyTorch has none by the first operand
}
UNTRACED: dict[tuple[str, str], str] = {
    ("scatter", "masked_scatter"): VALUES,
    ("scatter", "masked_scatter, broadcast"): VALUES,
    ("sorting", "masked_select"): VALUES,
    ("vmap", "vmap, chunks"): VALUES,
    ("vmap", "vmap, scatter"): "its zeros are float32",
}


def function_of(case: Case) -> tuple[Function, list[Array]]:
    """The case as a function of its floats alone, which draws the same numbers each time; and the
    floats."""
    arrays = case.arrays("float64")
    places = [i for i, array in enumerate(arrays) if array.dtype.kind == "f"]

    def function(*floats: Tensor) -> tuple[Tensor, ...]:
        manual_seed(0)
        given = dict(zip(places, floats, strict=True))
        inputs = [given[i] if i in given else _leaf(a) for i, a in enumerate(arrays)]
        turned = [x.T if given.turned else x for x, given in zip(inputs, case.inputs, strict=True)]
        return tuple(x for x in floats_in(case.call(lazygrad, *turned)) if x.requires_grad)

    held = [arrays[i].T.copy() if case.inputs[i].turned else arrays[i] for i in places]
    return function, held


def _leaf(array: Array) -> Tensor:
    return wrap(reference.leaf(array, dt.of(array.dtype)))


def differentiated() -> list[tuple[str, Case]]:
    """The cases that have derivatives, with their families."""
    return [
        (family, case)
        for family in FAMILIES
        for case in cases(family).values()
        if (family, case.name) not in UNTRACED
        if case.order and any(a.dtype.kind == "f" for a in case.arrays("float64"))
    ]


def checks(family: str, case: Case) -> list[str]:
    """Those that a case is given."""
    return [ADJOINT] if (family, case.name) in EXCEPT else [ADJOINT, DIFFERENCES]


def adjoint(case: Case) -> None:
    """
    Raises:
        AssertionError: unless both modes are transposes of each other.
    """
    function, arrays = function_of(case)
    random = np.random.default_rng(crc32(case.name.encode()))
    inputs = [wrap(reference.leaf(a, dt.float64)).requires_grad_() for a in arrays]
    outputs = [x._node for x in function(*inputs)]
    by = [x._node for x in inputs]
    tangents = [random.standard_normal(x.shape) for x in by]
    weights = [random.standard_normal(x.shape) for x in outputs]
    leaves = [[reference.leaf(a, x.dtype) for a, x in zip(arrays, nodes, strict=True)]
              for arrays, nodes in ((tangents, by), (weights, outputs))]  # fmt: skip
    pushed = autodiff.jvp(outputs, by, leaves[0])
    pulled = autodiff.vjp(outputs, leaves[1], by)
    forward, back = _products(pushed, weights), _products(pulled, tangents)
    size = 1.0 + np.sum(np.abs(forward)) + np.sum(np.abs(back))
    single = any(x.dtype is not dt.float64 for x in outputs)
    gap = abs(np.sum(forward) - np.sum(back))
    assert gap <= (1e-5 if single else EXACT) * size or not np.isfinite(size), f"{forward} {back}"


def _products(found: Any, arrays: list[Array]) -> Array:
    """The terms of the inner products."""
    pairs = [(node, a) for node, a in zip(found, arrays, strict=True) if node is not None]
    values = reference.evaluate_all([node for node, _ in pairs])
    terms = [(value * a).ravel() for value, (_, a) in zip(values, pairs, strict=True)]
    return np.concatenate([np.zeros(1), *terms])


def differences(case: Case) -> None:
    """
    Raises:
        GradError: where derivatives, up to the second, are not what differences say.
    """
    function, arrays = function_of(case)
    check_grads(function, arrays, order=case.order, rtol=1e-4, atol=1e-5)


ADJOINT, DIFFERENCES = "adjoint", "differences"
CHECKS: dict[str, Callable[[Case], None]] = {ADJOINT: adjoint, DIFFERENCES: differences}


def outcome(case: Case, check: str) -> str:
    """ "right", or what is wrong."""
    try:
        with np.errstate(all="ignore"):
            CHECKS[check](case)
    except (GradError, AssertionError) as error:
        return f"wrong: {' '.join(str(error).split())[:300]}"
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return "right"


def main(families: list[str]) -> int:
    counts: Counter[str] = Counter()
    for family, case in differentiated():
        if families and family not in families:
            continue
        for check in checks(family, case):
            found = outcome(case, check)
            counts[f"{check}: {'right' if found == 'right' else 'wrong'}"] += 1
            if found != "right":
                print(f"{family}: {case.name}: {check}: {found}", flush=True)
    print(dict(counts))
    return min(sum(n for name, n in counts.items() if name.endswith("wrong")), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
