"""Replays of a traced function: its launches on current values, and what it rebinds.

A replay is called thousands of times a second, so what does not change between calls is prepared:
memory for the results, the nodes that show it, the launches bound to it. A training step moves its
state back and forth between two such sets.
"""

from __future__ import annotations

import sys
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import Any

import numpy as np

from lazygrad import aliases, ops, pytree
from lazygrad.backward import requires_grad_
from lazygrad.bridge import is_leaf, wrap
from lazygrad.errors import JitError
from lazygrad.generator import Generator
from lazygrad.graph import Node, result_leaf
from lazygrad.handle import Handle, as_before, value_node
from lazygrad.lang.threefry import KEY_DTYPE
from lazygrad.locks import running
from lazygrad.runtime import buffer
from lazygrad.runtime.buffer import Buffer
from lazygrad.runtime.memory import Memory
from lazygrad.runtime.program import Binding, CompiledPlan
from lazygrad.state import realize, realize_waiting, rebind
from lazygrad.tracing import ARGUMENT, GRAD, KEY, NUMBER, STATE, Owner, Source
from lazygrad.waiting import waiting

RECENT = 8  # captures that keep what they have prepared, and the memory of it
SETS = 3  # prepared sets of results: one being read, one being written, one that someone looks at


@dataclass(frozen=True)
class Called:
    """The call that was traced: the function, the pytree of its arguments and how many leaves that
    has, and which of them are tensors."""

    function: Callable[..., Any]
    spec: pytree.Spec
    count: int
    tensors: Sequence[int]


class State:
    """The values of a function's state at one time."""

    def __init__(self, nodes: list[Node], prepared: bool = False) -> None:
        self.nodes = nodes
        self.prepared = prepared
        self.memory = [memory_of(n) for n in nodes]


class Results:
    """The memory for all results of a replay and the nodes that show it, made before the replay.

    They can be written again once nobody else holds any of them: then every reference count is what
    it was in the beginning. Where Python does not count references, they are used once.
    """

    memory: list[Memory]
    leaves: list[Node]  # of all results
    bound: list[Node]  # what each rebound handle gets
    grads: list[Node]
    after: State

    def __init__(self, capture: Capture, before: State) -> None:
        self.bindings: dict[int, Binding] = {}  # by the identity of the state before
        self._objects = self._prepare(capture, before)
        self._references = self._counted()  # when no local variable holds any of them

    def _prepare(self, capture: Capture, before: State) -> list[object]:
        """Makes everything; returns what must not be held by anybody else."""
        plan = capture.plan
        self.memory = plan.outputs()
        held = dict(enumerate(self.memory, plan.inputs))
        shown = [held[number] for number in plan.results]
        buffers = [
            Buffer(shape, dtype, plan.device, memory)
            for (shape, dtype), memory in zip(capture.kinds, shown, strict=True)
        ]
        self.leaves = [result_leaf(value) for value in buffers]
        for leaf, value in zip(self.leaves, buffers, strict=True):
            leaf.value = value  # as reading it would, which must not count as holding it
        returned, rebound = capture.returned, len(capture.rebound)
        self.bound = [
            as_before(tensor._node, leaf)
            for tensor, leaf in zip(capture.rebound, self.leaves[returned:], strict=False)
        ]
        self.grads = self.leaves[returned + rebound :]
        now = {id(t): n for t, n in zip(capture.states, before.nodes, strict=True)}
        now |= {id(t): n for t, n in zip(capture.rebound, self.bound, strict=True)}
        self.after = State([now[id(tensor)] for tensor in capture.states], prepared=True)
        return [*self.memory, *buffers, *self.leaves, *self.bound]

    def _counted(self) -> tuple[int, ...]:
        return tuple(map(_references, self._objects))

    def are_free(self) -> bool:
        return self._counted() == self._references


def _uncounted(value: object) -> int:
    return id(object())


_references: Callable[[object], int] = getattr(sys, "getrefcount", _uncounted)


def memory_of(found: Node) -> Memory:
    """The memory that holds the value of a realised node."""
    return buffer.value_of(value_node(found)).memory


def _realised(tensors: Sequence[Handle]) -> list[Node]:
    """The nodes of handles, whose values are computed first if need be."""
    lazy = [tensor for tensor in tensors if not buffer.is_realised(value_node(tensor._node))]
    if lazy:
        realize(lazy)
    return [tensor._node for tensor in tensors]


_recent: OrderedDict[int, weakref.ref[Capture]] = OrderedDict()


