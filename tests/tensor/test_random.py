"""Random numbers: the known answers of Threefry, distributions, and what decides a value."""

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, manual_seed
from lazygrad.bridge import wrap
from lazygrad.element_types import uint32
from lazygrad.errors import ArgumentError, DtypeError, ValueRangeError
from lazygrad.lang import random, sort, threefry
from lazygrad.testing import reference

# Random123's kat_vectors: threefry 2x32 with 20 rounds.
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "answer"), KNOWN)
def test_known_answers(
    key: tuple[int, int], counter: tuple[int, int], answer: tuple[int, int]
) -> None:
    words = [reference.leaf(np.array([w], np.uint32), uint32) for w in (*key, *counter)]
    found = threefry.threefry2x32((words[0], words[1]), (words[2], words[3]))
    assert [int(v[0]) for v in reference.evaluate_all(found)] == list(answer)


@pytest.mark.parametrize(("key", "counter", "answer"), KNOWN[:1])
def test_known_answers_on_devices(
    key: object, counter: object, answer: tuple[int, int], device: str
) -> None:
    """The first element of a draw is the block of counter 0."""
    leaf = Tensor(np.zeros(3, np.uint32), device=device)._node
    first, second = threefry.random_words(leaf, (3,))
    values = [wrap(word).numpy()[0] for word in (first, second)]
    assert tuple(map(int, values)) == answer


def _words(*values: int) -> list[lazygrad.graph.Node]:
    return [reference.leaf(np.array([value], np.uint32), uint32) for value in values]


def test_the_parts_of_a_key() -> None:
    """Element ``i`` is the block (i, operation) under both halves of the seed."""
    key = reference.leaf(threefry.key_of(0x0123456789ABCDEF, 77), uint32)
    drawn = reference.evaluate_all(threefry.random_words(key, (5,)))
    k0, k1, i, operation = _words(0x89ABCDEF, 0x01234567, 4, 77)
    block = reference.evaluate_all(threefry.threefry2x32((k0, k1), (i, operation)))
    assert [int(word[4]) for word in drawn] == [int(word[0]) for word in block]


def test_a_long_run_moves_on_to_another_seed() -> None:
    """After 2**32 operations no key comes again, neither of this seed nor of its neighbours."""
    keys = {
        tuple(threefry.key_of(seed, operation).tolist())
        for seed in (0, 1, 2**32, 2**64 - 1)
        for operation in (0, 1, 2**32 - 1, 2**32, 2**32 + 1, 2**33, 2**40)
    }
    assert len(keys) == 28


def test_devices_draw_the_same_bits(device: str) -> None:
    leaf = reference.leaf(np.array([7, 3, 5], np.uint32), uint32)
    expected = reference.evaluate(threefry.random_bits(leaf, (5, 41)))
    own = Tensor(np.array([7, 3, 5], np.uint32), device=device)._node
    found = wrap(threefry.random_bits(own, (5, 41))).numpy()
    np.testing.assert_array_equal(found, expected)


def test_seed_decides() -> None:
    manual_seed(5)
    first, second = Tensor.rand(4), Tensor.rand(4)
    manual_seed(5)
    again = Tensor.rand(4)
    other = Tensor.randn(4)
    assert first.tolist() == again.tolist() != second.tolist()
    manual_seed(6)
    assert Tensor.rand(4).tolist() != first.tolist()
    assert other.shape == (4,)


def test_the_order_of_realisation_does_not_matter() -> None:
    manual_seed(1)
    a, b = Tensor.rand(3), Tensor.rand(3)
    forward = (a.tolist(), b.tolist())
    manual_seed(1)
    a, b = Tensor.rand(3), Tensor.rand(3)
    assert (b.tolist(), a.tolist()) == forward[::-1]
    manual_seed(1)
    with lazygrad.config(fuse=False):
        a = Tensor.rand(3)
        assert a.tolist() == forward[0]


def _first(seed: int) -> list[int]:
    manual_seed(seed)
    return Tensor.randint(4, low=0, high=2**62).tolist()


