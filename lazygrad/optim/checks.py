"""Checks of an optimizer's options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygrad.arguments import require_range, shown
from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.tensor import Tensor


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


def require_flags(op: str, options: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(options[name], bool):
            raise ArgumentError(f"[{op}] {name} must be True or False, got {shown(options[name])}")
