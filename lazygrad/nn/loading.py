"""Bringing values by name into the Tensors of a module: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lazygrad.arguments import shown
from lazygrad.errors import CheckpointError
from lazygrad.nn.conversion import convert
from lazygrad.tensor_class import Tensor


class LoadReport(NamedTuple):
    """What ``load_state_dict(strict=False)`` left out.

    >>> layer = nn.Linear(2, 1)
    >>> layer.load_state_dict({"weight": lazygrad.ones(1, 2)}, strict=False)
    LoadReport(missing_keys=['bias'], unexpected_keys=[])
    """

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        missing, unexpected = self.missing_keys, self.unexpected_keys
        return f"LoadReport(missing_keys={missing}, unexpected_keys={unexpected})"


def load_into(
    owner: str, own: Mapping[str, Tensor], given: Mapping[str, Any], strict: bool,
    assign: bool = False,
) -> LoadReport:  # fmt: skip
    """Assign the values of ``given`` to the Tensors of ``own`` that have the same names; with
    ``assign`` these take the values' dtypes and devices, too.

    Raises:
        CheckpointError: lists everything that does not fit; then nothing was assigned.
    """
    report = LoadReport(
        [name for name in own if name not in given], [name for name in given if name not in own]
    )
    both = {name: (tensor, given[name]) for name, tensor in own.items() if name in given}
    problems = [fault for name in both if (fault := _fault(name, *both[name]))]
    if strict and report.missing_keys:
        problems.append(f"missing: {', '.join(report.missing_keys)}")
    if strict and report.unexpected_keys:
        problems.append(f"unexpected: {', '.join(report.unexpected_keys)}")
    if problems:
        raise CheckpointError(
            f"[load_state_dict] the state does not fit {owner}:\n  " + "\n  ".join(problems)
        )
    if assign:
        for tensor, value in both.values():
            dtype = value.dtype if tensor.is_floating_point() else None
            convert([tensor], getattr(value, "device", None), dtype)
    values = {name: fitted(value, tensor) for name, (tensor, value) in both.items()}
    for name, value in values.items():
        own[name].assign(value)
    return report


def _fault(name: str, tensor: Tensor, value: Any) -> str:
    """What stands against loading ``value`` into ``tensor``; empty if nothing does."""
    if not (isinstance(value, Tensor | np.generic) or hasattr(value, "__dlpack__")):
        return f"{name} must be a Tensor or an array, got {shown(value)}"
    if tuple(value.shape) != tensor.shape:
        given = tuple(value.shape)
        return f"size mismatch for {name}: the checkpoint has {given}, the model {tensor.shape}"
    return ""


def fitted(value: Any, target: Tensor) -> Tensor:
    """``value`` (a Tensor or array) in the dtype and on the device of ``target``."""
    tensor = value.detach() if isinstance(value, Tensor) else Tensor(value, device=target.device)
    return tensor.to(target.device).cast(target.dtype)