def test_every_bit_of_the_seed_counts() -> None:
    seeds = [0, *(1 << bit for bit in range(64)), -1, -2, -(2**63) + 1, 2**32 + 1, 2**40 + 2**8]
    assert len({tuple(_first(seed)) for seed in seeds}) == len(seeds)


def test_negative_seeds_are_twos_complement() -> None:
    assert _first(-1) == _first(2**64 - 1)
    assert _first(-(2**63)) == _first(2**63)
    assert _first(np.int64(5)) == _first(5)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_seeds_have_64_bits(seed: int) -> None:
    with pytest.raises(ValueRangeError, match=rf"\[manual_seed\] the seed {seed} does not fit 64"):
        manual_seed(seed)


@pytest.mark.parametrize("seed", [1.5, True, "1", None, np.float32(2)])
def test_seeds_are_integers(seed: object) -> None:
    before = _first(3)
    with pytest.raises(ArgumentError, match=r"\[manual_seed\] seed must be an integer, got"):
        manual_seed(seed)
    assert before == _first(3)


def test_uniform() -> None:
    x = Tensor.rand(40_000).numpy()
    assert 0 <= x.min() < 1e-3 and 1 - 1e-3 < x.max() < 1
    assert abs(x.mean() - 0.5) < 5 * 0.2887 / 200
    counts, _ = np.histogram(x, 20, (0, 1))
    assert np.sum((counts - 2000) ** 2 / 2000) < 45  # chi-squared, 19 degrees: p = 0.0007
    assert np.all(x * 2**24 == np.floor(x * 2**24))
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.025
    scaled = Tensor.uniform(1000, low=-3, high=-1).numpy()
    assert scaled.min() >= -3 and scaled.max() < -1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_uniform_stays_below_one(dtype: str) -> None:
    x = Tensor.rand(20_000, dtype=dtype)
    assert x.dtype is lazygrad.element_types.of(dtype)
    values = x.numpy()
    assert values.min() >= 0 and values.max() < 1 and abs(values.astype("f8").mean() - 0.5) < 0.02
    if dtype == "float64":
        assert len(np.unique(values)) == 20_000


def test_normal() -> None:
    x = Tensor.randn(40_000).numpy().astype(np.float64)
    assert abs(x.mean()) < 0.025 and abs(x.std() - 1) < 0.018
    assert abs((x**3).mean()) < 0.07 and abs((x**4).mean() - 3) < 0.2
    assert np.isfinite(x).all() and 3.6 < np.abs(x).max() < 6.7
    scaled = Tensor.normal(20_000, mean=3.0, std=0.5).numpy()
    assert abs(scaled.mean() - 3) < 0.02 and abs(scaled.std() - 0.5) < 0.02


def test_randint() -> None:
    x = Tensor.randint(30_000, low=-3, high=4)
    assert x.dtype is lazygrad.int64
    counts = np.bincount(x.numpy() + 3, minlength=7)
    assert counts.size == 7 and np.sum((counts - 30_000 / 7) ** 2 / (30_000 / 7)) < 23
    wide = Tensor.randint(100, low=0, high=2**62).numpy()
    assert wide.max() > 2**60


INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]


def test_randint_over_whole_dtypes(device: str) -> None:
    dtypes = [lazygrad.element_types.of(name) for name in INTEGERS]
    drawn = [
        Tensor.randint(60_000, low=of.min, high=of.max + 1, dtype=of, device=device)
        for of in dtypes
    ]
    drawn[0].realize(*drawn)
    for of, x in zip(dtypes, drawn, strict=True):
        assert x.dtype is of
        shares = (x.numpy().astype("f8") - of.min) / (float(of.max) - of.min + 1)
        counts, _ = np.histogram(shares, 16, (0, 1))
        assert np.sum((counts - 3750) ** 2 / 3750) < 37.7  # 15 degrees: p = 0.001
        if of.itemsize == 1:
            assert len(np.unique(x.numpy())) == 256


