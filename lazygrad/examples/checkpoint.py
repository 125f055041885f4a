"""A training run in one file: model, optimizer, history, and the options it ran with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazygrad import Tensor, load_state, nn, optim, save_state
from lazygrad.errors import CheckpointError
from lazygrad.examples.history import History
from lazygrad.examples.options import option_problems

MODEL, OPTIMIZER = "model.", "optimizer."


@dataclass
class Checkpoint:
    """What a file holds.

    Args:
        model: the model's state_dict.
        optimizer: the optimizer's state_dict.
        options: the options that decide what the run computes.
        history: what it has seen so far.
    """

    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    options: dict[str, Any]
    history: History


def save(
    path: str | Path,
    model: nn.Module,
    optimizer: optim.Optimizer,
    options: dict[str, Any],
    history: History,
) -> None:
    """Write a run to ``path``; a file that is there is replaced in one go."""
    tensors = {MODEL + name: tensor for name, tensor in model.state_dict().items()}
    plan = _take_tensors(optimizer.state_dict(), OPTIMIZER.rstrip("."), tensors)
    metadata = {
        "optimizer": json.dumps(plan),
        "options": json.dumps(options),
        "history": history.to_json(),
    }
    save_state(path, tensors, metadata)


def load(path: str | Path) -> Checkpoint:
    """Read a file that ``save`` wrote.

    Raises:
        CheckpointError: if the file is damaged, or was not written by ``save``.
    """
    tensors, metadata = load_state(path)
    try:
        optimizer: Any = _put_tensors(json.loads(metadata["optimizer"]), tensors)
        if not isinstance(optimizer, dict):
            raise TypeError(f"the optimizer is {optimizer!r:.60}")
        found = Checkpoint(
            model={
                name.removeprefix(MODEL): tensor
                for name, tensor in tensors.items()
                if name.startswith(MODEL)
            },
            optimizer=optimizer,
            options=json.loads(metadata["options"]),
            history=History.from_json(metadata["history"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"[resume] {path} was not written by this example's --save "
            f"({type(error).__name__}: {error})"
        ) from error
    problems = [*option_problems(found.options), *found.history.problems()]
    if problems:
        raise CheckpointError(f"[resume] {path} holds no run: {'; '.join(problems)}")
    return found


# An optimizer's state is dicts and lists of numbers and Tensors, and some dicts have ints as keys.
# JSON has neither Tensors nor int keys, so both are written as small marked dicts.


def _take_tensors(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """``value`` as JSON, its Tensors moved to ``tensors`` under names that begin with ``name``."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        items = [
            [key, _take_tensors(item, f"{name}.{key}", tensors)] for key, item in value.items()
        ]
        return {"items": items}
    if isinstance(value, (list, tuple)):
        return [_take_tensors(item, f"{name}.{i}", tensors) for i, item in enumerate(value)]
    return value


def _put_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    """What ``_take_tensors`` took apart."""
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        return {key: _put_tensors(item, tensors) for key, item in value["items"]}
    if isinstance(value, list):
        return [_put_tensors(item, tensors) for item in value]
    return value
