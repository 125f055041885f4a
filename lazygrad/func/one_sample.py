"""The recording of a function that runs on one sample of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from lazygrad import ops
from lazygrad.autodiff.batch import batch
from lazygrad.bridge import StandIn, wrap
from lazygrad.errors import VmapError
from lazygrad.generator import Generator
from lazygrad.graph import Node, node, toposort
from lazygrad.handle import Handle, value_node
from lazygrad.lang.elementwise import without_history
from lazygrad.lang.threefry import key_of_each
from lazygrad.modes import Trace
from lazygrad.runtime.cache import Placeholder

RANDOMNESS = ("error", "same", "different")


class Slot(Placeholder):
    """Stands for one sample of a value."""

    __slots__ = ()

    def refuse(self) -> NoReturn:
        """Raises where a value is needed."""
        raise VmapError(
            f"[vmap] a tensor of shape {self.shape} made inside a mapped function has no value "
            "outside; return it from the function instead"
        )


class OneSample(Trace):
    """While the function runs its inputs have the shape of one sample, and no value.

    Attributes:
        size: how many samples there are.
        shared: the random keys that all samples share, in the order in which they are drawn; those
            that are there already come first.
        values: all samples of what each placeholder stands for, along a new first dim.
    """

    name = "vmap"
    has_values = False

    def __init__(self, size: int, randomness: str, shared: list[Node]) -> None:
        super().__init__()
        self.size, self.randomness = size, randomness
        self.values: dict[Node, Node] = {}
        self._inputs: dict[int, Node] = {}
        self._shared, self._drawn = shared, 0

    def input(self, samples: Node, is_leaf: bool = True) -> Handle:
        """The stand-in for a value whose samples lie along its first dim, which is a leaf if that
        is one: leaves cannot be written to while gradients are recorded."""
        stands = self._placeholder(samples)
        if samples.tracked:  # what the function does without history must not have any
            self.values[stands] = without_history(samples)
            stands = node(ops.VARIABLE, (stands,), StandIn(self.name, samples))
            self.values[stands] = samples
            if not is_leaf:
                stands = node(ops.SURROGATE, (stands, stands))
        made = wrap(stands)
        made._epoch = self.epoch
        self._inputs[id(made)] = stands
        return made

    def is_written(self, stand_in: Handle) -> bool:
        """Whether the function has given it another value."""
        return value_node(stand_in._node) is not value_node(self._inputs[id(stand_in)])

    def all_samples(self, values: Sequence[Node | None]) -> list[Node | None]:
        """Values of one sample as those of all, along a new first dim; None where they are the same
        for all, or none."""
        known = [value for value in values if value is not None]
        found = batch(known, [*self.values], [*self.values.values()], self.size)
        by_value = dict(zip(known, found, strict=True))
        return [None if value is None else by_value[value] for value in values]

    def _placeholder(self, samples: Node) -> Node:
        leaf = node(ops.BUFFER, (), Slot(samples.shape[1:], samples.dtype, samples.device))
        self.values[leaf] = samples
        return leaf

    # -- what happens to handles -----------------------------------------------------------------

    def write_grad(self, tensor: Handle, grad: Handle | None) -> None:
        """Sets the ``.grad`` of a handle."""
        if id(tensor) in self._inputs:
            raise self._lost("the gradient of", tensor)
        super().write_grad(tensor, grad)

    def require_value(self, tensor: Handle) -> None:
        """Raises if it differs from sample to sample."""
        leaves = toposort([self.read(tensor)], lambda n: () if n.value is not None else n.src)
        if any(leaf in self.values for leaf in leaves):
            raise VmapError(
                f"[vmap] the value of a tensor of shape {tensor.shape} is needed inside a mapped "
                "function (.item(), .numpy(), bool(), float() ...), and it differs from sample to "
                "sample; use where() to choose by value, or pass it with in_dims=None"
            )
        super().require_value(tensor)

    def random_key(self, device: str, generator: Generator) -> Node:
        """A key that is the same for all samples, or another one for each."""
        if self.randomness == "error":
            raise VmapError(
                '[vmap] the mapped function draws random numbers; say randomness="same" or '
                '"different", or draw them outside'
            )
        if self.randomness == "different":
            return self._placeholder(key_of_each(super().random_key(device, generator), self.size))
        if self._drawn == len(self._shared):
            self._shared.append(super().random_key(device, generator))
        self._drawn += 1
        return self._shared[self._drawn - 1]
