"""Nested containers (tuple, list, dict, namedtuple, None) taken apart into leaves and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class Spec(NamedTuple):
    """The shape of a nested container: hashable, so it can be part of a cache key."""

    kind: Any  # None marks a leaf; otherwise the container's type
    keys: tuple[Any, ...]
    children: tuple[Spec, ...]


LEAF = Spec(None, (), ())


def flatten(tree: Any) -> tuple[list[Any], Spec]:
    """The leaves in order, and the structure that ``unflatten`` needs."""
    leaves: list[Any] = []

    def visit(value: Any) -> Spec:
        if isinstance(value, dict):
            keys = tuple(value)
            return Spec(type(value), keys, tuple(visit(value[key]) for key in keys))
        if isinstance(value, tuple | list):
            return Spec(type(value), (), tuple(visit(item) for item in value))
        leaves.append(value)
        return LEAF

    spec = visit(tree)
    return leaves, spec


def unflatten(spec: Spec, leaves: list[Any]) -> Any:
    """Rebuild the container that ``flatten`` took apart."""
    return _build(spec, iter(leaves))


def _build(spec: Spec, leaves: Iterator[Any]) -> Any:
    if spec.kind is None:
        return next(leaves)
    values = [_build(child, leaves) for child in spec.children]
    if issubclass(spec.kind, dict):
        return spec.kind(zip(spec.keys, values, strict=True))
    if hasattr(spec.kind, "_fields"):  # a namedtuple takes its items one by one
        return spec.kind(*values)
    return spec.kind(values)
