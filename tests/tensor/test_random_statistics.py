"""What is drawn has the distribution that it should have, and draws do not depend on each other.

Seeds are fixed, so that a test gives the same answer always; limits are those of p = 0.001.
"""

import math

import numpy as np
import pytest

from lazygrad import Tensor, manual_seed
from lazygrad.element_types import DType, float32, float64, uint32
from lazygrad.lang import threefry
from lazygrad.lang.gaussian import box_muller
from lazygrad.testing import reference

COUNT = 200_000
KOLMOGOROV = 1.95  # the statistic times sqrt(count)

SEEDS = (0, 1, 2**32, 2**63 + 1, -1)


def kolmogorov(values: np.ndarray, cumulative: np.ndarray) -> float:
    """The largest distance of what was drawn from ``cumulative``, the shares expected below each
    of the sorted ``values``."""
    steps = np.arange(len(values) + 1) / len(values)
    distance = max((steps[1:] - cumulative).max(), (cumulative - steps[:-1]).max())
    return float(distance * math.sqrt(len(values)))


def normal_shares(values: np.ndarray) -> np.ndarray:
    return np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in values.tolist()])


@pytest.mark.parametrize("seed", SEEDS)
def test_normal_numbers(seed: int) -> None:
    manual_seed(seed)
    x = np.sort(Tensor.randn(COUNT).numpy().astype(np.float64))
    assert kolmogorov(x, normal_shares(x)) < KOLMOGOROV
    deviation = 3.29 / math.sqrt(COUNT)
    assert abs(x.mean()) < deviation
    assert abs((x**2).mean() - 1) < deviation * math.sqrt(2)
    assert abs((x**3).mean()) < deviation * math.sqrt(15)
    assert abs((x**4).mean() - 3) < deviation * math.sqrt(96)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_normal_numbers_of_other_dtypes(dtype: str) -> None:
    """They are those of float32, rounded; float64 has angles with more bits."""
    manual_seed(4)
    wide = Tensor.randn(COUNT).numpy()
    manual_seed(4)
    found = Tensor.randn(COUNT, dtype=dtype)
    if dtype == "float64":
        np.testing.assert_allclose(found.numpy(), wide, rtol=1e-6, atol=1e-6)
        x = np.sort(found.numpy())
        assert kolmogorov(x, normal_shares(x)) < KOLMOGOROV
    else:
        np.testing.assert_array_equal(found.numpy(), Tensor(wide).cast(dtype).numpy())


def test_the_tails_of_normal_numbers() -> None:
    """Beyond 3, 4 and 4.5 deviations there are as many as there should be, on both sides."""
    manual_seed(9)
    x = Tensor.randn(4_000_000).numpy()
    for limit in (3.0, 4.0, 4.5):
        expected = len(x) * math.erfc(limit / math.sqrt(2)) / 2
        for beyond in ((x > limit).sum(), (x < -limit).sum()):
            assert abs(beyond - expected) < 3.29 * math.sqrt(expected) + 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.7, 1.3), (100.0, 101.0)])
def test_uniform_numbers(seed: int, low: float, high: float) -> None:
    manual_seed(seed)
    x = np.sort(Tensor.uniform(COUNT, low=low, high=high).numpy().astype(np.float64))
    assert kolmogorov(x, (x - low) / (high - low)) < KOLMOGOROV


# -- Box and Muller's transform ------------------------------------------------------------------


def _exact(first: np.ndarray, second: np.ndarray, angle_bits: int) -> np.ndarray:
    wide = np.longdouble
    u = (first.astype(wide) + wide(0.5)) * wide(2.0**-32)
    rest = ((2**32 - 1 - first).astype(wide) + wide(0.5)) * wide(2.0**-32)
    logarithm = np.where(u < 0.5, np.log(u), np.log1p(-np.minimum(rest, wide(0.75))))
    turn = ((second >> (32 - angle_bits)).astype(wide) + wide(0.5)) * wide(2.0) ** (1 - angle_bits)
    quarter = 2 * np.arctan(wide(1))
    return np.sqrt(-2 * logarithm) * np.sin(quarter * (turn - 1))


@pytest.mark.parametrize(
    ("dtype", "angle_bits", "unit"), [(float32, 24, 2.0**-24), (float64, 32, 2.0**-53)]
)
def test_accuracy(dtype: DType, angle_bits: int, unit: float) -> None:
    """Relative to the exact value, everywhere: at both ends of the radius, where the angle is
    almost 0, and in between."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 2**32, (2, 300_000), dtype=np.uint32)
    first[:1000], first[1000:2000] = np.arange(1000), 2**32 - 1 - np.arange(1000)
    first[2000:50_000] >>= 16
    first[50_000:100_000] |= 0xFFFF0000
    second[100_000:101_000] = 2**31 + (np.arange(1000) - 500) * 256
    second[101_000:102_000], second[102_000:103_000] = np.arange(1000), 2**32 - 1 - np.arange(1000)
    second[0] = 2**32 - 1  # with the longest radius
    words = [reference.leaf(words, uint32) for words in (first, second)]
    found = reference.evaluate(box_muller(words[0], words[1], dtype, 1.0))
    error = np.abs(found / _exact(first, second, angle_bits) - 1) / unit
    assert error.max() < 8
    assert np.sqrt((error**2).mean()) < 1.5
    assert abs(np.abs(found).max() - math.sqrt(66 * math.log(2))) < 1e-6


# -- independence --------------------------------------------------------------------------------


def _words(seed: int, operation: int) -> np.ndarray:
    key = reference.leaf(threefry.key_of(seed, operation), uint32)
    return np.stack(reference.evaluate_all(threefry.random_words(key, (20_000,))))


NEIGHBOURS = [
    ((3, 5), (3, 6)), ((3, 5), (4, 5)), ((3, 5), (3 + 2**32, 5)), ((3, 5), (3 + 2**63, 5)),
    ((3, 5), (5, 3)), ((3, 0), (3, 2**32)), ((0, 0), (2**64 - 1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), NEIGHBOURS)
def test_neighbouring_keys(one: tuple[int, int], other: tuple[int, int]) -> None:
    """Every bit of every word changes half of the time."""
    changed = np.unpackbits((_words(*one) ^ _words(*other)).view(np.uint8)).reshape(2, 20_000, 32)
    shares = changed.mean(1)
    assert np.abs(shares - 0.5).max() < 4.5 * 0.5 / math.sqrt(20_000)


def test_numbers_of_an_operation_do_not_depend_on_each_other() -> None:
    manual_seed(2)
    x, y = Tensor.randn(COUNT), Tensor.randn(COUNT)
    x, y = x.numpy().astype(np.float64), y.numpy().astype(np.float64)
    limit = 3.29 / math.sqrt(COUNT)
    for shift in (1, 2, 64, 1024):
        assert abs((x[:-shift] * x[shift:]).mean()) < limit
        assert abs((x[:-shift] ** 2 * x[shift:] ** 2).mean() - 1) < limit * math.sqrt(8)
    assert abs((x * y).mean()) < limit
