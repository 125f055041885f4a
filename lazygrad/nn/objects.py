"""tinygrad's functions for the tensors of any object: of modules, and of plain classes, lists and
dicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lazygrad.nn.loading import load_into
from lazygrad.tensor_class import Tensor


def get_state_dict(obj: Any, prefix: str = "") -> dict[str, Tensor]:
    """The tensors of an object, of its attributes and items and theirs, by their path.

    >>> class Model:
    ...     def __init__(self):
    ...         self.layers = [nn.Linear(2, 2), nn.ReLU()]
    >>> list(nn.state.get_state_dict(Model()))
    ['layers.0.weight', 'layers.0.bias']
    """
    return dict(_tensors(obj, prefix.strip("."), set()))


def get_parameters(obj: Any) -> list[Tensor]:
    """The tensors of an object, each once.

    >>> len(nn.state.get_parameters({"a": lazygrad.zeros(1), "b": [nn.Linear(2, 2)]}))
    3
    """
    return list({id(tensor): tensor for tensor in get_state_dict(obj).values()}.values())


def load_state_dict(
    model: Any, state_dict: Mapping[str, Any], strict: bool = True, verbose: bool = True
) -> None:
    """Takes over values by the paths of ``get_state_dict``.

    Raises:
        CheckpointError: lists what does not fit; then nothing was taken.

    >>> layers = [nn.Linear(1, 1, bias=False)]
    >>> nn.state.load_state_dict(layers, {"0.weight": Tensor([[2.0]])})
    >>> layers[0].weight.tolist()
    [[2.0]]
    """
    load_into(type(model).__name__, get_state_dict(model), state_dict, strict)


def _tensors(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield path, value
        return
    if id(value) in seen:
        return
    for name, part in _parts(value):
        yield from _tensors(part, f"{path}.{name}" if path else name, seen | {id(value)})


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Items of lists and dicts, and the attributes of other objects, modules' among them."""
    if isinstance(value, Mapping):
        yield from ((str(key), part) for key, part in value.items())
    elif isinstance(value, list | tuple):
        yield from ((str(number), part) for number, part in enumerate(value))
    elif hasattr(value, "state_dict") and hasattr(value, "named_parameters"):
        yield from value.state_dict(keep_vars=True).items()
    elif hasattr(value, "__dict__"):
        yield from vars(value).items()