def test_randint_is_exact_at_the_ends_of_dtypes(device: str) -> None:
    floats = {"float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53}
    cases = [(lazygrad.element_types.of(name), -end, end) for name, end in floats.items()]
    cases += [(of, of.min, of.max) for of in map(lazygrad.element_types.of, INTEGERS)]
    starts = [(of, low) for of, first, last in cases for low in (first, last - 2)]
    drawn = [
        Tensor.randint(200, low=low, high=low + 3, dtype=of, device=device) for of, low in starts
    ]
    drawn[0].realize(*drawn)
    for (of, low), x in zip(starts, drawn, strict=True):
        assert {int(value) for value in x.tolist()} == {low, low + 1, low + 2}, of


def test_randint_of_bools(device: str) -> None:
    x = Tensor.randint(2_000, low=0, high=2, dtype="bool", device=device)
    assert x.dtype is lazygrad.element_types.bool_ and abs(x.numpy().mean() - 0.5) < 0.04
    assert not Tensor.randint(20, low=0, high=1, dtype="bool", device=device).numpy().any()


def test_randint_is_the_same_on_all_devices(device: str) -> None:
    def draw(where: str) -> object:
        manual_seed(2)
        return Tensor.randint(1_000, low=-(2**40), high=2**62 + 5, device=where).numpy()

    np.testing.assert_array_equal(draw(device), draw("CPU"))


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100, 1000])
def test_randperm(count: int) -> None:
    x = Tensor.randperm(count)
    assert x.dtype is lazygrad.int64
    assert sorted(x.tolist()) == list(range(count))
    if count > 10:
        assert x.tolist() != list(range(count))


@pytest.mark.parametrize(
    ("name", "count"), [("uint8", 256), ("int8", 128), ("float16", 2049), ("bool", 2)]
)
def test_randperm_as_large_as_its_dtype(name: str, count: int) -> None:
    x = Tensor.randperm(count, dtype=name)
    assert x.dtype is lazygrad.element_types.of(name)
    assert sorted(x.tolist()) == list(range(count))


def test_sort() -> None:
    values = np.random.default_rng(0).normal(size=(3, 37)).astype(np.float32)
    found = wrap(sort.sort_last(Tensor(values)._node))
    np.testing.assert_array_equal(found.numpy(), np.sort(values))


def test_dropout() -> None:
    x = Tensor.ones(20_000, requires_grad=True)
    dropped = x.dropout(0.3)
    values = dropped.numpy()
    np.testing.assert_allclose(np.unique(values), [0, 1 / 0.7], rtol=1e-6)
    assert abs((values == 0).mean() - 0.3) < 0.02
    dropped.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), values)
    assert x.dropout(0.5, training=False) is x
    assert x.dropout(1.0).numpy().max() == 0
    with pytest.raises(ValueRangeError, match=r"\[dropout\] p must be"):
        x.dropout(1.5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dropout_of_almost_everything(dtype: str) -> None:
    """A factor beyond the small floats must not make NaN of what was dropped."""
    x = Tensor.ones(100, dtype=dtype, requires_grad=True)
    dropped = x.dropout(1 - 2.0**-30)
    dropped.sum().backward()
    assert dropped.tolist() == x.grad.tolist() == [0.0] * 100


def test_dropout_keeps_the_dtype_and_takes_integers() -> None:
    assert Tensor.ones(4, dtype="float16").dropout(0.5).dtype is lazygrad.float16
    dropped = Tensor.ones(100, dtype="int64").dropout(0.5)
    assert dropped.dtype is lazygrad.float32 and set(dropped.tolist()) == {0.0, 2.0}


@pytest.mark.parametrize(("p", "share"), [(0.0, 0.0), (1.0, 1.0), (2.0**-40, 0.0), (0.25, 0.25)])
def test_bernoulli(p: float, share: float) -> None:
    key = Tensor(threefry.key_of(0, 0))._node
    drawn = wrap(random.bernoulli(key, p, (10_000,)))
    assert drawn.dtype is lazygrad.element_types.bool_
    assert abs(drawn.numpy().mean() - share) < (0.015 if share == 0.25 else 1e-9)


def test_keys_are_checked() -> None:
    with pytest.raises(DtypeError, match=r"\[random\] a key"):
        threefry.random_bits(Tensor([1, 2])._node, (3,))
