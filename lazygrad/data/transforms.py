"""Transforms of images, seeded, for one image or a whole batch at once: torchvision's names.

Images are NumPy arrays or Tensors, ``(C, H, W)`` or ``(N, C, H, W)``; of a batch, each image has
its own draw. Transforms work on the host, as the data set does, in the workers of a ``DataLoader``
or on what it yields: ``x = augment(x)``. A Tensor gives a Tensor on its device, an array an array.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lazygrad.arguments import numbers, pair, require_range
from lazygrad.data.dataset import Array
from lazygrad.data.draws import host_random
from lazygrad.errors import ArgumentError, ShapeError, ValueRangeError
from lazygrad.generator import Generator
from lazygrad.names import lookup
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

__all__ = [
    "CenterCrop", "ColorJitter", "Compose", "Normalize", "Pad", "RandomApply", "RandomCrop",
    "RandomErasing", "RandomHorizontalFlip", "RandomVerticalFlip", "ToTensor", "Transform",
]  # fmt: skip

GRAY = np.array([0.2989, 0.587, 0.114], np.float32)  # of red, green and blue, as in torchvision
PEAK = 255


class Transform:
    """Base class: define ``apply(images, random)``, which gets float or integer arrays
    ``(N, C, H, W)`` and a source of random numbers.

    Args:
        generator: where random numbers come from; default: the stream of ``manual_seed``.

    >>> class Negative(data.transforms.Transform):
    ...     def apply(self, images, random):
    ...         return 1 - images
    >>> Negative()(lazygrad.zeros(1, 2, 2)).tolist()
    [[[1.0, 1.0], [1.0, 1.0]]]
    """

    is_random = True

    def __init__(self, generator: Generator | None = None) -> None:
        self.generator = generator

    def apply(self, images: Array, random: np.random.RandomState) -> Array:
        """The transformed images."""
        raise NotImplementedError(f"[transforms] {type(self).__name__} does not define apply()")

    def __call__(self, images: Any) -> Any:
        given = images.numpy() if isinstance(images, Tensor) else np.asarray(images)
        if given.ndim not in (3, 4):
            raise ShapeError(
                f"[{type(self).__name__}] takes images (C, H, W) or (N, C, H, W), got shape "
                f"{given.shape}"
            )
        random = host_random(self.generator) if self.is_random else np.random.RandomState(0)
        found = self.apply(given if given.ndim == 4 else given[None], random)
        found = found if given.ndim == 4 else found[0]
        if isinstance(images, Tensor):
            return Tensor(found, device=images.device)
        return np.ascontiguousarray(found)

    def __repr__(self) -> str:
        hidden = ("generator",)
        facts = [f"{name}={value}" for name, value in vars(self).items() if name not in hidden]
        return f"{type(self).__name__}({', '.join(facts)})"


class Compose:
    """Transforms one after another; any functions.

    >>> normalize = data.transforms.Normalize(0.5, 0.5)
    >>> both = data.transforms.Compose([data.transforms.ToTensor(), normalize])
    >>> both(np.array([[0, 255]], np.uint8)).tolist()
    [[[-1.0, 1.0]]]
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, images: Any) -> Any:
        for transform in self.transforms:
            images = transform(images)
        return images

    def __repr__(self) -> str:
        return "Compose(\n" + "".join(f"    {transform}\n" for transform in self.transforms) + ")"


class RandomApply(Transform):
    """Transforms one after another, of an image all or none, with probability ``p`` all.

    >>> pad = data.transforms.RandomApply([data.transforms.RandomVerticalFlip(p=1.0)], p=1.0)
    >>> pad(Tensor([[[1.0], [2.0]]])).tolist()
    [[[2.0], [1.0]]]
    """

    @public
    def __init__(
        self, transforms: Sequence[Transform], p: float = 0.5, generator: Generator | None = None
    ) -> None:
        super().__init__(generator)
        require_range("RandomApply", 0, 1, p=p)
        self.transforms, self.p = list(transforms), p

    def apply(self, images: Array, random: np.random.RandomState) -> Array:
        chosen = random.random_sample(len(images)) < self.p
        changed = images
        for transform in self.transforms:
            changed = transform.apply(changed, random)
        return np.where(chosen[:, None, None, None], changed, images)


