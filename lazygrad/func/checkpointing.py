"""Less memory for more work: values that are computed again on the way back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lazygrad import autodiff, ops, state
from lazygrad.element_types import FLOAT
from lazygrad.func.rules import Rule, ruled, taken_out
from lazygrad.generator import Generator
from lazygrad.graph import Node, node
from lazygrad.handle import Handle
from lazygrad.lang.comparison import lt
from lazygrad.lang.elementwise import where
from lazygrad.lang.movement import broadcast_to, reshape, shrink
from lazygrad.lang.operands import zeros_like
from lazygrad.modes import Trace, ambient, traced_by
from lazygrad.public import public
from lazygrad.rewrite import replaced
from lazygrad.runtime import buffer


@public
def checkpoint(fun: Callable[..., Any]) -> Callable[..., Any]:
    """``fun`` without its inner values being kept for the backward pass: it computes them again,
    from the arguments; as jax.checkpoint. A network of n blocks, each of them a checkpoint, keeps n
    values and those of one block, instead of those of all.

    What it draws is the same the second time, and what it writes in place, as running statistics,
    is written once: the Python code runs once.

    Args:
        fun: takes and returns tensors, or containers of them and of anything else. Parameters from
            outside get their gradients.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import checkpoint, grad
    >>> grad(checkpoint(lambda x: x.sin().exp()))(Tensor(0.0)).item()
    1.0
    """

    @functools.wraps(fun)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        _, given = taken_out((args, kwargs))
        recording = Checkpointed()
        with traced_by(recording):
            outputs, values = taken_out(fun(*args, **kwargs))
        recording.close()
        sources = list(dict.fromkeys([*given, *recording.read_outside, *recording.keys]))
        computed = [x for x in given if not _is_in_memory(x)]  # parameters, say, can be shared
        late = frozenset([*(computed or given or sources), *recording.keys])
        rule = Recomputed(tuple([source in late for source in sources]))
        return outputs.wrapped(ruled(rule, values, sources, len(sources)), "checkpoint")

    return wrapper


class Checkpointed(Trace):
    """A function whose values are not kept, while it runs.

    Attributes:
        read_outside: what it read from outside that has derivatives.
        keys: what it drew random numbers from.
    """

    name = "checkpoint"

    def __init__(self) -> None:
        super().__init__()
        self.read_outside: list[Node] = []
        self.keys: list[Node] = []
        self._written: list[tuple[Handle, Node]] = []

    def read(self, tensor: Handle) -> Node:
        """The node to use for ``tensor``."""
        found = super().read(tensor)
        if found.tracked and ambient.grad_enabled and tensor._epoch < self.epoch:
            self.read_outside.append(found)
        return found

    def bind(self, tensor: Handle, value: Node) -> None:
        """Rebinds ``tensor``, as it would be without this trace."""
        if self.outer is not None and tensor._epoch < self.epoch:
            self.outer.bind(tensor, value)
            return
        if tensor._epoch < self.epoch:
            self._written.append((tensor, tensor._node))
        tensor._node = value

    def write_grad(self, tensor: Handle, grad: Handle | None) -> None:
        """Sets the ``.grad`` of a handle, as it would be without this trace."""
        if self.outer is not None and tensor._epoch < self.epoch:
            self.outer.write_grad(tensor, grad)
        else:
            tensor._grad = grad

    def random_key(self, device: str, generator: Generator) -> Node:
        """A leaf that holds a fresh key of the generator."""
        key = super().random_key(device, generator)
        self.keys.append(key)
        return key

    def close(self) -> None:
        """What was written to handles from outside waits to be computed from now on."""
        for tensor, before in self._written:
            state.wait_for(tensor, before)


class Recomputed(Rule):
    """The rule of one call: the derivatives of the same values, computed again.

    Attributes:
        late: of each source, whether it is given to the second computation only when that is
            needed, so that it is no part of the first one.
    """

    name = "checkpoint"
    recomputes = True

    def __init__(self, late: tuple[bool, ...]) -> None:
        self.late = late

    def pull(self, cotangents: Mapping[Node, Node], wanted: Sequence[int]) -> dict[int, Node]:
        """See ``autodiff.custom.Rule``."""
        results = list(cotangents)
        sources = results[0].src[1:]
        signal = _signal(list(cotangents.values()))
        pairs = zip(sources, self.late, strict=True)
        again = [_not_before(signal, x) if late else x for x, late in pairs]
        fresh = [_fresh(x) for x in again]
        known = dict(zip(sources, fresh, strict=True))
        values = replaced([result.src[0] for result in results], known)
        leaves = [fresh[n - 1] for n in wanted]
        found = autodiff.vjp(values, list(cotangents.values()), leaves)
        parts = {n: part for n, part in zip(wanted, found, strict=True) if part is not None}
        closed = replaced(list(parts.values()), dict(zip(fresh, again, strict=True)))
        return dict(zip(parts, closed, strict=True))

    def push(self, tangents: Mapping[int, Node], results: Sequence[Node]) -> list[Node]:
        """See ``autodiff.custom.Rule``; nothing has to be kept."""
        one = results[0]
        # samples of two operands can be one node, whose tangent must not count twice
        changes = {one.src[n]: tangent for n, tangent in tangents.items()}
        found = autodiff.jvp([r.src[0] for r in results], [*changes], [*changes.values()])
        return [t or zeros_like(result) for t, result in zip(found, results, strict=True)]

    def batched(self, one: Node, operands: Sequence[Node | None], size: int) -> Node:
        """See ``autodiff.custom.Rule``; sources stay what the value is made of."""
        value = operands[0]
        if value is None:
            value = broadcast_to(one.src[0], (size, *one.shape))
        pairs = zip(operands[1:], one.src[1:], strict=True)
        sources = [source if many is None else many for many, source in pairs]
        kinds = tuple([((size, *shape), dtype) for shape, dtype in one.arg.kinds])
        return node(ops.CUSTOM, (value, *sources), one.arg._replace(kinds=kinds))


def _is_in_memory(x: Node) -> bool:
    while x.op in ops.DERIVATIVE_MARKS:
        x = x.src[0]
    return buffer.is_realised(x)


def _fresh(x: Node) -> Node:
    return node(ops.VARIABLE, (x,), object()) if x.dtype.kind == FLOAT else x


def _signal(cotangents: Sequence[Node]) -> Node:
    """One element of what is known when the way back begins."""
    known = next((g for g in cotangents if g.op is not ops.CONST and g.size), cotangents[0])
    return reshape(shrink(known, [(0, 1)] * known.ndim), ())


def _not_before(signal: Node, x: Node) -> Node:
    """``x``, which cannot be computed before ``signal``: as far as anybody can tell it depends on
    it. No number is less than itself."""
    never = broadcast_to(lt(signal, signal), x.shape)
    return where(never, zeros_like(x), x)
