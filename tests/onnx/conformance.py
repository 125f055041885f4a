"""The standard's own tests of its operators.

    python -m tests.onnx.conformance [--backend CPU] [--failures] [NAME ...]

runs those whose operators and dtypes lazygrad has, and prints how many pass.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from importlib import import_module
from typing import Any

import numpy as np
from onnx import numpy_helper

from lazygrad import config, onnx
from lazygrad.errors import DtypeError, OnnxError
from lazygrad.onnx.types import tensor_of

RANDOM = ("test_bernoulli", "test_training_dropout")
NODE = "onnx.backend.test.case.node"


def cases() -> list[Any]:
    """All of kind "node", with their models and data."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of infinities, which the tests are about
        found: list[Any] = collect_testcases(None)
    return found


def cases_of(module: str) -> list[Any]:
    """Those of one module of the standard's tests, which is imported for the first time."""
    known = import_module(NODE)._NodeTestCases
    before = len(known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module(f"{NODE}.{module}")
    found: list[Any] = known[before:]
    return found


def outcome(case: Any) -> str:
    """ "passes", or why it does not; "no: ..." for what lazygrad does not claim to have."""
    if case.name.startswith(RANDOM):
        return "no: other random numbers"
    try:
        model = onnx.load(case.model)
    except (OnnxError, DtypeError) as error:
        return f"no: {error}"
    for inputs, outputs in case.data_sets:
        try:
            found = model(*map(_given, inputs))
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        found = found if isinstance(found, tuple) else (found,)
        for expected, value in zip(outputs, found, strict=True):
            fault = _fault(_array(expected), value, case.rtol, case.atol)
            if fault:
                return fault
    return "passes"


def _array(value: Any) -> Any:
    """Data are arrays, or in the form of files."""
    return numpy_helper.to_array(value) if hasattr(value, "data_type") else np.asarray(value)


def _given(value: Any) -> Any:
    return tensor_of(_array(value), None)


def _fault(expected: Any, value: Any, rtol: float, atol: float) -> str:
    name = expected.dtype.name
    if value.dtype.name != name:
        return f"dtype {value.dtype.name}, expected {name}"
    if value.shape != expected.shape:
        return f"shape {value.shape}, expected {expected.shape}"
    if name == "bfloat16":
        expected = expected.astype(np.float32)
    try:
        np.testing.assert_allclose(value.detach().numpy(), expected, rtol, atol)
    except AssertionError as error:
        return " ".join(str(error).split())[:200]
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of names of tests; default: all")
    parser.add_argument("--backend", default="CPU")
    parser.add_argument("--failures", action="store_true", help="print what fails, and how")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for case in cases():
        if options.names and not any(name in case.name for name in options.names):
            continue
        with config(backend=options.backend), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = outcome(case)
        kind = "not claimed" if found.startswith("no: ") else found
        counts[kind if kind in ("passes", "not claimed") else "fails"] += 1
        if options.failures and found != "passes":
            print(f"{case.name}: {found}")
    print(", ".join(f"{count} {kind}" for kind, count in counts.most_common()))


if __name__ == "__main__":
    main()