class ToTensor:
    """A float32 Tensor ``(C, H, W)`` of an image ``(H, W)`` or ``(H, W, C)``, as files and PIL have
    it; bytes become numbers from 0 to 1. An array that is float already keeps its values.

    >>> data.transforms.ToTensor()(np.zeros((4, 6, 3), np.uint8)).shape
    (3, 4, 6)
    """

    def __call__(self, pic: Any) -> Tensor:
        array = np.asarray(pic)
        if array.ndim not in (2, 3):
            raise ShapeError(f"[ToTensor] takes images (H, W) or (H, W, C), got {array.shape}")
        array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
        if array.dtype == np.uint8:
            array = array.astype(np.float32) / PEAK
        return Tensor(np.ascontiguousarray(array))

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize(Transform):
    """``(image - mean) / std``, channel by channel.

    >>> data.transforms.Normalize(mean=[1.0], std=[2.0])(Tensor([[[1.0, 5.0]]])).tolist()
    [[[0.0, 2.0]]]
    """

    is_random = False

    @public
    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std = _channels("mean", mean), _channels("std", std)
        if not self.std.all():
            raise ValueRangeError(f"[Normalize] std must not be 0, got {self.std.tolist()}")

    def apply(self, images: Array, random: np.random.RandomState) -> Array:
        for values in (self.mean, self.std):
            if values.size not in (1, images.shape[1]):
                raise ShapeError(
                    f"[Normalize] {values.size} numbers do not fit images of {images.shape[1]} "
                    f"channels, of shape {images.shape[1:]}"
                )
        mean, std = self.mean.reshape(-1, 1, 1), self.std.reshape(-1, 1, 1)
        return (_as_float(images) - mean) / std


class RandomHorizontalFlip(Transform):
    """Mirrors each image left to right with probability ``p``.

    >>> data.transforms.RandomHorizontalFlip(p=1.0)(Tensor([[[1.0, 2.0]]])).tolist()
    [[[2.0, 1.0]]]
    """

    axis = -1

    @public
    def __init__(self, p: float = 0.5, generator: Generator | None = None) -> None:
        super().__init__(generator)
        require_range(type(self).__name__, 0, 1, p=p)
        self.p = p

    def apply(self, images: Array, random: np.random.RandomState) -> Array:
        chosen = random.random_sample(len(images)) < self.p
        return np.where(chosen[:, None, None, None], np.flip(images, self.axis), images)


class RandomVerticalFlip(RandomHorizontalFlip):
    """Mirrors each image top to bottom with probability ``p``.

    >>> data.transforms.RandomVerticalFlip(p=1.0)(Tensor([[[1.0], [2.0]]])).tolist()
    [[[2.0], [1.0]]]
    """

    axis = -2


