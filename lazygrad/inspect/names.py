"""What the values of a step are called: by modules, optimizers, arguments and the user's variables.

All of it is found when someone looks. Nothing is written down while a program runs.
"""

from __future__ import annotations

import ast
import gc
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CellType, FrameType
from typing import Any, NamedTuple

from lazygrad import pytree
from lazygrad.graph import Node
from lazygrad.handle import Handle, value_node
from lazygrad.lang.threefry import KEY_DTYPE, KEY_SHAPE
from lazygrad.nn.module import Module
from lazygrad.optim.optimizer import Optimizer
from lazygrad.origins import is_users
from lazygrad.replay import Called, Capture
from lazygrad.runtime.buffer import Buffer, is_realised, value_of
from lazygrad.runtime.cache import Placeholder
from lazygrad.tracing import ARGUMENT, CONSTANT, GRAD, KEY, NUMBER, STATE, Owner
from lazygrad.waiting import waiting

Name = str | None
RANDOM_KEY = "random key"
MOST_ITEMS, DEEPEST = 64, 2  # of containers in variables, whose tensors are named after those


@dataclass(frozen=True)
class Names:
    """What the inputs of a plan, and its results in the order in which they are requested, are
    called; and the jitted function whose step it is."""

    inputs: Sequence[Name] = ()
    results: Sequence[Name] = ()
    called: str = ""


NO_NAMES = Names()


def module_of(name: str) -> str:
    """The path of the module that a value belongs to: of "grad of conv1.weight", "conv1"."""
    return name.removesuffix(", repacked").split(" ")[-1].rpartition(".")[0]


def names_of(asked: object) -> Names:
    """For who asks that a plan runs: a capture, or requested nodes and leaves."""
    if isinstance(asked, Capture):
        return of_capture(asked)
    if isinstance(asked, tuple):
        return of_nodes(*asked)
    return NO_NAMES


# -- jitted functions ------------------------------------------------------------------------------


def of_capture(capture: Capture) -> Names:
    """By the arguments of the function, and the handles that it reads and rebinds."""
    owners = [owner for owner in capture.grads if isinstance(owner, Handle)]
    handles = [*capture.states, *capture.rebound, *owners]
    called = capture.called
    own = {id(handle) for handle in handles}
    names = _handles(lambda handle: id(handle) in own, _scopes(called.function))
    arguments = _arguments(called)

    def grad_of(owner: Owner) -> Name:
        return _grad(arguments[owner] if isinstance(owner, int) else names.get(id(owner)))

    tell: Mapping[str, Callable[[Any], Name]] = {
        ARGUMENT: lambda position: arguments[position],
        STATE: lambda handle: names.get(id(handle)),
        GRAD: grad_of,
        KEY: lambda number: RANDOM_KEY,
        NUMBER: lambda number: "number",
        CONSTANT: lambda buffer: "constant",
    }
    returned = _returned(called, capture.returned)
    return Names(
        inputs=[tell[source.kind](source.of) for source in capture.sources],
        results=[
            *returned,
            *(_new(names.get(id(handle))) for handle in capture.rebound),
            *map(grad_of, capture.grads),
        ],
        called=getattr(called.function, "__name__", type(called.function).__name__),
    )


def _new(name: Name) -> Name:
    return name and f"new {name}"


def _grad(name: Name) -> Name:
    return name and f"grad of {name}"


def _arguments(called: Called) -> list[str]:
    """The name of each tensor among the arguments, by the parameter that it is in."""
    args, kwargs = pytree.unflatten(called.spec, list(range(called.count)))
    try:
        bound = inspect.signature(called.function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):  # no Python function
        bound = {**{f"argument {i}": value for i, value in enumerate(args)}, **kwargs}
    paths = {leaf: path for name, value in bound.items() for path, leaf in _paths(name, value)}
    return [paths[leaf] for leaf in called.tensors]


def _paths(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of nested containers and how they are reached: ``batch["x"][0]``."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(f"{name}[{key!r}]", item)
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from _paths(f"{name}[{number}]", item)
    else:
        yield name, value


def _returned(called: Called, count: int) -> list[Name]:
    """What the last ``return`` of a function calls its results, where those are variables."""
    numbered: list[Name] = ["result"] if count == 1 else [f"result {i}" for i in range(count)]
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(called.function)))
    except (OSError, TypeError, SyntaxError):
        return numbered
    returns = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    value = returns[-1] if returns else None
    items = value.elts if isinstance(value, ast.Tuple) else [value]
    if len(items) != count:
        return numbered
    return [
        item.id if isinstance(item, ast.Name) else name
        for item, name in zip(items, numbered, strict=True)
    ]


# -- values that are asked for ---------------------------------------------------------------------


def of_nodes(requested: Sequence[Node], leaves: Sequence[Node]) -> Names:
    """By the handles that are bound to them, or were before they were rebound."""
    wanted = {id(node) for node in requested}
    held = [id(value_of(leaf).memory) for leaf in leaves]
    memory = set(held)

    def places(handle: Handle) -> Iterator[int]:
        """What of the plan a handle holds or held."""
        for node in (handle._node, waiting.before(handle)):
            if node is not None and is_realised(value := value_node(node)):
                held: Buffer | Placeholder = value_of(value)  # the latter within a trace
                if isinstance(held, Buffer):
                    yield id(held.memory)
            elif node is not None:
                yield id(value_node(node))

    def takes_part(handle: Handle) -> bool:
        return any(place in wanted or place in memory for place in places(handle))

    inputs: dict[int, str] = {}
    results: dict[int, str] = {}
    for handle, name in _named(takes_part, _scopes()):
        found = list(places(handle))
        rebound = len(found) > 1 or any(place in memory for place in found)
        for place in found:
            if place in memory:
                inputs.setdefault(place, name)
            elif place in wanted:
                results.setdefault(place, f"new {name}" if rebound else name)
    return Names(
        inputs=[
            inputs.get(place) or (RANDOM_KEY if _is_key(leaf) else None)
            for place, leaf in zip(held, leaves, strict=True)
        ],
        results=[results.get(id(node)) for node in requested],
    )


