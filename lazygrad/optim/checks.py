"""Checks of an optimizer's options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygrad.arguments import require_range, shown
from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.tensor_class import Tensor


def require_at_least(op: str, low: float, options: Mapping[str, Any], *names: str) -> None:
    """Finite numbers among ``options``; a learning rate may be a Tensor."""
    for name in names:
        if name != "lr" or not isinstance(options[name], Tensor):
            require_range(op, low, **{name: options[name]})


def require_betas(op: str, options: Mapping[str, Any]) -> None:
    """Two decay rates from 0 to below 1."""
    betas = options["betas"]
    try:
        first, second = betas
        require_range(op, 0, betas=first)
        require_range(op, 0, betas=second)
        fit = first < 1 and second < 1
    except (TypeError, ValueError):
        fit = False
    if not fit:
        raise ValueRangeError(f"[{op}] betas must be two numbers from 0 to below 1, got {betas!r}")


def require_pair(op: str, name: str, options: Mapping[str, Any]) -> tuple[float, float]:
    """Two numbers."""
    try:
        first, second = options[name]
    except (TypeError, ValueError):
        raise ValueRangeError(f"[{op}] {name} must be two numbers, got {options[name]!r}") from None
    require_range(op, **{name: first})
    require_range(op, **{name: second})
    return first, second


def require_flags(op: str, options: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(options[name], bool):
            raise ArgumentError(f"[{op}] {name} must be True or False, got {shown(options[name])}")


def require_common(op: str, options: Mapping[str, Any]) -> None:
    """The options of PyTorch's that all optimizers share.

    Raises:
        ArgumentError: for what is neither True nor False, and for ``differentiable``.
    """
    flags = ("maximize", "capturable", "differentiable")
    require_flags(op, options, *(name for name in flags if name in options))
    chosen = ("foreach", "fused")
    require_flags(op, options, *(name for name in chosen if options.get(name) is not None))
    if options.get("differentiable"):
        raise ArgumentError(
            f"[{op}] differentiable=True is not there: steps record no history; write the update "
            "with operations on Tensors, as p = p - lr * grad(loss, p, create_graph=True)"
        )


def require_groups(op: str, name: str, values: Any, count: int) -> list[Any]:
    """One value for each of ``count`` groups: a list of them, or one for all.

    Raises:
        ValueRangeError: for a list of another length.
    """
    listed = list(values) if isinstance(values, list | tuple) else [values] * count
    if len(listed) != count:
        raise ValueRangeError(
            f"[{op}] {name} has {len(listed)} values, the optimizer {count} parameter groups; give "
            "one for each, or one number for all"
        )
    return listed
