"""Recording a function: what it reads, rebinds, gives a ``.grad`` and draws.

The function runs on placeholders. Every tensor from outside that it reads becomes an input of the
traced graph, every one that it rebinds (``assign``) or gives a ``.grad`` becomes an output: what
remains is a pure graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from lazygrad import ops, pytree
from lazygrad.bridge import current_node, is_leaf, read, wrap
from lazygrad.element_types import DType
from lazygrad.errors import JitError
from lazygrad.generator import Generator
from lazygrad.graph import Node, node
from lazygrad.handle import Handle, as_before, value_node
from lazygrad.lang.threefry import KEY_DTYPE, KEY_SHAPE
from lazygrad.modes import Trace, ambient, traced_by
from lazygrad.runtime import buffer, cache
from lazygrad.state import realize
from lazygrad.symbolic import Symbolic, seen as seen_number

ARGUMENT, STATE, GRAD, KEY, CONSTANT = "argument", "state", "grad", "key", "constant"
NUMBER = "number"
Owner = Handle | int  # of a gradient: a tensor from outside, or an argument by its position


@dataclass(frozen=True)
class Source:
    """Where an input of a graph comes from: the position of an argument or of a random key, the
    handle that holds it, the owner whose ``.grad`` does, a buffer, or how a number is computed of
    those of the call, and its dtype."""

    kind: str
    of: Any


@dataclass
class Seen:
    """A handle from outside that the function met: what it held, the placeholder for that, and
    what the function has bound it to."""

    tensor: Handle
    before: Node
    placeholder: Node
    now: Node


@dataclass
class SeenGrad:
    """An owner whose ``.grad`` the function read or set; ``read`` if it was read first, so that the
    graph depends on whether there is one."""

    owner: Owner
    before: Handle | None
    read: bool
    now: Handle | None

    @property
    def is_cleared(self) -> bool:
        """Whether the function leaves none where there was one, or may be one on another call."""
        return self.now is None and (not self.read or self.before is not None)


class Traced(NamedTuple):
    """A function of tensors as a pure graph.

    Attributes:
        inputs: the leaves of the graph that stand for something, and for what.
        outputs: what the function returned, leaf by leaf: a Node for each tensor.
        spec: the container that they are in.
        written: the numbers of the arguments that it wrote to; their new values come behind what it
            returned, in a tuple of both.
        rebound: the handles that it bound to another value, and those values.
        grads: the owners whose ``.grad`` it set, and those gradients.
        cleared: the owners that it left without ``.grad``.
        flags: the owners that it made leaves to differentiate by, or no such leaves any more.
        keys: the streams that it drew from, one for each random operation.
        seen: the handles from outside that it met.
        seen_grads: those of which it met the ``.grad``.
        looked_at: the places of those numbers whose values it depends on, although they were to be
            symbolic.
    """

    inputs: dict[Node, Source]
    outputs: list[Any]
    spec: pytree.Spec
    written: list[int]
    rebound: list[tuple[Handle, Node]]
    grads: list[tuple[Owner, Node]]
    cleared: list[Owner]
    flags: list[tuple[Owner, bool]]
    keys: list[Generator]
    seen: list[Seen]
    seen_grads: list[SeenGrad]
    looked_at: list[int]


def trace(
    function: Callable[..., Any],
    leaves: Sequence[Any],
    spec: pytree.Spec,
    name: str = "jit",
    symbolic: Sequence[int] = (),
) -> Traced:
    """Runs ``function`` once on placeholders for the tensors among ``leaves``, which ``spec`` puts
    together to its arguments and keyword arguments. It changes no handle from outside. ``name`` is
    what the user asked for, in messages. The numbers at the places ``symbolic`` are inputs too.

    Raises:
        JitError: where the function needs a value, or reads a tensor that hangs on a derivative
            history from outside.
    """
    recording = Recording(name)
    with traced_by(recording):
        tensors = [leaf for leaf in leaves if isinstance(leaf, Handle)]
        stand_ins = iter([recording.argument(i, tensor) for i, tensor in enumerate(tensors)])
        given = [next(stand_ins) if isinstance(leaf, Handle) else leaf for leaf in leaves]
        for turn, place in enumerate(symbolic):
            turns = frozenset([turn])
            given[place] = Symbolic(leaves[place], itemgetter(turn), turns, recording)
        args, kwargs = pytree.unflatten(spec, given)
        traced = recording.finished(function(*args, **kwargs))
    return traced._replace(looked_at=[symbolic[turn] for turn in sorted(recording.looked_at)])


class Recording(Trace):
    """The recording of one call; it changes no handle from outside."""

    has_values = False

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()
        self.seen: dict[int, Seen] = {}
        self.grads: dict[int, SeenGrad] = {}
        self.sources: dict[Node, Source] = {}
        self.keys: list[Generator] = []
        self.arguments: list[tuple[Handle, Node]] = []
        self.looked_at: set[int] = set()
        self._numbers: dict[tuple[int, DType, str], tuple[Symbolic, Handle]] = {}
        self._is_finished = False
        self._given: dict[int, Handle] = {}  # what a stand-in stands for

    def argument(self, position: int, tensor: Handle) -> Handle:
        """The stand-in for a tensor argument."""
        leaf = self._placeholder(tensor, Source(ARGUMENT, position))
        tracked = current_node(tensor).tracked
        made = wrap(node(ops.VARIABLE, (leaf,), object()) if tracked else leaf)
        self.arguments.append((made, leaf))
        self._given[id(made)] = tensor
        return made

    def finished(self, returned: Any) -> Traced:
        """What was recorded of a function that has ``returned``."""
        written = [
            position
            for position, (argument, leaf) in enumerate(self.arguments)
            if value_node(argument._node) is not leaf
        ]
        if written:
            returned = returned, [self.arguments[position][0] for position in written]
        leaves, spec = pytree.flatten(returned)
        seen, grads = list(self.seen.values()), list(self.grads.values())
        self._is_finished = True
        return Traced(
            inputs=self.sources,
            outputs=[
                self.read(leaf) if isinstance(leaf, Handle) else seen_number(leaf)
                for leaf in leaves
            ],
            spec=spec,
            written=written,
            rebound=[(s.tensor, value_node(s.now)) for s in seen if s.now is not s.placeholder],
            grads=[
                (g.owner, self.read(g.now))
                for g in grads
                if g.now is not None and g.now is not g.before
            ],
            cleared=[g.owner for g in grads if g.is_cleared],
            flags=self._flags(),
            keys=self.keys,
            seen=list(self.seen.values()),  # reading the gradients may have met others
            seen_grads=grads,
            looked_at=[],
        )

    def _flags(self) -> list[tuple[Owner, bool]]:
        """What ``requires_grad_`` has changed."""
        before = [(i, made, self._given[id(made)]) for i, (made, _) in enumerate(self.arguments)]
        now: list[tuple[Owner, bool, bool]] = [
            (number, made._node.op is ops.VARIABLE, current_node(given).tracked)
            for number, made, given in before
        ]
        now += [
            (s.tensor, s.now.op is ops.VARIABLE, s.before.op is ops.VARIABLE)
            for s in self.seen.values()
            if not s.now.tracked or s.now.op is ops.VARIABLE
        ]
        return [(owner, flag) for owner, flag, was in now if flag is not was]

    # -- what happens to handles -----------------------------------------------------------------

    def read(self, tensor: Handle) -> Node:
        """The node to use for ``tensor``; called whenever an operation reads a handle."""
        return tensor._node if tensor._epoch >= self.epoch else self._seen(tensor).now

    def current(self, tensor: Handle) -> Node:
        """What ``tensor`` is bound to; its value is not needed."""
        seen = self.seen.get(id(tensor))
        return tensor._node if seen is None else seen.now

    def bind(self, tensor: Handle, value: Node) -> None:
        """Rebinds ``tensor``."""
        if tensor._epoch >= self.epoch:
            tensor._node = value
        else:
            self._seen(tensor).now = value

    def read_grad(self, tensor: Handle) -> Handle | None:
        """The ``.grad`` of a handle, remembering that the graph depends on it."""
        return tensor._grad if self._keeps_grad(tensor) else self._grad(tensor, read=True).now

    def write_grad(self, tensor: Handle, grad: Handle | None) -> None:
        """Sets the ``.grad`` of a handle."""
        if self._keeps_grad(tensor):
            tensor._grad = grad
        else:
            self._grad(tensor, read=False).now = grad

    def _keeps_grad(self, tensor: Handle) -> bool:
        """Whether nobody outside sees its ``.grad``: it was made inside, and is no argument."""
        return tensor._epoch >= self.epoch and id(tensor) not in self._given

    def _grad(self, tensor: Handle, *, read: bool) -> SeenGrad:
        found = self.grads.get(id(tensor))
        if found is None:
            given = self._given.get(id(tensor))
            before = (tensor if given is None else given)._grad
            owner = tensor if given is None else self._position(tensor)
            found = self.grads[id(tensor)] = SeenGrad(owner, before, read, before)
        return found

    def _position(self, stand_in: Handle) -> int:
        return next(i for i, (made, _) in enumerate(self.arguments) if made is stand_in)

    def random_key(self, device: str, generator: Generator) -> Node:
        """A leaf that holds a fresh key of the generator on every call."""
        leaf = node(ops.BUFFER, (), cache.Placeholder(KEY_SHAPE, KEY_DTYPE, device))
        self.sources[leaf] = Source(KEY, len(self.keys))
        self.keys.append(generator)
        return leaf

    def number(self, symbol: Symbolic, dtype: DType, device: str) -> Node | None:
        """A leaf of no dims that holds a symbolic number on every call; for what is traced inside,
        such as the body of a loop, what stands for that leaf. None once the trace is finished."""
        if ambient.trace is None or self._is_finished:
            return None
        key = id(symbol), dtype, device
        if key not in self._numbers:
            leaf = node(ops.BUFFER, (), cache.Placeholder((), dtype, device))
            self.sources[leaf] = Source(NUMBER, (symbol.compute, dtype))
            held = wrap(leaf)
            held._epoch = self.epoch  # made by this trace, whoever asks
            self._numbers[key] = symbol, held
        return read(self._numbers[key][1])

    def require_value(self, tensor: Handle) -> None:
        """Raises: it could be another one on the next call."""
        raise JitError(
            f"[{self.name}] the value of a tensor of shape {tensor.shape} is needed while the "
            "function is traced (.item(), .numpy(), bool(), float() ...); use where() to choose by "
            "value, or compute it outside the function"
        )

    def _seen(self, tensor: Handle) -> Seen:
        found = self.seen.get(id(tensor))
        if found is None:
            found = self.seen[id(tensor)] = self._record(tensor)
        return found

    def _record(self, tensor: Handle) -> Seen:
        if not is_leaf(tensor):
            raise JitError(
                f"[{self.name}] the function reads a tensor of shape {tensor._node.shape} that was "
                "computed outside from tensors that require a gradient; detach() it, or compute it "
                "inside"
            )
        if not buffer.is_realised(value_node(tensor._node)):
            realize((tensor,))
        before = tensor._node
        owner = self._owner_of_grad(tensor)
        source = Source(STATE, tensor) if owner is None else Source(GRAD, owner)
        inner = self._placeholder(tensor, source)
        placeholder = as_before(before, inner)
        return Seen(tensor, before, placeholder, placeholder)

    def _owner_of_grad(self, tensor: Handle) -> Owner | None:
        for seen in self.grads.values():
            if seen.before is tensor:
                return seen.owner
        return None

    def _placeholder(self, tensor: Handle, source: Source) -> Node:
        held = tensor._node
        stand_in = cache.Placeholder(held.shape, held.dtype, held.device)
        leaf = node(ops.BUFFER, (), stand_in)
        self.sources[leaf] = source
        return leaf
