"""How a tensor is shown: what ``repr`` says of it."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops
from lazygrad.graph import Node

SHOWN_ELEMENTS = 1000  # repr of larger tensors is summarised


def show(array: np.ndarray[Any, Any], prefix: str) -> str:
    """Values as PyTorch prints them, long dims summarised."""
    return np.array2string(
        array,
        separator=", ",
        prefix=prefix,
        threshold=SHOWN_ELEMENTS,
        precision=4,
        floatmode="maxprec",
    )


def describe(value: Node, realised: bool, tracked: bool) -> str:
    """What ``repr`` says of a tensor: its values once they are there."""
    suffix = [] if value.device == "CPU" else [f"device={value.device}"]
    suffix += ["requires_grad=True"] if tracked else []
    if not realised:
        facts = [f"shape={value.shape}", f"dtype={value.dtype.name}", *suffix]
        return f"Tensor(lazy, {', '.join(facts)}); realize() computes it"
    held = value.arg if value.op is ops.BUFFER else value.value
    default = value.dtype in (dt.default_float, dt.default_int, dt.bool_)
    facts = ([] if default else [f"dtype={value.dtype.name}"]) + suffix
    if not value.size:
        facts = [f"shape={value.shape}", *facts]
    text = show(held.numpy(), "Tensor(")
    return f"Tensor({', '.join([text, *facts])})"


def in_html(value: Node, realised: bool, tracked: bool) -> str:
    """What notebooks show of a tensor: what it is like, and its values once they are there."""
    facts = [
        f"{' × '.join(map(str, value.shape)) or 'a number'}",
        f"{value.dtype.name} on {value.device}",
        *(["requires grad"] if tracked else []),
        *([] if realised else ["not computed yet: realize() does it"]),
    ]
    caption = f"<b>Tensor</b> <small>{escape(', '.join(facts))}</small>"
    if not realised or not value.size:
        return f"<div>{caption}</div>"
    held = value.arg if value.op is ops.BUFFER else value.value
    return f"<div>{caption}<pre>{escape(show(held.numpy(), ''))}</pre></div>"
