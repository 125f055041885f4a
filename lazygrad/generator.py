"""Streams of random numbers: a seed, and how many operations have drawn from it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad import ops
from lazygrad.arguments import CLASSES
from lazygrad.errors import ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.threefry import KEY_DTYPE, key_of
from lazygrad.locks import drawing
from lazygrad.public import public
from lazygrad.runtime import buffer

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

WORDS = 2  # uint64 numbers of a state: the seed, and the number of the next operation


class Generator:
    """A stream of random numbers of its own, as torch.Generator: functions that draw take one as
    ``generator``. The same seed gives the same numbers on every device, jitted or not.

    Args:
        device: accepted as PyTorch's; a stream serves every device.

    >>> first = lazygrad.Generator().manual_seed(7)
    >>> again = lazygrad.Generator().manual_seed(7)
    >>> lazygrad.rand(3, generator=first).equal(lazygrad.rand(3, generator=again))
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.device = device
        self._seed = self._counter = 0

    @public
    def manual_seed(self, seed: int) -> Generator:
        """Start anew: the same seed gives the same numbers on every backend. All 64 bits of it
        count; a negative seed stands for its two's complement, as in PyTorch. Only on a device that
        does not round quotients and roots correctly, normal numbers may differ in the last bits.

        Raises:
            ArgumentError: for a seed that is no integer.
            ValueRangeError: for a seed that does not fit 64 bits.

        >>> _ = lazygrad.manual_seed(0)
        >>> x = lazygrad.randn(2)
        >>> _ = lazygrad.manual_seed(0)
        >>> lazygrad.randn(2).equal(x)
        True
        """
        if not -(1 << 63) <= seed < 1 << 64:
            raise ValueRangeError(f"[manual_seed] the seed {seed} does not fit 64 bits")
        self._restore(seed % (1 << 64), 0)
        return self

    def initial_seed(self) -> int:
        """The seed that it started from.

        >>> lazygrad.Generator().manual_seed(7).initial_seed()
        7
        """
        return self._seed

    def seed(self) -> int:
        """Starts anew from a seed that nobody knows before, which is returned.

        >>> stream = lazygrad.Generator()
        >>> stream.seed() == stream.initial_seed()
        True
        """
        drawn = int.from_bytes(os.urandom(8), "little")
        self._restore(drawn, 0)
        return drawn

    def get_state(self) -> Tensor:
        """Where it stands, as a uint64 tensor of two numbers.

        >>> state = lazygrad.get_rng_state()
        >>> x = lazygrad.rand(3)
        >>> lazygrad.set_rng_state(state) is lazygrad.default_generator
        True
        >>> lazygrad.rand(3).equal(x)
        True
        """
        with drawing:
            state = [self._seed, self._counter]
        made: Tensor = CLASSES["Tensor"](np.array(state, np.uint64), device="CPU")
        return made

    @public
    def set_state(self, new_state: Tensor) -> Generator:
        """Goes on from where ``get_state`` was asked.

        Raises:
            ValueRangeError: for what ``get_state`` does not give.

        >>> stream = lazygrad.Generator().manual_seed(7)
        >>> again = lazygrad.Generator().set_state(stream.get_state())
        >>> again.initial_seed()
        7
        """
        if new_state.shape != (WORDS,) or new_state.dtype.name != "uint64":
            raise ValueRangeError(
                f"[set_state] a state is {WORDS} numbers of uint64, as get_state() gives it; got "
                f"{new_state.dtype.name} {new_state.shape}"
            )
        seed, counter = new_state.tolist()
        self._restore(seed, counter)
        return self

    def _restore(self, seed: int, counter: int) -> None:
        with drawing:
            self._seed, self._counter = seed, counter

    def next_key(self) -> np.ndarray[Any, Any]:
        """The key of one operation, taken when it is built: KEY_DTYPE of KEY_SHAPE.

        >>> lazygrad.Generator().next_key().dtype.name
        'uint32'
        """
        with drawing:
            key = key_of(self._seed, self._counter)
            self._counter += 1
        return key

    def position(self) -> np.ndarray[Any, Any]:
        """The key that the next operation will take.

        >>> generator = lazygrad.Generator().manual_seed(3)
        >>> generator.position()
        array([3, 0, 0], dtype=uint32)
        """
        with drawing:
            return key_of(self._seed, self._counter)

    def go_to(self, position: Sequence[int]) -> None:
        """Goes on from a position.

        >>> generator = lazygrad.Generator().manual_seed(3)
        >>> generator.go_to([4, 0, 7])
        >>> generator.position()
        array([4, 0, 7], dtype=uint32)
        """
        low, high, counter = position
        self._restore(low + (high << 32), counter)

    def key(self, device: str) -> Node:
        """The key of one operation as a leaf of the graph.

        >>> lazygrad.Generator().manual_seed(3).key("CPU").shape
        (3,)
        """
        return node(ops.BUFFER, (), buffer.from_stored(self.next_key(), KEY_DTYPE, device))


default_generator = Generator()
manual_seed = default_generator.manual_seed
initial_seed, seed = default_generator.initial_seed, default_generator.seed
get_rng_state, set_rng_state = default_generator.get_state, default_generator.set_state


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """What is drawn inside does not move the default stream on.

    >>> state = lazygrad.get_rng_state()
    >>> with lazygrad.random.fork_rng():
    ...     x = lazygrad.rand(3)
    >>> lazygrad.get_rng_state().equal(state)
    True
    """
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)
