"""Random numbers: the known answers of Threefry, distributions, and what decides a value."""

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, lang, manual_seed
from lazygrad.dtype import uint32
from lazygrad.errors import DtypeError, ValueRangeError
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
    found = lang.threefry2x32((words[0], words[1]), (words[2], words[3]))
    assert [int(v[0]) for v in reference.evaluate_all(found)] == list(answer)


@pytest.mark.parametrize(("key", "counter", "answer"), KNOWN[:1])
def test_known_answers_on_devices(
    key: object, counter: object, answer: tuple[int, int], device: str
) -> None:
    """The first element of a draw is the block of counter 0."""
    leaf = Tensor(np.zeros(2, np.uint32), device=device)._node
    first, second = lang.random_words(leaf, (3,))
    values = [lazygrad.tensor.from_node(word).numpy()[0] for word in (first, second)]
    assert tuple(map(int, values)) == answer


def test_devices_draw_the_same_bits(device: str) -> None:
    leaf = reference.leaf(np.array([7, 3], np.uint32), uint32)
    expected = reference.evaluate(lang.random_bits(leaf, (5, 41)))
    own = Tensor(np.array([7, 3], np.uint32), device=device)._node
    found = lazygrad.tensor.from_node(lang.random_bits(own, (5, 41))).numpy()
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


def test_seeds() -> None:
    for seed in (0, -1, 2**64 - 1, 2**40):
        manual_seed(seed)
    with pytest.raises(ValueRangeError, match="64 bits"):
        manual_seed(2**64)


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
    assert x.dtype is lazygrad.dtype.of(dtype)
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
    with pytest.raises(ValueRangeError, match=r"\[randint\] needs low < high"):
        Tensor.randint(3, low=4, high=4)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100, 1000])
def test_randperm(count: int) -> None:
    x = Tensor.randperm(count)
    assert x.dtype is lazygrad.int64
    assert sorted(x.tolist()) == list(range(count))
    if count > 10:
        assert x.tolist() != list(range(count))


def test_sort() -> None:
    values = np.random.default_rng(0).normal(size=(3, 37)).astype(np.float32)
    found = lazygrad.tensor.from_node(lang.sort_last(Tensor(values)._node))
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


def test_keys_are_checked() -> None:
    with pytest.raises(DtypeError, match=r"\[random\] a key"):
        lang.random_bits(Tensor([1, 2])._node, (3,))
