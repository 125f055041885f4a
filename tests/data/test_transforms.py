"""Transforms of images: seeded, each image of a batch by itself, on arrays and Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Generator, Tensor, manual_seed
from lazygrad.data import transforms as T
from lazygrad.errors import ArgumentError, LazygradError, ShapeError, ValueRangeError

IMAGES = np.random.default_rng(0).random((64, 3, 6, 5)).astype(np.float32)


def drawn(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


RANDOM: dict[str, Callable[..., Any]] = {
    "RandomHorizontalFlip": lambda **o: T.RandomHorizontalFlip(**o),
    "RandomVerticalFlip": lambda **o: T.RandomVerticalFlip(**o),
    "RandomCrop": lambda **o: T.RandomCrop((6, 5), padding=2, **o),
    "RandomErasing": lambda **o: T.RandomErasing(1.0, value="random", **o),
    "ColorJitter": lambda **o: T.ColorJitter(0.5, 0.5, 0.5, **o),
    "RandomApply": lambda **o: T.RandomApply([T.ColorJitter(0.5)], **o),
}


@pytest.mark.parametrize("name", RANDOM)
def test_the_same_seed_gives_the_same_images(name: str, device: str) -> None:
    make = RANDOM[name]
    first, second = (make(generator=drawn()) for _ in range(2))
    once, again = first(IMAGES), first(IMAGES)
    np.testing.assert_array_equal(once, second(IMAGES))
    assert not np.array_equal(once, again)
    manual_seed(5)
    plain = make()(IMAGES)
    manual_seed(5)
    found = make()(Tensor(IMAGES, device=device))
    assert isinstance(found, Tensor)
    assert found.device == device
    np.testing.assert_array_equal(found.numpy(), plain)


@pytest.mark.parametrize("name", RANDOM)
def test_each_image_has_its_own_draw(name: str) -> None:
    same = np.broadcast_to(IMAGES[:1], (64, 3, 6, 5))
    found = RANDOM[name](generator=drawn())(same)
    assert found.shape == (64, 3, 6, 5)
    assert found.dtype == np.float32
    assert len({image.tobytes() for image in found}) > 1


@pytest.mark.parametrize("name", RANDOM)
def test_one_image(name: str) -> None:
    found = RANDOM[name](generator=drawn())(IMAGES[0])
    np.testing.assert_array_equal(found, RANDOM[name](generator=drawn())(IMAGES[:1])[0])


def test_flips() -> None:
    for kind, axis in ((T.RandomHorizontalFlip, -1), (T.RandomVerticalFlip, -2)):
        np.testing.assert_array_equal(kind(1.0)(IMAGES), np.flip(IMAGES, axis))
        np.testing.assert_array_equal(kind(0.0)(IMAGES), IMAGES)
        found = kind(generator=drawn())(IMAGES)
        flipped = [np.array_equal(a, np.flip(b, axis)) for a, b in zip(found, IMAGES, strict=True)]
        kept = [np.array_equal(a, b) for a, b in zip(found, IMAGES, strict=True)]
        assert all(a != b for a, b in zip(flipped, kept, strict=True))
        assert 20 < sum(flipped) < 44


def test_random_crops_are_parts_from_everywhere() -> None:
    images = np.arange(6 * 5, dtype=np.float32).reshape(1, 6, 5).repeat(200, 0)[:, None]
    found = T.RandomCrop((3, 4), generator=drawn())(images)
    corners = set(found[:, 0, 0, 0].tolist())
    assert corners == {5.0 * top + left for top in range(4) for left in range(2)}
    top, left = divmod(int(found[0, 0, 0, 0]), 5)
    np.testing.assert_array_equal(found[0, 0], images[0, 0, top : top + 3, left : left + 4])
    larger = T.RandomCrop(8, pad_if_needed=True, fill=-1, generator=drawn())(images)
    assert larger.shape == (200, 1, 8, 8)
    assert ((larger != -1).sum((1, 2, 3)) <= 30).all()


def test_center_crop() -> None:
    images = np.arange(30.0).reshape(1, 6, 5)
    np.testing.assert_array_equal(T.CenterCrop((2, 3))(images)[0], images[0, 2:4, 1:4])
    small = T.CenterCrop(8)(images)
    np.testing.assert_array_equal(small[0, 1:7, 1:6], images[0])
    assert small.sum() == images.sum()


def test_pad() -> None:
    image = np.ones((1, 2, 2))
    assert T.Pad(1)(image).shape == (1, 4, 4)
    assert T.Pad((1, 2))(image).shape == (1, 6, 4)
    found = T.Pad((1, 0, 0, 2), fill=5)(image)
    np.testing.assert_array_equal(found[0], [[5, 1, 1], [5, 1, 1], [5, 5, 5], [5, 5, 5]])
    np.testing.assert_array_equal(T.Pad(1, padding_mode="edge")(image), np.ones((1, 4, 4)))


def test_normalize() -> None:
    mean, std = [0.1, 0.2, 0.3], [0.5, 1.0, 2.0]
    expected = (IMAGES - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(T.Normalize(mean, std)(IMAGES), expected, rtol=1e-5, atol=1e-6)
    bytes_ = np.full((1, 2, 2), 255, np.uint8)
    np.testing.assert_array_equal(T.Normalize(0.5, 0.5)(bytes_), np.ones((1, 2, 2)))


def test_to_tensor() -> None:
    found = T.ToTensor()(np.full((2, 3, 3), 51, np.uint8))
    assert (found.shape, found.dtype.name) == ((3, 2, 3), "float32")
    np.testing.assert_allclose(found.numpy(), 0.2, rtol=1e-6)
    assert T.ToTensor()(np.eye(2, dtype=np.float32)).tolist() == [[[1, 0], [0, 1]]]


def test_erasing() -> None:
    found = T.RandomErasing(1.0, (0.2, 0.5), value=-1.0, generator=drawn())(IMAGES)
    gone = found == -1
    assert (gone == gone[:, :1]).all()
    share = gone[:, 0].mean((1, 2))
    assert (share > 0.1).all()
    assert (share < 0.65).all()
    for mask in gone[:, 0]:  # a rectangle
        rows, columns = mask.any(1), mask.any(0)
        np.testing.assert_array_equal(mask, rows[:, None] & columns)
    np.testing.assert_array_equal(found[~gone], IMAGES[~gone])


def test_jitter() -> None:
    np.testing.assert_array_equal(T.ColorJitter()(IMAGES), IMAGES)
    brighter = T.ColorJitter(brightness=(2.0, 2.0))(IMAGES)
    np.testing.assert_allclose(brighter, np.minimum(IMAGES * 2, 1), rtol=1e-6)
    gray = T.ColorJitter(saturation=(0.0, 0.0))(IMAGES)
    weights = np.reshape([0.2989, 0.587, 0.114], (3, 1, 1))
    np.testing.assert_allclose(gray[:, 0], (IMAGES * weights).sum(1), rtol=1e-5)
    flat = T.ColorJitter(contrast=(0.0, 0.0))(IMAGES)
    np.testing.assert_allclose(flat.std((1, 2, 3)), 0, atol=1e-6)


def test_composed() -> None:
    both = T.Compose([T.Pad(1), T.CenterCrop(2), lambda images: images + 1])
    np.testing.assert_array_equal(both(np.zeros((1, 2, 2))), np.ones((1, 2, 2)))
    assert "Pad(padding=(1, 1, 1, 1), fill=0, padding_mode=constant)" in repr(both)
    assert repr(T.ToTensor()) == "ToTensor()"


CASES: dict[str, tuple[Callable[[], Any], type[LazygradError], str]] = {
    "shape": (lambda: T.Pad(1)(np.zeros(3)), ShapeError, r"\[Pad\] takes images .*shape \(3,\)"),
    "crop": (
        lambda: T.RandomCrop(9)(IMAGES), ShapeError,
        r"\[RandomCrop\] cannot cut 9x9 out of images of 6x5; give padding"),
    "size": (lambda: T.CenterCrop(0), ValueRangeError, r"\[CenterCrop\] size must be at least 1"),
    "p": (lambda: T.RandomHorizontalFlip(2.0), ValueRangeError, "p must be from 0 to 1, got 2.0"),
    "padding": (lambda: T.Pad((1, 2, 3)), ValueRangeError, "1, 2 or 4 integers of at least 0"),
    "mode": (lambda: T.Pad(1, 0, "wrap"), ArgumentError, "padding_mode must be one of"),
    "std": (lambda: T.Normalize(0.5, 0.0), ValueRangeError, "std must not be 0"),
    "mean": (lambda: T.Normalize("a", 1.0), ArgumentError, "mean must be numbers, got 'a'"),
    "channels": (
        lambda: T.Normalize([1, 2], [1, 2])(IMAGES), ShapeError, "2 numbers do not fit images"),
    "jitter": (lambda: T.ColorJitter(-1), ValueRangeError, "brightness must be at least 0"),
    "gray": (
        lambda: T.ColorJitter(0, 1)(IMAGES[:, :2]), ShapeError, "images of 1 or 3 channels"),
    "scale": (lambda: T.RandomErasing(scale=(0.5, 0.2)), ValueRangeError, "scale must be"),
    "to_tensor": (lambda: T.ToTensor()(np.zeros(3)), ShapeError, r"\[ToTensor\] takes images"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_error(name: str) -> None:
    function, kind, message = CASES[name]
    with pytest.raises(kind, match=message):
        function()


def test_what_a_transform_defines() -> None:
    with pytest.raises(NotImplementedError, match=r"Transform does not define apply\(\)"):
        T.Transform()(IMAGES)
