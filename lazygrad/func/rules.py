"""Rules of derivatives as functions of tensors: what CUSTOM nodes hold.

A rule answers for one mode. The other one is its transpose: a rule is linear in what it is given of
tangents, or of cotangents, so its own derivative is the same map the other way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from lazygrad import autodiff, ops, pytree
from lazygrad.autodiff.batch import repeated
from lazygrad.bridge import read, wrap
from lazygrad.element_types import FLOAT
from lazygrad.errors import GradError
from lazygrad.func.one_sample import OneSample
from lazygrad.graph import Node, const, node, toposort
from lazygrad.handle import Handle
from lazygrad.lang.operands import zeros_like
from lazygrad.modes import Trace, ambient, traced_by
from lazygrad.ops import Ruled
from lazygrad.runtime.cache import Placeholder

Parts = list[Node | None]
Linear = Callable[[Sequence[Node], Sequence[Node]], Parts]


class Rule:
    """The derivatives of a call; one of ``pulled`` and ``pushed`` is written, the other follows.

    Attributes:
        name: what users call it, in messages.
    """

    name: str
    recomputes = False

    def pulled(self, cotangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        """The cotangent of each operand, or None, that one of every result causes."""
        return transposed(self.name, self.pushed, cotangents, sources, sources)

    def pushed(self, tangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        """The tangent of each result, or None, that one of every operand causes."""
        raise NotImplementedError

    def given(self, one: Node) -> Sequence[Node]:
        """What it is given as sources by the call that ``one`` is a result of: operands first."""
        return one.src[1:]

    # -- what autodiff asks ----------------------------------------------------------------------

    def pull(self, cotangents: Mapping[Node, Node], wanted: Sequence[int]) -> dict[int, Node]:
        """See ``autodiff.custom.Rule``."""
        one = next(iter(cotangents))
        given = {result.arg.result: cotangent for result, cotangent in cotangents.items()}
        filled = [
            given[n] if n in given else const(0, dtype, shape, one.device)
            for n, (shape, dtype) in enumerate(one.arg.kinds)
        ]
        parts = dict(enumerate(self.pulled(filled, self.given(one)), 1))
        return {n: part for n in wanted if (part := parts.get(n)) is not None}

    def push(self, tangents: Mapping[int, Node], results: Sequence[Node]) -> list[Node]:
        """See ``autodiff.custom.Rule``."""
        one = results[0]
        operands = enumerate(one.src[1 : 1 + one.arg.operands], 1)
        filled = [tangents.get(n) or zeros_like(operand) for n, operand in operands]
        parts = self.pushed(filled, self.given(one))
        return [parts[result.arg.result] or zeros_like(result) for result in results]

    def batched(self, one: Node, operands: Sequence[Node | None], size: int) -> Node:
        """See ``autodiff.custom.Rule``."""
        pairs = zip(operands, one.src, strict=True)
        many = tuple([repeated(x, size) if samples is None else samples for samples, x in pairs])
        kinds = tuple([((size, *shape), dtype) for shape, dtype in one.arg.kinds])
        return node(ops.CUSTOM, many, one.arg._replace(rule=Batched(self, size), kinds=kinds))


@dataclass(frozen=True)
class Batched(Rule):
    """A rule for samples along a first dim of everything."""

    rule: Rule
    size: int

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.rule.name

    def given(self, one: Node) -> Sequence[Node]:
        return self.rule.given(one)

    def pulled(self, cotangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        return self._mapped(self.rule.pulled, cotangents, sources)

    def pushed(self, tangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        return self._mapped(self.rule.pushed, tangents, sources)

    def _mapped(self, rule: Linear, changes: Sequence[Node], sources: Sequence[Node]) -> Parts:
        one = OneSample(self.size, "same", [])
        first, second = ([one.input(x)._node for x in listed] for listed in (changes, sources))
        with traced_by(one):
            parts = rule(first, second)
        many = one.all_samples(parts)
        pairs = zip(parts, many, strict=True)
        return [m or (None if part is None else repeated(part, self.size)) for part, m in pairs]


def ruled(rule: Rule, values: Sequence[Node], sources: Sequence[Node], operands: int) -> list[Node]:
    """``values``, the results of one call, with the derivatives that ``rule`` says by the first
    ``operands`` of ``sources``."""
    kinds = tuple([(value.shape, value.dtype) for value in values])
    return [
        node(ops.CUSTOM, (value, *sources), Ruled(rule, operands, kinds, number))
        for number, value in enumerate(values)
    ]


# -- transposes ----------------------------------------------------------------------------------


class Change(Placeholder):
    """Stands for a tangent or cotangent while a rule is transposed."""

    __slots__ = ()

    def refuse(self) -> NoReturn:
        """Raises where a value is needed."""
        raise GradError(
            f"[custom rule] the value of a tangent or cotangent of shape {self.shape} is needed, "
            "and there is none: the rule is used in the other mode; choose by value with where()"
        )


def transposed(
    name: str,
    linear: Linear,
    changes: Sequence[Node],
    likes: Sequence[Node],
    sources: Sequence[Node],
) -> Parts:
    """The transpose of ``linear(given, sources)``, where something like each of ``likes`` is given,
    applied to ``changes``.

    Raises:
        GradError: if it is not linear.
    """
    held = [_stand_in(like) for like in likes]
    moved = [
        (part, change)
        for part, change in zip(linear(held, sources), changes, strict=True)
        if part is not None and part.dtype.kind == FLOAT
    ]
    found = autodiff.vjp([part for part, _ in moved], [change for _, change in moved], held)
    leaves = set(held)
    if not leaves.isdisjoint(toposort([part for part in found if part is not None])):
        raise GradError(
            f"[{name}] the rule is not linear in the tangents or cotangents that it is given, so "
            "that there is no derivative in the other mode"
        )
    return found


def _stand_in(like: Node) -> Node:
    if like.dtype.kind != FLOAT:
        return zeros_like(like)
    leaf = node(ops.BUFFER, (), Change.like(like))
    return node(ops.VARIABLE, (leaf,), object())


# -- containers ----------------------------------------------------------------------------------


class Layout(NamedTuple):
    """A container whose tensors are taken out.

    Attributes:
        leaves: what else it holds; None in the places of tensors, and where it is None itself.
        is_tensor: of each leaf.
    """

    spec: pytree.Spec
    leaves: tuple[Any, ...]
    is_tensor: tuple[bool, ...]

    def put(self, tensors: Sequence[Any]) -> Any:
        """The container with these in the places of its tensors."""
        left = iter(tensors)
        pairs = zip(self.leaves, self.is_tensor, strict=True)
        return pytree.unflatten(self.spec, [next(left) if t else leaf for leaf, t in pairs])

    def wrapped(self, nodes: Sequence[Node], label: str) -> Any:
        """The container with handles on nodes in the places of its tensors."""
        return self.put([wrap(found, label) for found in nodes])


def taken_out(tree: Any) -> tuple[Layout, list[Node]]:
    """A container without its tensors, and their nodes."""
    leaves, spec = pytree.flatten(tree)
    is_tensor = tuple([isinstance(leaf, Handle) for leaf in leaves])
    rest = tuple([None if t else leaf for leaf, t in zip(leaves, is_tensor, strict=True)])
    return Layout(spec, rest, is_tensor), [read(x) for x in leaves if isinstance(x, Handle)]


# -- running the user's functions -----------------------------------------------------------------


class Ruling(Trace):
    """A function of a rule while it runs: nothing that it writes outside would be seen again."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()


class Primal(Ruling):
    """The function that a rule speaks of, while it runs: derivatives by what it reads from outside
    would be lost. ``of`` is what has the rule."""

    def __init__(self, name: str, arguments: Sequence[Node], of: object = None) -> None:
        super().__init__(name)
        self._known = set(arguments)
        self.of = of

    def read(self, tensor: Handle) -> Node:
        """The node to use for ``tensor``."""
        found = super().read(tensor)
        foreign = tensor._epoch < self.epoch and found not in self._known
        if foreign and found.tracked and ambient.grad_enabled:
            raise GradError(
                f"[{self.name}] the function reads a {found.dtype.name} tensor of shape "
                f"{found.shape} from outside that requires a gradient, of which the rule knows "
                "nothing; make it an argument, or detach() it outside"
            )
        return found


@contextmanager
def running(name: str) -> Iterator[None]:
    """Inside, functions of a rule run: what they return can be differentiated, whatever the mode is
    around them."""
    with traced_by(Ruling(name)):
        ambient.grad_enabled = True
        yield