def _is_key(leaf: Node) -> bool:
    return leaf.shape == KEY_SHAPE and leaf.dtype is KEY_DTYPE


# -- handles -----------------------------------------------------------------------------------


class _Owned(NamedTuple):
    """A handle, and what it is called within what owns it."""

    handle: Handle
    name: str
    owner: object  # a model or optimizer, or None


def _handles(
    wanted: Callable[[Handle], bool], scopes: Iterable[Mapping[str, Any]]
) -> dict[int, str]:
    return {id(handle): name for handle, name in _named(wanted, scopes)}


def _named(
    wanted: Callable[[Handle], bool], scopes: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[Handle, str]]:
    """The handles that are ``wanted``, each under its first name; names that several models have
    begin with which one."""
    models, optimizers = _owners()
    owned = [row for model in models for row in _members(model)]
    titles = _distinct([row for row in owned if wanted(row.handle) or _has_wanted(row, wanted)])
    paths = {id(row.handle): row.name for row in owned} | titles
    rows: list[tuple[Handle, str]] = [(row.handle, paths[id(row.handle)]) for row in owned]
    for optimizer in optimizers:
        rows += _state(optimizer, paths)
    grads = [(handle._grad, name) for handle, name in rows]
    rows += [(grad, f"grad of {name}") for grad, name in grads if grad is not None]
    rows += _variables(scopes)
    seen: set[int] = set()
    for handle, name in rows:
        if id(handle) not in seen and wanted(handle):
            seen.add(id(handle))
            yield handle, name


def _has_wanted(row: _Owned, wanted: Callable[[Handle], bool]) -> bool:
    return row.handle._grad is not None and wanted(row.handle._grad)


def _owners() -> tuple[list[Module], list[Optimizer]]:
    """The models, which are modules in no other, and the optimizers that are alive."""
    alive = gc.get_objects()
    modules = [thing for thing in alive if issubclass(type(thing), Module)]
    inner = {id(child) for module in modules for child in module.children()}
    models = [module for module in modules if id(module) not in inner]
    optimizers = [thing for thing in alive if issubclass(type(thing), Optimizer)]
    return models, [found for found in optimizers if "param_groups" in vars(found)]


def _members(model: Module) -> Iterator[_Owned]:
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        yield _Owned(tensor, name, model)


def _distinct(rows: Sequence[_Owned]) -> dict[int, str]:
    """The names of handles by their ids; what several models call the same by the model, too."""
    owners: dict[str, dict[int, object]] = {}
    for row in rows:
        owners.setdefault(row.name, {})[id(row.owner)] = row.owner
    models = list({id(row.owner): row.owner for row in rows}.values())
    found: dict[int, str] = {}
    for row in rows:
        title = row.name
        if len(owners[row.name]) > 1:
            kind = type(row.owner).__name__
            alike = [model for model in models if type(model) is type(row.owner)]
            number = next(i for i, model in enumerate(alike, 1) if model is row.owner)
            title = f"{kind}{'#' + str(number) if len(alike) > 1 else ''}.{row.name}"
        found.setdefault(id(row.handle), title)
    return found


def _state(optimizer: Optimizer, paths: Mapping[int, str]) -> Iterator[tuple[Handle, str]]:
    """What an optimizer keeps: for a parameter, and for all of them."""
    kind = type(optimizer).__name__
    params = [param for group in optimizer.param_groups for param in group["params"]]
    numbers = {id(param): number for number, param in enumerate(params)}
    for param, held in optimizer.state.items():
        title = paths.get(id(param)) or f"parameter {numbers.get(id(param))}"
        yield from ((t, f"{key} of {title}") for key, t in held.items() if isinstance(t, Handle))
    for group in optimizer.param_groups:
        for cohort in group.cohorts:
            shared = {**cohort.numbers, **cohort.scalars}
            yield from ((tensor, f"{key} of {kind}") for key, tensor in shared.items())
            yield from ((t, f"1 - {beta}**step of {kind}") for beta, t in cohort.weights.items())
    yield from ((param, f"parameter {numbers[id(param)]} of {kind}") for param in params)


# -- variables ---------------------------------------------------------------------------------


def _scopes(function: Callable[..., Any] | None = None) -> list[Mapping[str, Any]]:
    """The variables that the user sees now, the innermost first, and what a function sees."""
    frame: FrameType | None = sys._getframe(1)
    found: list[Mapping[str, Any]] = []
    while frame is not None:
        if is_users(frame):
            found.append(frame.f_locals)
        frame = frame.f_back
    plain = inspect.unwrap(function) if function is not None else None
    if inspect.isfunction(plain):
        cells = zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True)
        found.append({name: cell.cell_contents for name, cell in cells if cell != CellType()})
        found.append(plain.__globals__)
    return found


def _variables(scopes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Handle, str]]:
    for scope in scopes:
        for name, value in list(scope.items()):
            yield from _tensors(name, value, 0)


def _tensors(name: str, value: Any, depth: int) -> Iterator[tuple[Handle, str]]:
    """Those in a variable, or in plain containers in it that are small and not deep."""
    if isinstance(value, Handle):
        yield value, name
    elif depth < DEEPEST and type(value) in (tuple, list, dict) and len(value) <= MOST_ITEMS:
        items = value.items() if type(value) is dict else enumerate(value)
        for key, item in items:
            yield from _tensors(f"{name}[{key!r}]", item, depth + 1)
