"""``x[key] = value`` and ``x[key]``, against NumPy, for every kind of key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, config, jit
from lazygrad.errors import AxisError, JitError, ShapeError, ValueRangeError

SHAPE = (4, 5, 3)
random = np.random.default_rng(0)
MASK = random.random(SHAPE) > 0.5
KEYS: dict[str, Any] = {
    "int": 0,
    "negative": -1,
    "slice": slice(1, 3),
    "steps": (slice(None, None, 2), slice(4, 0, -2)),
    "backwards": (slice(None), slice(None), slice(2, 0, -1)),
    "empty slice": slice(3, 1),
    "ellipsis": (Ellipsis, 0),
    "new dims": (None, 0, None),
    "all": Ellipsis,
    "element": (1, 2, 0),
    "list": [1, 3, 0],
    "range": range(1, 3),
    "array": np.array([0, 2]),
    "negative array": (slice(None), np.array([-1, 0])),
    "matrix": np.array([[0, 2], [3, 1]]),
    "two arrays": (np.array([0, 1]), np.array([2, 3])),
    "apart": (np.array([0, 1]), slice(None), np.array([0, 2])),
    "broadcast": (np.array([[0], [1]]), np.array([[2, 3]])),
    "int and array": (0, np.array([1, 2])),
    "slices and array": (slice(1, 3), np.array([-1, 0]), slice(0, 2)),
    "empty array": np.array([], np.int64),
    "mask": MASK,
    "bool": True,
    "bool that takes nothing": (slice(None), False),
    "mask of no dims": (Ellipsis, np.array(True), 1),
    "mask of two dims": MASK[:, :, 0],
    "mask of one dim": MASK[:, 0, 0],
    "slice and mask": (slice(None), MASK[0, :, 0]),
    "mask and slice": (MASK[:, :, 1], slice(1, 2)),
    "ellipsis and mask": (Ellipsis, MASK[0, 0]),
    "list of bools": [True, False, True, False],
    "false": np.zeros(SHAPE, bool),
}
FORMS = ("array", "tensor")


def ours(key: Any, form: str, device: str) -> Any:
    if isinstance(key, tuple):
        return tuple(ours(item, form, device) for item in key)
    return Tensor(key, device=device) if form == "tensor" and isinstance(key, np.ndarray) else key


def as_numpy(key: Any) -> Any:
    return list(key) if isinstance(key, range) else key


def drawn(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("form", FORMS)
def test_reads(form: str, device: str) -> None:
    """With all keys in one plan: a program takes long to compile."""
    a = drawn(*SHAPE)
    found = {n: Tensor(a, device=device)[ours(key, form, device)] for n, key in KEYS.items()}
    Tensor.realize(*found.values())
    for name, read in found.items():
        np.testing.assert_array_equal(read.numpy(), a[as_numpy(KEYS[name])], err_msg=name)


@pytest.mark.parametrize("value", ["number", "whole", "broadcast"])
@pytest.mark.parametrize("form", FORMS)
def test_writes(form: str, value: str, device: str) -> None:
    found, wanted = {}, {}
    for name, key in KEYS.items():
        a = wanted[name] = drawn(*SHAPE)
        x = found[name] = Tensor(a.copy(), device=device)
        shape = a[as_numpy(key)].shape
        given = drawn(*{"number": (), "whole": shape, "broadcast": shape[-1:]}[value])
        x[ours(key, form, device)] = float(given) if value == "number" else given
        a[as_numpy(key)] = given
    Tensor.realize(*found.values())
    for name, written in found.items():
        np.testing.assert_array_equal(written.numpy(), wanted[name], err_msg=name)


@pytest.mark.parametrize("name", ["slice", "steps", "array", "apart", "mask", "element"])
def test_derivatives(name: str, device: str) -> None:
    """Of the old elements that stay, and of the new ones."""
    a = drawn(*SHAPE)
    key, weights = as_numpy(KEYS[name]), drawn(*SHAPE)
    old = Tensor(a, device=device, requires_grad=True)
    new = Tensor(drawn(*a[key].shape), device=device, requires_grad=True)
    x = old * 1
    x[ours(KEYS[name], "tensor", device)] = new
    (x * Tensor(weights, device=device)).sum().backward()
    kept = weights.copy()
    kept[key] = 0
    assert old.grad is not None and new.grad is not None
    np.testing.assert_array_equal(old.grad.numpy(), kept)
    np.testing.assert_array_equal(new.grad.numpy(), weights[key])


def test_the_last_of_several_stays_and_gets_the_derivative(device: str) -> None:
    x = Tensor([0.0, 0.0, 0.0], device=device)
    new = Tensor([1.0, 2.0, 3.0], device=device, requires_grad=True)
    x[[1, 1, 0]] = new
    assert x.tolist() == [3, 2, 0]
    x.sum().backward()
    assert new.grad is not None
    assert new.grad.tolist() == [0, 1, 1]


def test_dtypes(device: str) -> None:
    """The tensor keeps its own."""
    x = Tensor([1, 2, 3], device=device)
    x[0] = 1.9
    x[1] = Tensor([True], device=device)
    assert (x.dtype.name, x.tolist()) == ("int64", [1, 1, 3])
    half = Tensor([0.0, 0.0], device=device).half()
    half[1:] = np.float64([0.1])
    assert half.dtype.name == "float16"
    flags = Tensor([True, False], device=device)
    flags[1] = 5
    assert flags.tolist() == [True, True]


def test_errors_name_what_is_wrong() -> None:
    x = Tensor.zeros(2, 3)
    with pytest.raises(AxisError, match=r"\[setitem\] index 2 is out of range for dim 0"):
        x[2] = 1
    with pytest.raises(ValueRangeError, match=r"\[setitem\] indices must be in \[-2, 2\)"):
        x[Tensor([0, 5])] = 1
    with pytest.raises(ValueRangeError, match=r"\[setitem\] indices must be in \[-2, 2\)"):
        x[Tensor([0, 1]) + 4] = 1  # not known before it is computed
    with pytest.raises(ShapeError, match=r"\[setitem\].*\(2,\).*\(3,\)"):
        x[0] = Tensor([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"\[setitem\] a mask of shape \(3,\)"):
        x[Tensor([True, True, False])] = 1
    assert x.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_writes_in_jitted_code(device: str) -> None:
    cache = Tensor.zeros(4, 2, device=device)

    @jit
    def step(row: Tensor, at: Tensor) -> Tensor:
        cache[at] = row
        cache[:, 1] += 1
        cache[cache > 10] = 0
        return cache.sum()

    for i in range(4):
        step(Tensor([float(i), 20.0], device=device), Tensor([i], device=device))
    assert cache.tolist() == [[0, 3], [1, 2], [2, 1], [3, 0]]
    assert step.captures == 1
    with pytest.raises(JitError):
        jit(lambda: cache[cache > 1])()


def test_a_loop_of_writes_settles(device: str) -> None:
    """Rows that are written one by one: the plans of the first steps serve all others, and no
    history piles up."""
    from lazygrad.runtime import cache

    rows = drawn(40, 3)
    x, given = Tensor.zeros(40, 3, device=device), Tensor(rows, device=device).realize()
    with config(fuse=True):
        for i in range(8):
            x[i] = given[i] * 2
        before = cache.statistics.misses
        for i in range(8, 40):
            x[i] = given[i] * 2
        assert cache.statistics.misses == before
    np.testing.assert_array_equal(x.numpy(), rows * 2)
