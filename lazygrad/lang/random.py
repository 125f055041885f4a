"""Random numbers from a counter: Threefry-2x32 with 20 rounds (Salmon et al., 2011).

A key is a uint32 Node of shape (2,). Element ``i`` of what is drawn from a key depends on the key
and ``i`` alone, so neither the backend nor fusion nor the order of evaluation changes it. Every
element takes a block of its own: two words of 32 bits.
"""

from __future__ import annotations

import math

from lazygrad import ops
from lazygrad.dtype import DType, bool_, float16, float32, float64, int64, uint32, uint64
from lazygrad.errors import DtypeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, log, mul, sin, sqrt, where
from lazygrad.lang.join import cat
from lazygrad.lang.movement import broadcast_to, flip, pad, reshape, shrink
from lazygrad.lang.operands import cast, full_like, zeros_like
from lazygrad.shape import Shape, checked_shape, numel

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
ROUNDS = 20


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
    right = node(ops.DIV, (x, full_like(x, 1 << (32 - distance))))
    return node(ops.ADD, (left, right))


def random_words(key: Node, shape: Shape) -> tuple[Node, Node]:
    """Two uint32 words for each element of ``shape``."""
    if key.dtype is not uint32 or key.shape != (2,):
        raise DtypeError(
            f"[random] a key has dtype uint32 and shape (2,), got {key.dtype.name} {key.shape}"
        )
    shape = checked_shape("random", tuple(shape))
    count = numel(shape)
    if count >= 1 << 32:
        raise ValueRangeError(f"[random] cannot draw {count} numbers at once; the limit is 2**32")
    words = tuple(broadcast_to(shrink(key, [(i, i + 1)]), (count,)) for i in range(2))
    low = iota(count, key.device, uint32)
    first, second = threefry2x32((words[0], words[1]), (low, zeros_like(low)))
    return reshape(first, shape), reshape(second, shape)


def random_bits(key: Node, shape: Shape) -> Node:
    """32 random bits an element, uint32."""
    return random_words(key, shape)[0]


_MANTISSA = {float16: 11, float32: 24, float64: 53}  # bits, the hidden one included


def uniform(key: Node, shape: Shape, dtype: DType = float32) -> Node:
    """Multiples of 2**-24 (float16: 2**-11, bfloat16: 2**-8, float64: 2**-53) in [0, 1)."""
    if not dtype.is_floating_point:
        raise DtypeError(f"[uniform] needs a float dtype, got {dtype.name}")
    high, low = random_words(key, shape)
    if dtype is float64:
        upper = mul(cast(_top_bits(high, 27), float64), 2.0**26)
        return mul(add(upper, cast(_top_bits(low, 26), float64)), 2.0**-53)
    bits = _MANTISSA.get(dtype, 8)
    return cast(mul(cast(_top_bits(high, bits), float32), 2.0**-bits), dtype)


def _top_bits(words: Node, count: int) -> Node:
    return node(ops.DIV, (words, full_like(words, 1 << (32 - count))))


def normal(key: Node, shape: Shape, dtype: DType = float32) -> Node:
    """Standard normal numbers by Box and Muller's transform, out to 6.7 deviations."""
    if not dtype.is_floating_point:
        raise DtypeError(f"[normal] needs a float dtype, got {dtype.name}")
    first, second = random_words(key, shape)
    carried = float64 if dtype is float64 else float32
    # never 0, and with all 32 bits, on which the tails depend
    distance = mul(add(cast(first, carried), 0.5), 2.0**-32)
    radius = sqrt(mul(log(distance), -2.0))
    turn = add(mul(cast(_top_bits(second, 24), carried), 2.0**-24), -0.5)
    return cast(mul(radius, sin(mul(turn, 2.0 * math.pi))), dtype)


def randint(key: Node, low: int, high: int, shape: Shape, dtype: DType = int64) -> Node:
    """Integers in [low, high): 64 random bits modulo their number, a bias below 2**-31 for
    ranges up to 2**33."""
    if not low < high:
        raise ValueRangeError(f"[randint] needs low < high, got {low} and {high}")
    if high - low > 1 << 63:
        raise ValueRangeError(f"[randint] the range {low} to {high} is larger than 2**63")
    drawn = node(ops.MOD, _with_constant(_joined_words(*random_words(key, shape)), high - low))
    return add(cast(drawn, dtype), low)


def _joined_words(high: Node, low: Node) -> Node:
    """Two uint32 words as one uint64."""
    upper = cast(high, uint64)
    return add(mul(upper, 1 << 32), cast(low, uint64))


def _with_constant(x: Node, value: int) -> tuple[Node, Node]:
    return x, full_like(x, value)


def permutation(key: Node, count: int) -> Node:
    """0 ... count - 1 in random order, int64: positions sorted by random words (ties, of which
    there are few, stay in order)."""
    place = cast(iota(count, key.device), uint64)
    words = cast(random_bits(key, (count,)), uint64)
    ordered = sort_last(add(mul(words, 1 << 32), place))
    return cast(node(ops.MOD, _with_constant(ordered, 1 << 32)), int64)


def sort_last(x: Node) -> Node:
    """Ascending along the last dim: a bitonic network, each layer of it one kernel."""
    size = x.shape[-1]
    if size < 2:
        return x
    full = 1 << (size - 1).bit_length()
    edge = [(0, 0)] * (x.ndim - 1)
    x = pad(x, [*edge, (0, full - size)], value=x.dtype.max)
    width = 2
    while width <= full:
        x = _compare_halves(x, width, mirrored=True)
        step = width // 2
        while step > 1:
            x = _compare_halves(x, step, mirrored=False)
            step //= 2
        width *= 2
    return shrink(x, [*((0, n) for n in x.shape[:-1]), (0, size)])


def _compare_halves(x: Node, width: int, mirrored: bool) -> Node:
    """In blocks of ``width`` the smaller of each pair goes to the first half; a pair is equally
    far from the start of the halves, or from the block's ends if ``mirrored``."""
    half = width // 2
    blocks = reshape(x, (*x.shape[:-1], x.shape[-1] // width, 2, half))
    lead = [(0, n) for n in blocks.shape[:-2]]
    first = shrink(blocks, [*lead, (0, 1), (0, half)])
    second = shrink(blocks, [*lead, (1, 2), (0, half)])
    if mirrored:
        second = flip(second, -1)
    swap = node(ops.LT, (second, first))
    smaller, larger = where(swap, second, first), where(swap, first, second)
    if mirrored:
        larger = flip(larger, -1)
    return node(ops.CONTIGUOUS, (reshape(cat([smaller, larger], -2), x.shape),))


def bernoulli(key: Node, probability: float, shape: Shape) -> Node:
    """Bool: True with ``probability``, to a multiple of 2**-32."""
    if not 0.0 <= probability <= 1.0:
        raise ValueRangeError(f"[bernoulli] a probability is in [0, 1], got {probability}")
    threshold = round(probability * (1 << 32))
    bits = random_bits(key, shape)
    if threshold >= 1 << 32:
        return full_like(bits, True, bool_)
    return node(ops.LT, (bits, full_like(bits, threshold)))


def dropout(x: Node, key: Node, probability: float) -> Node:
    """Elements zeroed with ``probability``; the others scaled to keep the mean."""
    if not 0.0 <= probability <= 1.0:
        raise ValueRangeError(f"[dropout] a probability is in [0, 1], got {probability}")
    if probability == 1.0:
        return mul(x, 0.0)
    kept = bernoulli(key, 1.0 - probability, x.shape)
    return where(kept, mul(x, 1.0 / (1.0 - probability)), zeros_like(x))
