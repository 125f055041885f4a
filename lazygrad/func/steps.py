"""A function traced once for all steps of a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lazygrad import ops, pytree
from lazygrad.arguments import CLASSES, shown
from lazygrad.bridge import StandIn, read, wrap
from lazygrad.errors import ArgumentError, DtypeError, JitError, ShapeError
from lazygrad.functional.random import random_key
from lazygrad.generator import Generator
from lazygrad.graph import Node, const, node, toposort
from lazygrad.handle import Handle
from lazygrad.lang.loops import Loop, Operands, loop, stand_in
from lazygrad.lang.threefry import key_of_each
from lazygrad.modes import Trace, ambient, traced_by
from lazygrad.owners import is_owned, lost, through
from lazygrad.shape import Shape


class Leaves(NamedTuple):
    """A container of tensors taken apart: the node of each, and None where it has None."""

    nodes: list[Node | None]
    spec: pytree.Spec

    @property
    def tensors(self) -> list[Node]:
        return [found for found in self.nodes if found is not None]

    def wrapped(self, label: str) -> Any:
        """The container with a handle on each node."""
        return self.put(wrap(found, label) for found in self.tensors)

    def put(self, handles: Iterator[Any]) -> Any:
        """The container with the next of ``handles`` in the place of each tensor."""
        listed = [None if found is None else next(handles) for found in self.nodes]
        return pytree.unflatten(self.spec, listed)


NOTHING = Leaves([], pytree.EMPTY)


def leaves_of(op: str, what: str, tree: Any, like: Sequence[Node] = ()) -> Leaves:
    """The tensors of a container; numbers become tensors where the others are, or ``like`` is.

    Raises:
        ArgumentError: for a leaf that is neither, nor None.
    """
    leaves, spec = pytree.flatten(tree)
    names = _names(spec, what)
    devices = [leaf.device for leaf in leaves if isinstance(leaf, Handle)]
    device = next(iter([*devices, *(x.device for x in like)]), None)
    nodes = [_node(op, name, leaf, device) for name, leaf in zip(names, leaves, strict=True)]
    return Leaves(nodes, spec)


def _node(op: str, name: str, leaf: Any, device: str | None) -> Node | None:
    if leaf is None:
        return None
    if isinstance(leaf, bool | int | float):
        leaf = CLASSES["Tensor"](leaf, device=device)
    if not isinstance(leaf, Handle):
        raise ArgumentError(f"[{op}] {name} must be a Tensor, got {shown(leaf)}")
    return read(leaf)


def _names(spec: pytree.Spec, root: str) -> list[str]:
    """What leaves are called in messages: carry['h'][0]."""
    if spec.kind is None:
        return [root]
    keys = spec.keys or range(len(spec.children))
    pairs = zip(keys, spec.children, strict=True)
    return [name for key, child in pairs for name in _names(child, f"{root}[{key!r}]")]


class Steps(Trace):
    """While a step runs, its inputs have the shapes of one step, and no value.

    Attributes:
        length: how many steps there are.
        xs: what is given step by step, by what stands for it: the random keys of what is drawn in
            a step among them.
    """

    has_values = False

    def __init__(self, name: str, length: int) -> None:
        self.name = name
        super().__init__()
        self.length = length
        self.xs: dict[Node, Node] = {}
        self._stands: set[Node] = set()

    def stand_in(self, like: Node, shape: Shape) -> Node:
        """What stands for a value in one step. Of floats that is a node above a leaf: what is
        detached from it is another one."""
        found = stand_in(shape, like)
        if like.dtype.is_floating_point:
            variable = node(ops.VARIABLE, (found,), StandIn(self.name, like))
            found = node(ops.SURROGATE, (variable, variable))
        self._stands.add(found)
        return found

    def handle(self, stands: Node) -> Handle:
        """A handle that the step may write to."""
        made = wrap(stands if ambient.grad_enabled else read(wrap(stands)), self.name)
        made._epoch = self.epoch
        return made

    def require_value(self, tensor: Handle) -> None:
        """Raises if it differs from step to step."""
        if not self._stands.isdisjoint(toposort([self.read(tensor)])):
            raise JitError(
                f"[{self.name}] the value of a tensor of shape {tensor.shape} is needed inside a "
                "step (.item(), .numpy(), bool(), float() ...), which is traced once for all "
                "steps; choose by value with where() or func.cond()"
            )
        super().require_value(tensor)

    def refuse_lost_gradients(self, after: Mapping[Node, Node]) -> None:
        """Raises where a ``backward()`` inside has passed by a carry that has a history after a
        step: in the next one, the gradient would go back to steps before.

        Args:
            after: what each carry is after a step, by what stands for it before.
        """
        stands = {stands.src[0]: value for stands, value in after.items() if stands.tracked}
        for leaf, value in stands.items():
            if leaf.arg.is_passed:
                others = [other for other in through([value]) if other is not leaf]
                if any(other in stands or is_owned(other) for other in others):
                    raise lost(leaf)

    def random_key(self, device: str, generator: Generator) -> Node:
        """A key of its own for each step, made of one that is drawn for all."""
        with traced_by(self.outer):
            key = random_key(device, generator)
        stands = self.stand_in(key, key.shape)
        self.xs[stands] = key_of_each(key, max(self.length, 1))
        return stands


class Traced(NamedTuple):
    """A loop over a function of carries and inputs.

    Attributes:
        loop: None if there are no steps.
        init: the first carries.
        outputs: what it returned beside the carries: values of the body.
        length: how many steps there are.
    """

    loop: Loop | None
    init: Leaves
    outputs: Leaves
    length: int

    def carry(self, name: str) -> Any:
        """The carries after the last step."""
        if self.loop is None:
            return self.init.wrapped(name)
        finals = map(self.loop.final, range(len(self.init.tensors)))
        return self.init.put(wrap(found, name) for found in finals)

    def stacked(self, name: str) -> Any:
        """What each step returned beside, stacked along a new dim 0."""
        return self.outputs.put(wrap(self._stacked(v), name) for v in self.outputs.tensors)

    def _stacked(self, value: Node) -> Node:
        if self.loop is not None:
            return self.loop.stacked(self.loop.inner[value])
        return const(0, value.dtype, (0, *value.shape), value.device)


def traced(
    name: str,
    step: Callable[[Any, Any], tuple[Any, Any]],
    init: Leaves,
    xs: Leaves,
    length: int,
    reverse: bool,
) -> Traced:
    """The loop of ``step(carry, x) -> (carry, y)``.

    Raises:
        ArgumentError, ShapeError, DtypeError: where a step returns carries that are not as those
            that it was given.
        JitError: where it needs a value.
        WriteError: where it writes to a tensor from outside, or to what it is given of ``xs``, or
            gives a ``.grad`` to anything that it is given.
    """
    steps = Steps(name, length)
    carries = {steps.stand_in(value, value.shape): value for value in init.tensors}
    given = {steps.stand_in(value, value.shape[1:]): value for value in xs.tensors}
    with traced_by(steps):
        handles = [steps.handle(stands) for stands in given]
        carried = [steps.handle(stands) for stands in carries]
        before = [handle._node for handle in handles]
        returned = step(init.put(iter(carried)), xs.put(iter(handles)))
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise ArgumentError(
                f"[{name}] a step returns a tuple (carry, output), got {shown(returned)}"
            )
        after = carry_after(name, init, returned[0]).tensors
        outputs = leaves_of(name, "output", returned[1], [*init.tensors, *xs.tensors])
    steps.refuse_lost_gradients(dict(zip(carries, after, strict=True)))
    for handle, was in zip(handles, before, strict=True):
        if handle._node is not was:
            raise steps._lost("a write to", handle)
    for handle in (*handles, *carried):
        if handle._grad is not None:
            raise steps._lost("the gradient of", handle)
    if not length:
        return Traced(None, init, outputs, length)
    operands = Operands(carries, given | steps.xs, {})
    made = loop(operands, after, outputs.tensors, length, reverse=reverse)
    return Traced(made, init, outputs, length)


def carry_after(name: str, init: Leaves, tree: Any) -> Leaves:
    """What a step made of a carry.

    Raises:
        ArgumentError, ShapeError, DtypeError: if it is not as ``init`` is.
    """
    after = leaves_of(name, "carry", tree, init.tensors)
    if after.spec != init.spec:
        raise ArgumentError(
            f"[{name}] the carry is {pytree.text(init.spec)} before a step and "
            f"{pytree.text(after.spec)} after it; return it in the same container"
        )
    pairs = zip(_names(init.spec, "carry"), init.nodes, after.nodes, strict=True)
    for leaf, was, now in pairs:
        if was is None and now is None:
            continue
        if was is None or now is None:
            there = "before a step and a Tensor after it" if was is None else "after a step only"
            raise ArgumentError(f"[{name}] {leaf} is None {there}")
        if was.shape != now.shape:
            raise ShapeError(
                f"[{name}] {leaf} has shape {was.shape} before a step and {now.shape} after it; "
                "a carry keeps its shape"
            )
        if was.dtype is not now.dtype:
            raise DtypeError(
                f"[{name}] {leaf} is {was.dtype.name} before a step and {now.dtype.name} after "
                "it; cast it"
            )
    return after