class Pad(Transform):
    """More pixels on all sides.

    Args:
        padding: pixels; or (left and right, top and bottom); or (left, top, right, bottom).
        fill: their value, in mode ``"constant"``.
        padding_mode: ``"constant"``, ``"edge"``, ``"reflect"`` or ``"symmetric"``.

    >>> data.transforms.Pad((1, 0), fill=9)(Tensor([[[1.0, 2.0]]])).tolist()
    [[[9.0, 1.0, 2.0, 9.0]]]
    """

    is_random = False

    @public
    def __init__(self, padding: Any, fill: float = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        self.padding, self.fill = _sides(padding), fill
        self.padding_mode = _mode("Pad", padding_mode)

    def apply(self, images: Array, random: np.random.RandomState) -> Array:
        return padded(images, self.padding, self.padding_mode, self.fill)


class CenterCrop(Transform):
    """The middle of each image, ``size`` large (one number: a square); padded with 0 if it is
    smaller.

    >>> data.transforms.CenterCrop(2)(lazygrad.arange(16.0).reshape(1, 4, 4)).tolist()
    [[[5.0, 6.0], [9.0, 10.0]]]
    """

    is_random = False

    @public
    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = _size("CenterCrop", size)

    def apply(self, images: Array, random: np.random.RandomState) -> Array:
        (height, width), (rows, columns) = self.size, images.shape[2:]
        missing = max(0, height - rows), max(0, width - columns)
        if any(missing):
            down, right = missing[0], missing[1]
            sides = (right // 2, down // 2, -(-right // 2), -(-down // 2))
            images = padded(images, sides, "constant", 0)
            rows, columns = images.shape[2:]
        top, left = round((rows - height) / 2), round((columns - width) / 2)
        return images[:, :, top : top + height, left : left + width]


class RandomCrop(Transform):
    """A part of each image, ``size`` large (one number: a square), from a place of its own.

    Args:
        padding: more pixels first, as of ``Pad``, as ``RandomCrop(32, padding=4)``.
        pad_if_needed: more pixels where an image is smaller than ``size``.
        fill, padding_mode: as of ``Pad``.

    >>> data.transforms.RandomCrop(32, padding=4)(lazygrad.zeros(8, 3, 32, 32)).shape
    (8, 3, 32, 32)
    """

    @public
    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
        generator: Generator | None = None,
    ) -> None:
        super().__init__(generator)
        self.size = _size("RandomCrop", size)
        self.padding = None if padding is None else _sides(padding)
        self.pad_if_needed, self.fill = pad_if_needed, fill
        self.padding_mode = _mode("RandomCrop", padding_mode)

    def apply(self, images: Array, random: np.random.RandomState) -> Array:
        if self.padding is not None:
            images = padded(images, self.padding, self.padding_mode, self.fill)
        height, width = self.size
        if self.pad_if_needed:
            down, right = max(0, height - images.shape[2]), max(0, width - images.shape[3])
            images = padded(images, (right, down, right, down), self.padding_mode, self.fill)
        rows, columns = images.shape[2:]
        if rows < height or columns < width:
            raise ShapeError(
                f"[RandomCrop] cannot cut {height}x{width} out of images of {rows}x{columns}; give "
                "padding, or pad_if_needed=True"
            )
        tops = random.randint(0, rows - height + 1, len(images))
        lefts = random.randint(0, columns - width + 1, len(images))
        # all parts of this size, as views; one of them for each image
        parts = np.lib.stride_tricks.sliding_window_view(images, (height, width), (2, 3))
        return parts[np.arange(len(images)), :, tops, lefts]


class RandomErasing(Transform):
    """With probability ``p``, fills a rectangle of each image (Zhong et al., 2020).

    Args:
        scale: the least and largest share of the image.
        ratio: the least and largest height of it by its width.
        value: what it is filled with; ``"random"``: normal values.

    >>> erased = data.transforms.RandomErasing(p=1.0, scale=(0.25, 0.25))(lazygrad.ones(1, 8, 8))
    >>> 0 < (erased == 0).sum().item() < 64
    True
    """

    @public
    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(generator)
        require_range("RandomErasing", 0, 1, p=p)
        self.scale = pair("RandomErasing", "scale", scale, 0)
        require_range("RandomErasing", self.scale[0], 1, scale=self.scale[1])
        self.ratio = pair("RandomErasing", "ratio", ratio, math.ulp(0.0))
        self.p, self.value = p, value

    def apply(self, images: Array, random: np.random.RandomState) -> Array:
        count = len(images)
        rows, columns = images.shape[2:]
        chosen = random.random_sample(count) < self.p
        area = random.uniform(*self.scale, count) * (rows * columns)
        thin, flat = np.log(self.ratio)
        ratio = np.exp(random.uniform(thin, flat, count))
        height = np.minimum(np.rint(np.sqrt(area * ratio)), rows).astype(int)
        width = np.minimum(np.rint(np.sqrt(area / ratio)), columns).astype(int)
        top = (random.random_sample(count) * (rows - height + 1)).astype(int)
        left = (random.random_sample(count) * (columns - width + 1)).astype(int)
        y, x = np.arange(rows), np.arange(columns)
        inside_y = (y >= top[:, None]) & (y < (top + height)[:, None])
        inside_x = (x >= left[:, None]) & (x < (left + width)[:, None])
        inside = chosen[:, None, None] & inside_y[:, :, None] & inside_x[:, None, :]
        filled = random.standard_normal(images.shape) if self.value == "random" else self.value
        return np.where(inside[:, None], np.asarray(filled).astype(images.dtype), images)


class ColorJitter(Transform):
    """Changes brightness, contrast and saturation of each image of numbers from 0 to 1 by a factor
    of its own, in an order that each call draws.

    Args:
        brightness, contrast, saturation: the factor is from ``1 - value`` (at least 0) to ``1 +
            value``, or from the first to the second of two numbers. Saturation needs 3 channels.

    >>> data.transforms.ColorJitter(brightness=(2.0, 2.0))(lazygrad.full((1, 1, 2), 0.25)).tolist()
    [[[0.5, 0.5]]]
    """

    @public
    def __init__(
        self,
        brightness: Any = 0,
        contrast: Any = 0,
        saturation: Any = 0,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(generator)
        self.brightness = _factors("brightness", brightness)
        self.contrast = _factors("contrast", contrast)
        self.saturation = _factors("saturation", saturation)

    def apply(self, images: Array, random: np.random.RandomState) -> Array:
        images = _as_float(images)
        parts = [(_black, self.brightness), (_mean_gray, self.contrast), (_gray, self.saturation)]
        for number in random.permutation(len(parts)):
            towards, (low, high) = parts[number]
            if (low, high) != (1.0, 1.0):
                factor = random.uniform(low, high, (len(images), 1, 1, 1)).astype(np.float32)
                other = towards(images)
                images = np.clip(other + (images - other) * factor, 0, 1)
        return images


# -- parts -----------------------------------------------------------------------------------------


def padded(images: Array, sides: tuple[int, int, int, int], mode: str, fill: float) -> Array:
    """Images with more pixels left, above, right and below."""
    left, top, right, bottom = sides
    values = {"constant_values": fill} if mode == "constant" else {}
    pad: Any = np.pad
    found: Array = pad(images, ((0, 0), (0, 0), (top, bottom), (left, right)), mode=mode, **values)
    return found


def _black(images: Array) -> Array:
    return np.zeros_like(images)


def _gray(images: Array) -> Array:
    if images.shape[1] == 1:
        return images
    if images.shape[1] != len(GRAY):
        raise ShapeError(
            f"[ColorJitter] contrast and saturation need images of 1 or 3 channels, got shape "
            f"{images.shape[1:]}"
        )
    found: Array = np.tensordot(images, GRAY, ([1], [0]))[:, None].astype(images.dtype)
    return found


def _mean_gray(images: Array) -> Array:
    return _gray(images).mean((1, 2, 3), keepdims=True)


def _as_float(images: Array) -> Array:
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(PEAK)
    return images if images.dtype.kind == "f" else images.astype(np.float32)


def _channels(name: str, given: Any) -> Array:
    return np.atleast_1d(numbers("Normalize", name, given)).astype(np.float32)


def _size(op: str, size: Any) -> tuple[int, int]:
    height, width = pair(op, "size", size, 1)
    return int(height), int(width)


def _sides(padding: Any) -> tuple[int, int, int, int]:
    given = tuple(padding) if isinstance(padding, list | tuple) else (padding,)
    sides = {1: given * 4, 2: given * 2, 4: given}.get(len(given))
    if sides is None or not all(isinstance(n, int) and n >= 0 for n in given):
        raise ValueRangeError(
            f"[Pad] padding must be 1, 2 or 4 integers of at least 0, got {padding}"
        )
    left, top, right, bottom = sides
    return left, top, right, bottom


def _mode(op: str, mode: str) -> str:
    known = ("constant", "edge", "reflect", "symmetric")
    if mode not in known:
        raise ArgumentError(f"[{op}] padding_mode must be one of {known}, got {mode!r}")
    return mode


def _factors(name: str, value: Any) -> tuple[float, float]:
    if isinstance(value, int | float):
        require_range("ColorJitter", 0, **{name: value})
        return max(0.0, 1 - value), 1.0 + value
    low, high = pair("ColorJitter", name, value, 0)
    require_range("ColorJitter", low, **{name: high})
    return float(low), float(high)


__getattr__ = lookup("data.transforms", "torchvision.transforms", globals())
