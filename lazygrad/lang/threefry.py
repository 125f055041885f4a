"""Random words from a counter: Threefry-2x32 with 20 rounds (Salmon et al., 2011).

A key names one random operation: uint32, (seed, low half; seed, high half; number of the
operation). Element ``i`` of what is drawn with it is the block (i, number) under the seed, two
words of 32 bits: it depends on nothing else, neither on the backend nor on fusion nor on the order
of evaluation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygrad import ops
from lazygrad.element_types import uint32
from lazygrad.errors import DtypeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.creation import iota
from lazygrad.lang.join import stack
from lazygrad.lang.movement import broadcast_to, reshape, shrink
from lazygrad.lang.operands import full_like
from lazygrad.shape import Shape, checked_shape, numel

KEY_DTYPE = uint32
KEY_SHAPE = (3,)

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
ROUNDS = 20
NEXT_SEED = 0x9E3779B97F4A7C15  # odd and far from every small number


def key_of(seed: int, operation: int) -> np.ndarray[Any, Any]:
    """The key of an operation, counted from 0, under a seed of 64 bits.

    Every 2**32 operations the seed moves on: the numbers of a long run do not come again.
    """
    wraps, number = divmod(operation, 1 << 32)
    seed = (seed + wraps * NEXT_SEED) % (1 << 64)
    return np.array([seed % (1 << 32), seed >> 32, number], np.uint32)


def threefry2x32(key: tuple[Node, Node], counter: tuple[Node, Node]) -> tuple[Node, Node]:
    """The block cipher: two uint32 words of key and of counter to two random words."""
    k0, k1 = key
    schedule = (k0, k1, _xor(_xor(k0, k1), full_like(k0, PARITY)))
    x0 = node(ops.ADD, (counter[0], k0))
    x1 = node(ops.ADD, (counter[1], k1))
    for round_number in range(ROUNDS):
        distance = ROTATIONS[(round_number // 4) % 2][round_number % 4]
        x0 = node(ops.ADD, (x0, x1))
        x1 = _xor(_rotated(x1, distance), x0)
        if round_number % 4 == 3:
            injection = round_number // 4 + 1
            x0 = node(ops.ADD, (x0, schedule[injection % 3]))
            x1 = node(ops.ADD, (x1, schedule[(injection + 1) % 3]))
            x1 = node(ops.ADD, (x1, full_like(x1, injection)))
    return x0, x1


def _xor(left: Node, right: Node) -> Node:
    return node(ops.XOR, (left, right))


def _rotated(x: Node, distance: int) -> Node:
    """Bits rotated left; the two parts have no bit in common, so their sum joins them."""
    left = node(ops.MUL, (x, full_like(x, 1 << distance)))
    return node(ops.ADD, (left, top_bits(x, distance)))


def top_bits(words: Node, count: int) -> Node:
    """The upper ``count`` bits of uint32 words, as numbers below 2**count."""
    return node(ops.DIV, (words, full_like(words, 1 << (32 - count))))


def key_of_each(key: Node, size: int) -> Node:
    """A key for each of ``size`` samples, shape (size, 3): what ``key`` would give as random words
    is the seed of theirs."""
    words = [*random_words(key, (size,)), broadcast_to(shrink(key, [(2, 3)]), (size,))]
    return stack(words, 1)


def random_words(key: Node, shape: Shape) -> tuple[Node, Node]:
    """Two uint32 words for each element of ``shape``.

    Raises:
        DtypeError: for what is no key.
        ValueRangeError: for 2**32 elements or more.
    """
    if key.dtype is not KEY_DTYPE or key.shape != KEY_SHAPE:
        raise DtypeError(
            f"[random] a key has dtype {KEY_DTYPE.name} and shape {KEY_SHAPE}, got "
            f"{key.dtype.name} {key.shape}"
        )
    shape = checked_shape("random", tuple(shape))
    count = numel(shape)
    if count >= 1 << 32:
        raise ValueRangeError(f"[random] cannot draw {count} numbers at once; the limit is 2**32")
    low, high, number = (broadcast_to(shrink(key, [(i, i + 1)]), (count,)) for i in range(3))
    first, second = threefry2x32((low, high), (iota(count, key.device, uint32), number))
    return reshape(first, shape), reshape(second, shape)


def random_bits(key: Node, shape: Shape) -> Node:
    """32 random bits an element, uint32."""
    return random_words(key, shape)[0]
