"""Runs a case, with PyTorch or with lazygrad: its results, and derivatives of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.parity.case import Array, Case, floats_in, ripples

Values = dict[str, tuple[str, Array]]  # by where it comes from: dtype's name, and the values


def run(case: Case, T: Any, device: str, most: int = 2) -> dict[str, Any]:
    """Tensors and plain values by where they come from: "float32", "float32 first by 0", ...;
    derivatives up to order ``most``."""
    found: dict[str, Any] = {}
    for dtype in case.dtypes or ("",):
        order = min(case.order, most) if dtype == case.dtypes[0] else 0
        inputs = [tensor(T, a, i.turned, device) for a, i in zip(
            case.arrays(dtype), case.inputs, strict=True)]  # fmt: skip
        if dtype == "bfloat16":
            inputs = [i.to(T.bfloat16) if i.is_floating_point() else i for i in inputs]
        floats = [i.requires_grad_() for i in inputs if order and i.is_floating_point()]
        result = case.call(T, *inputs)
        found.update(named(dtype, result))
        found.update(derivatives(T, dtype, floats_in(result), floats, order))
    return found


def tensor(T: Any, values: Array, turned: bool, device: str) -> Any:
    if not turned:
        return T.tensor(values, device=device)
    return T.tensor(np.ascontiguousarray(values.T), device=device).T


def named(where: str, result: Any) -> Iterator[tuple[str, Any]]:
    """All that a result holds, flat."""
    if isinstance(result, dict):
        for key, value in result.items():
            yield from named(f"{where} {key}", value)
    elif isinstance(result, tuple | list) and not hasattr(result, "numpy"):
        for number, value in enumerate(result):
            yield from named(f"{where} [{number}]", value)
    elif result is not None:
        yield where, result


def derivatives(
    T: Any, where: str, results: list[Any], inputs: list[Any], order: int
) -> Iterator[tuple[str, Any]]:
    """The first and second derivatives of a weighted sum."""
    for number, name in enumerate(("first", "second")[:order]):
        results = [r for r in results if r.requires_grad]
        if not results:
            return
        loss = sum((r * ripples(T, r, number)).sum() for r in results)
        found = T.autograd.grad(loss, inputs, create_graph=True, allow_unused=True)
        yield from ((f"{where} {name} by {i}", d) for i, d in enumerate(found) if d is not None)
        results = [d for d in found if d is not None]


def values(found: dict[str, Any]) -> Values:
    """The results as arrays; what PyTorch gives as a size or number, as an array of it."""
    return {where: array(value) for where, value in found.items()}


def array(value: Any) -> tuple[str, Array]:
    if not hasattr(value, "detach"):
        plain = np.asarray(value)
        return type(value).__name__, plain
    dtype = str(getattr(value.dtype, "name", value.dtype)).removeprefix("torch.")
    held = value.detach()
    if dtype == "bfloat16":
        held = held.float()
    return dtype, held.numpy(force=True)
