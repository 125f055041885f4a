"""Checks of an optimizer's options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygrad.errors import ValueRangeError
from lazygrad.tensor import Tensor


def require_at_least(op: str, options: Mapping[str, Any], low: float, *names: str) -> None:
    """Numbers among ``options`` that must not be smaller than ``low``."""
    for name in names:
        value = options[name]
        if not isinstance(value, Tensor) and not value >= low:
            raise ValueRangeError(f"[{op}] {name} must be at least {low}, got {value}")


def require_betas(op: str, options: Mapping[str, Any]) -> None:
    """Two decay rates from 0 to below 1."""
    betas = options["betas"]
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueRangeError(f"[{op}] betas must be two numbers from 0 to below 1, got {betas}")
