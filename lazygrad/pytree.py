"""Nested containers taken apart into leaves and put together again: tuples, lists, dicts, named
tuples, dataclasses, Modules, and what ``register_pytree_node`` makes known. None is a leaf.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple, cast

from lazygrad.errors import ArgumentError, ValueRangeError


class Spec(NamedTuple):
    """The shape of a nested container: hashable, so it can be part of a cache key.

    Attributes:
        kind: the container's type; None marks a leaf.
        keys: the names of its children, if they have some.
        context: what else is needed to put it together.
    """

    kind: Any
    keys: tuple[Any, ...]
    children: tuple[Spec, ...]
    context: Hashable = None


LEAF = Spec(None, (), ())
EMPTY = Spec(tuple, (), ())


class Apart(NamedTuple):
    """A container taken apart by one level."""

    keys: tuple[Any, ...]
    children: Iterable[Any]
    context: Hashable = None


class Container(NamedTuple):
    """How one type of container is taken apart and put together.

    Attributes:
        apart: takes one apart.
        together: puts the children together as ``spec`` says.
        changes: whether one is known by its identity, because what it holds changes in place.
    """

    apart: Callable[[Any], Apart]
    together: Callable[[Spec, list[Any]], Any]
    changes: bool = False


def flatten(tree: Any, *, whole: bool = False) -> tuple[list[Any], Spec]:
    """The leaves in order, and the structure that ``unflatten`` needs.

    Args:
        whole: what is known by its identity is a leaf.
    """
    leaves: list[Any] = []
    return leaves, _taken_apart(tree, leaves, whole)


def _taken_apart(value: Any, leaves: list[Any], whole: bool) -> Spec:
    # no function inside of ``flatten``: one that calls itself would keep the leaves in a cycle
    kind = type(value)
    container = _containers.get(kind, UNKNOWN)
    if container is UNKNOWN:
        container = _containers[kind] = _container_of(kind)
    if container is None or (whole and container.changes):
        leaves.append(value)
        return LEAF
    if container is SEQUENCE:
        return Spec(kind, (), tuple([_taken_apart(item, leaves, whole) for item in value]))
    if container is MAPPING:
        items = [_taken_apart(item, leaves, whole) for item in value.values()]
        return Spec(kind, tuple(value), tuple(items))
    keys, children, context = container.apart(value)
    return Spec(kind, keys, tuple([_taken_apart(c, leaves, whole) for c in children]), context)


def unflatten(spec: Spec, leaves: Iterable[Any]) -> Any:
    """Rebuild the container that ``flatten`` took apart."""
    return _build(spec, iter(leaves))


def _build(spec: Spec, leaves: Iterator[Any]) -> Any:
    if spec.kind is None:
        return next(leaves)
    values = [_build(child, leaves) for child in spec.children]
    container = cast(Container, _containers[spec.kind])
    return container.together(spec, values)


# -- types of containers -------------------------------------------------------------------------


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
) -> None:
    """Make a class known as a container of tensors to every transform and to ``jit``; as
    torch.utils._pytree.register_pytree_node.

    Args:
        cls: the class; what derives from it has to be registered by itself.
        flatten_fn: from an instance to (children, context): what it holds in order, and what else
            is needed to make it again, which is hashable and compares by value.
        unflatten_fn: from children and context to an instance.

    Raises:
        ValueRangeError: for a class that is known already.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import grad, register_pytree_node
    >>> class Line:
    ...     def __init__(self, slope, shift):
    ...         self.slope, self.shift = slope, shift
    >>> register_pytree_node(Line, lambda a: ([a.slope, a.shift], None), lambda c, _: Line(*c))
    >>> found = grad(lambda line: line.slope * 3.0 + line.shift)(Line(Tensor(1.0), Tensor(2.0)))
    >>> found.slope.item(), found.shift.item()
    (3.0, 1.0)
    """
    if _containers.get(cls) is not None or _container_of(cls) is not None:
        raise ValueRangeError(f"[register_pytree_node] {cls.__name__} is known already")

    def apart(value: Any) -> Apart:
        children, context = flatten_fn(value)
        try:
            hash(context)
        except TypeError:
            raise ArgumentError(
                f"[register_pytree_node] the context of a {cls.__name__} must be hashable, got a "
                f"{type(context).__name__}; tensors belong to the children"
            ) from None
        return Apart((), children, context)

    _containers[cls] = Container(apart, lambda spec, values: unflatten_fn(values, spec.context))


def register_base(base: type, container: Container) -> None:
    """Make a class and all that derive from it known."""
    _bases[base] = container


def _container_of(kind: type) -> Container | None:
    """How a type that is met for the first time is taken apart; None: it is a leaf."""
    for base in kind.__mro__:
        if base in _bases:
            return _bases[base]
    return DATACLASS if is_dataclass(kind) else None


def _sequence(spec: Spec, values: list[Any]) -> Any:
    if hasattr(spec.kind, "_fields"):  # a namedtuple takes its items one by one
        return spec.kind(*values)
    return spec.kind(values)


def _mapping(spec: Spec, values: list[Any]) -> Any:
    return spec.kind(zip(spec.keys, values, strict=True))


def _fields(value: Any) -> Apart:
    names = tuple([field.name for field in fields(value) if hasattr(value, field.name)])
    return Apart(names, [getattr(value, name) for name in names])


def _dataclass(spec: Spec, values: list[Any]) -> Any:
    """Without its ``__init__``, which may compute fields from others."""
    made = object.__new__(spec.kind)
    for name, value in zip(spec.keys, values, strict=True):
        object.__setattr__(made, name, value)
    return made


SEQUENCE = Container(lambda value: Apart((), value), _sequence)
MAPPING = Container(lambda value: Apart(tuple(value), value.values()), _mapping)
DATACLASS = Container(_fields, _dataclass)
UNKNOWN = Container(SEQUENCE.apart, SEQUENCE.together)  # a type that was not met yet

_bases: dict[type, Container] = {
    tuple: SEQUENCE,
    list: SEQUENCE,
    deque: Container(
        lambda value: Apart((), value, value.maxlen),
        lambda spec, values: spec.kind(values, spec.context),
    ),
    dict: MAPPING,
    OrderedDict: MAPPING,
    defaultdict: Container(
        lambda value: Apart(tuple(value), value.values(), value.default_factory),
        lambda spec, values: spec.kind(spec.context, zip(spec.keys, values, strict=True)),
    ),
}
_containers: dict[type, Container | None] = dict(_bases)


# -- structures ----------------------------------------------------------------------------------


def count(spec: Spec) -> int:
    """How many leaves it has."""
    return 1 if spec.kind is None else sum(map(count, spec.children))


def spread(prefix: Any, spec: Spec) -> list[Any] | None:
    """For each leaf of ``spec`` the leaf of ``prefix`` that stands where it does or above it; None
    where ``prefix`` is no upper part of that container."""
    leaves, own = flatten(prefix)
    return _spread(own, iter(leaves), spec)


def _spread(own: Spec, leaves: Iterator[Any], spec: Spec) -> list[Any] | None:
    if own.kind is None:
        return [next(leaves)] * count(spec)
    mine, theirs = _named(own), _named(spec)
    if own.kind is not spec.kind or mine.keys() != theirs.keys():
        return None
    parts = {name: _spread(child, leaves, theirs[name]) for name, child in mine.items()}
    found: list[Any] = []
    for name in theirs:
        part = parts[name]
        if part is None:
            return None
        found += part
    return found


def _named(spec: Spec) -> dict[Any, Spec]:
    return dict(zip(spec.keys or range(len(spec.children)), spec.children, strict=True))


def text(spec: Spec) -> str:
    """A container in a message: its leaves as *."""
    if spec.kind is None:
        return "*"
    inside: Sequence[str] = [text(child) for child in spec.children]
    if spec.keys:
        inside = [f"{key}: {child}" for key, child in zip(spec.keys, inside, strict=True)]
    return f"{spec.kind.__name__}({', '.join(inside)})"