@dataclass(eq=False)
class Capture:
    """One traced signature: the compiled plan, where its inputs come from, where results go.

    Attributes:
        kinds: shape and dtype of each result: first the returned tensors, then the new values of
            ``rebound``, then the new ``.grad`` of ``grads``.
        written: arguments that a replay gives other values, which come behind what is returned.
        cleared: owners whose ``.grad`` becomes None.
        flags: owners that get another ``requires_grad``.
        states, guards: the handles that the function met, and what of each must be as it was.
        grad_guards: owners and whether they had no ``.grad``, where the function looked.
        keys: the generators that a replay draws random keys from, one each.
        out_spec, out_leaves: the returned pytree; None stands for a tensor.
        called: for those who look inside.
    """

    plan: CompiledPlan
    sources: list[Source]
    kinds: list[tuple[Any, Any]]
    written: list[int]
    rebound: list[Handle]
    grads: list[Owner]
    cleared: list[Owner]
    flags: list[tuple[Owner, bool]]
    states: list[Handle]
    guards: list[Hashable]
    grad_guards: list[tuple[Owner, bool]]
    keys: list[Generator]
    out_spec: pytree.Spec
    out_leaves: list[Any]
    out_is_tensor: list[bool]
    called: Called
    _prepared: list[Results] = field(default_factory=list)
    _seen: State | None = None  # what was read last, where nothing is prepared
    _loose: Binding | None = None

    def __post_init__(self) -> None:
        self.returned = sum(self.out_is_tensor)
        self._own = {id(tensor) for tensor in self.rebound}
        owners = (*self.grads, *self.cleared)
        self._own_grads = [owner for owner in owners if isinstance(owner, int)]
        number = {id(tensor): i for i, tensor in enumerate(self.states)}
        self._state_inputs = [
            (position, number[id(source.of)])
            for position, source in enumerate(self.sources)
            if source.kind == STATE
        ]
        self._other_inputs = [
            (position, source)
            for position, source in enumerate(self.sources)
            if source.kind != STATE
        ]
        # Sets of results are prepared for what is rebound; where an input is passed through, or
        # nothing is rebound, new ones are cheap.
        own = all(result >= self.plan.inputs for result in self.plan.results)
        self._prepares = own and bool(self.rebound or self.grads)

    def call(self, arguments: Sequence[Handle], numbers: Sequence[float] = ()) -> tuple[Any] | None:
        """What a replay on ``arguments`` and on the numbers that are symbolic returns, in a tuple;
        None if the handles are not what was traced. Another thread sees their values from before
        the replay or from after it."""
        with running:
            if waiting.kept or waiting.rebound:  # bool(waiting) would be a call more
                realize_waiting(self.plan.device)
            state = self._state(arguments)
            if state is None:
                return None
            if self._own_grads:
                self._check_owners(arguments)
            found = self._replay(state, arguments, numbers)
            return (self._write(found, arguments) if self.written else found,)

    def _write(self, found: Any, arguments: Sequence[Handle]) -> Any:
        """Gives arguments their new values; what is left of ``found`` is returned."""
        returned, values = found
        for position, value in zip(self.written, values, strict=True):
            rebind(arguments[position], value._node)
        return returned

    def fits(self, arguments: Sequence[Handle]) -> bool:
        """Whether the handles are what was traced."""
        with running:
            return self._state(arguments) is not None

    def _check_owners(self, arguments: Sequence[Handle]) -> None:
        """Arguments get a ``.grad`` of their own, and pass nothing on.

        Raises:
            JitError: for one that is no leaf, or is there twice.
        """
        owners = [arguments[position] for position in self._own_grads]
        for owner in owners:
            if not is_leaf(owner):
                raise JitError(
                    f"[jit] backward() inside reaches an argument of shape {owner.shape} that was "
                    "computed outside from tensors that require a gradient; detach() it, or "
                    "compute it inside"
                )
            if sum(owner is other for other in arguments) > 1:
                raise JitError(
                    f"[jit] the function sets the .grad of an argument of shape {owner.shape} that "
                    "it is given twice; give it once"
                )

    def _state(self, arguments: Sequence[Handle]) -> State | None:
        """What the handles hold now; None if that is not what was traced."""
        for owner, absent in self.grad_guards:
            if (_owner(owner, arguments)._grad is None) != absent:
                return None
        nodes = [tensor._node for tensor in self.states]
        for results in self._prepared:
            if results.after.nodes == nodes:
                return results.after
        if self._seen is not None and self._seen.nodes == nodes:
            return self._seen
        if any(guard(n) != known for n, known in zip(nodes, self.guards, strict=True)):
            return None
        self.forget()
        state = State(_realised(self.states))
        if not self._prepares:
            self._seen = state
        return state

    def forget(self) -> None:
        """Lets go of everything prepared."""
        self._prepared.clear()
        self._seen = self._loose = None

    def _replay(self, state: State, arguments: Sequence[Handle], numbers: Sequence[float]) -> Any:
        """Runs the launches on current values and rebinds what the function rebound."""
        inputs = self._inputs(state, arguments, numbers)
        if not self._prepares:
            return self._replay_once(inputs, arguments)
        results = self._free_results(state)
        temporaries = self.plan.temporaries()
        raw = [memory.raw for memory in (*inputs, *results.memory, *temporaries)]
        binding = results.bindings.get(id(state)) if state.prepared else None
        if binding is None:
            binding = Binding(self.plan, raw)
            if state.prepared:
                results.bindings[id(state)] = binding
        elif not all(map(is_, raw, binding.raw)):
            binding.rebind(raw)
        binding.run(self)
        self._rebind(results.bound, results.grads, arguments)
        return self._returned(results.leaves)

    def _inputs(
        self, state: State, arguments: Sequence[Handle], numbers: Sequence[float]
    ) -> list[Memory]:
        keys = [generator.next_key() for generator in self.keys]
        found: list[Any] = [None] * len(self.sources)
        for position, number in self._state_inputs:
            found[position] = state.memory[number]
        for position, source in self._other_inputs:
            found[position] = self._input(source, arguments, keys, numbers)
        return found[: self.plan.inputs]

    def _input(
        self,
        source: Source,
        arguments: Sequence[Handle],
        keys: Sequence[Any],
        numbers: Sequence[float],
    ) -> Memory:
        if source.kind == ARGUMENT:
            return memory_of(arguments[source.of]._node)
        if source.kind == GRAD:
            return memory_of(*_realised([_owner(source.of, arguments)._grad]))
        if source.kind == KEY:
            return buffer.from_stored(keys[source.of], KEY_DTYPE, self.plan.device).memory
        if source.kind == NUMBER:
            compute, dtype = source.of
            value = np.asarray(dtype.rounded(float(compute(numbers))))
            return buffer.from_numpy(value, dtype, self.plan.device).memory
        constant: Buffer = source.of
        return constant.memory

    def _free_results(self, state: State) -> Results:
        """A prepared set that nobody holds, or a new one."""
        for results in self._prepared:
            if results.after is not state and results.are_free():
                return results
        if len(self._prepared) == SETS:
            self._prepared = [results for results in self._prepared if results.after is state]
        results = Results(self, state)
        self._prepared.append(results)
        self._keep()
        return results

    def _keep(self) -> None:
        """Counts as used; the capture that was not used for longest lets go."""
        _recent[id(self)] = weakref.ref(self)
        _recent.move_to_end(id(self))
        if len(_recent) > RECENT:
            oldest = _recent.popitem(last=False)[1]()
            if oldest is not None:
                oldest.forget()

    def _replay_once(self, inputs: Sequence[Memory], arguments: Sequence[Handle]) -> Any:
        plan = self.plan
        memory = [*inputs, *plan.outputs(), *plan.temporaries()]
        raw = [m.raw for m in memory]
        if self._loose is None:
            self._loose = Binding(plan, raw)
            self._keep()
        else:
            self._loose.rebind(raw)
        self._loose.run(self)
        leaves = [
            result_leaf(Buffer(shape, dtype, plan.device, memory[number]))
            for (shape, dtype), number in zip(self.kinds, plan.results, strict=True)
        ]
        grads = self.returned + len(self.rebound)
        rebound = zip(self.rebound, leaves[self.returned :], strict=False)
        bound = [as_before(tensor._node, leaf) for tensor, leaf in rebound]
        self._rebind(bound, leaves[grads:], arguments)
        return self._returned(leaves)

    def _rebind(
        self, nodes: Sequence[Node], grads: Sequence[Node], arguments: Sequence[Handle]
    ) -> None:
        for tensor, new in zip(self.rebound, nodes, strict=True):
            tensor._node = new
            if tensor._alias is not None:
                aliases.refresh(tensor, self._own)
        for owner, flag in self.flags:
            requires_grad_(_owner(owner, arguments), flag)
        for owner in self.cleared:
            _owner(owner, arguments)._grad = None
        for owner, grad in zip(self.grads, grads, strict=True):
            _owner(owner, arguments)._grad = wrap(grad)

    def _returned(self, nodes: Sequence[Node]) -> Any:
        fresh = iter(nodes)
        leaves = [
            wrap(next(fresh)) if is_tensor else leaf
            for is_tensor, leaf in zip(self.out_is_tensor, self.out_leaves, strict=True)
        ]
        return pytree.unflatten(self.out_spec, leaves)


def _owner(owner: Owner, arguments: Sequence[Handle]) -> Any:
    """The handle of a gradient's owner."""
    return arguments[owner] if isinstance(owner, int) else owner


def guard(found: Node) -> Hashable:
    """What of a handle's node must be as it was for a capture to be valid."""
    return found.shape, found.dtype, found.device, found.op is ops.VARIABLE
