"""Convolutions, their transposes and pools, of one, two and three dims; and their modules."""

from __future__ import annotations

from typing import Any

from tests.parity.case import Case, distinct, normal, turned, uniform, with_parameters


def _functional(name: str, *arguments: Any, **options: Any) -> Any:
    return lambda T, *tensors: getattr(T.nn.functional, name)(*tensors, *arguments, **options)


def _conv(label: str, x: tuple[int, ...], w: tuple[int, ...], order: int = 2, bias: bool = True,
          transposed: bool = False, **options: Any) -> Case:  # fmt: skip
    name = f"conv{'_transpose' if transposed else ''}{len(w) - 2}d"
    groups = options.get("groups", 1)
    out = w[1] * groups if transposed else w[0]
    inputs = [normal(*x), normal(*w), *([normal(out)] if bias else [])]
    # sums of many products, in another order
    return Case(f"{name}, {label}", _functional(name, **options), inputs, order, atol=2e-5)


def _transposed(label: str, x: tuple[int, ...], w: tuple[int, ...], order: int = 1,
                **options: Any) -> Case:  # fmt: skip
    return _conv(label, x, w, order, transposed=True, **options)


CONVOLUTIONS = [
    _conv("plain", (2, 3, 9), (4, 3, 3)),
    _conv("all", (2, 4, 11), (6, 2, 3), stride=2, padding=2, dilation=2, groups=2),
    _conv("same", (2, 3, 8), (4, 3, 4), padding="same", dilation=2, bias=False),
    _conv("no batch", (3, 8), (4, 3, 3), order=1),
    _conv("plain", (2, 3, 6, 7), (4, 3, 3, 2)),
    _conv(
        "all", (2, 4, 8, 7), (4, 2, 3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2
    ),
    _conv("depthwise", (2, 3, 6, 6), (6, 1, 3, 3), groups=3, padding=1),
    _conv("valid", (1, 2, 5, 5), (3, 2, 2, 2), order=1, padding="valid"),
    _conv("pointwise", (2, 3, 4, 4), (5, 3, 1, 1), order=1, stride=2),
    _conv("plain", (1, 2, 4, 5, 4), (3, 2, 2, 3, 2), order=1),
    _conv("all", (1, 2, 6, 5, 5), (2, 1, 3, 2, 2), order=1, stride=2, padding=1, groups=2),
    _conv("no batch", (2, 3, 4, 3), (2, 2, 2, 2, 2), order=0),
]
TRANSPOSED = [
    _transposed("plain", (2, 3, 5), (3, 4, 3), order=2),
    _transposed("stride", (2, 3, 5), (3, 4, 4), order=2, stride=2, padding=1),
    _transposed(
        "all", (2, 4, 5), (4, 3, 3), stride=3, padding=2, output_padding=2, groups=2, dilation=2
    ),
    _transposed("dilated", (2, 3, 5), (3, 4, 3), dilation=3, padding=1, output_padding=2),
    _transposed("gaps", (1, 2, 4), (2, 3, 2), stride=4, output_padding=1),
    _transposed("no batch", (3, 5), (3, 4, 2), order=0, stride=2),
    _transposed("plain", (2, 3, 4, 5), (3, 4, 3, 2), order=2),
    _transposed("double", (2, 3, 4, 4), (3, 2, 2, 2), order=2, stride=2),
    _transposed("dcgan", (2, 3, 4, 4), (3, 2, 4, 4), order=2, stride=2, padding=1, bias=False),
    _transposed(
        "all",
        (2, 4, 4, 3),
        (4, 3, 3, 2),
        stride=(2, 3),
        padding=(1, 0),
        output_padding=(1, 2),
        groups=2,
        dilation=(1, 2),
    ),
    _transposed("cut", (1, 2, 5, 5), (2, 2, 3, 3), stride=2, padding=3),
    _transposed("plain", (1, 2, 3, 2, 3), (2, 3, 2, 3, 2), stride=2, padding=1),
]
IMAGE, VOLUME = distinct(2, 3, 7, 6), distinct(1, 2, 5, 6, 4)


def _all_of(name: str, sizes: list[Any]) -> Any:
    return lambda T, x: [getattr(T.nn.functional, name)(x, *size) for size in sizes]


def _with_indices(name: str, *arguments: Any, **options: Any) -> Any:
    options = {"return_indices": True, **options}
    return lambda T, x: getattr(T.nn.functional, name)(x, *arguments, **options)


def _unpooled(T: Any, x: Any) -> Any:
    F = T.nn.functional
    values, places = F.max_pool2d(x, 2, 2, return_indices=True)
    lines, where = F.max_pool1d(x[0], 3, 2, return_indices=True)
    return [F.max_unpool2d(values, places, 2,
            output_size=x.shape), F.max_unpool1d(lines, where, 3, 2)]  # fmt: skip


def _unpooled_volume(T: Any, x: Any) -> Any:
    pool, back = T.nn.MaxPool3d(2, return_indices=True), T.nn.MaxUnpool3d(2)
    return back(*pool(x))


POOLS = [
    Case("max_pool1d", _with_indices("max_pool1d", 3, 2, 1), [distinct(2, 3, 10)]),
    Case(
        "max_pool2d", _with_indices("max_pool2d", (3, 2), padding=(1, 0), ceil_mode=True), [IMAGE]
    ),
    Case("max_pool2d, dilated", _functional("max_pool2d", 2, 1, 1, 2), [IMAGE]),
    Case("max_pool3d", _with_indices("max_pool3d", (2, 3, 2), 2, (1, 1, 0)), [VOLUME]),
    Case("max_pool3d, no batch", _functional("max_pool3d", 2), [distinct(2, 4, 4, 5)], 1),
    Case("avg_pool1d", _functional("avg_pool1d", 3, 2, 1), [normal(2, 3, 10)]),
    Case("avg_pool2d", _functional("avg_pool2d", 3, 2, 1, True, False), [normal(2, 3, 8, 7)]),
    Case("avg_pool2d, divisor", _functional("avg_pool2d", 2, divisor_override=3), [IMAGE], 1),
    Case("avg_pool3d", _functional("avg_pool3d", 2, 2, 1), [VOLUME]),
    Case("avg_pool3d, ceil", _functional("avg_pool3d", (2, 3, 2), ceil_mode=True), [VOLUME], 1),
    Case("lp_pool1d", _functional("lp_pool1d", 2, 3, 2), [normal(2, 3, 9)]),
    Case("lp_pool2d", _functional("lp_pool2d", 3, (2, 3)), [uniform(0.1, 2, 2, 3, 6, 7)]),
    Case(
        "lp_pool2d, ceil", _functional("lp_pool2d", 1, 3, 2, True), [uniform(0.1, 2, 2, 2, 6, 6)], 1
    ),
    Case("lp_pool3d", _functional("lp_pool3d", 2, 2), [VOLUME], 1),
    Case(
        "adaptive_avg_pool1d",
        _all_of("adaptive_avg_pool1d", [(1,), (3,), (5,), (10,), (13,)]),
        [normal(2, 3, 10)],
    ),
    Case(
        "adaptive_avg_pool2d",
        _all_of(
            "adaptive_avg_pool2d", [(1,), ((3, 2),), ((5, 4),), ((None, 4),), ((2, None),), (9,)]
        ),
        [normal(2, 3, 7, 6)],
    ),
    Case("adaptive_avg_pool3d", _all_of("adaptive_avg_pool3d", [(1,), ((3, 2, 4),)]), [VOLUME], 1),
    Case("adaptive_max_pool1d", _with_indices("adaptive_max_pool1d", 4), [distinct(2, 3, 10)]),
    Case("adaptive_max_pool2d", _with_indices("adaptive_max_pool2d", (3, 4)), [IMAGE]),
    Case("adaptive_max_pool2d, kept", _with_indices("adaptive_max_pool2d", (None, 3)), [IMAGE], 1),
    Case(
        "adaptive_max_pool2d, infinite",
        lambda T, x: T.nn.functional.adaptive_max_pool2d(x - float("inf"), 4),
        [IMAGE],
        0,
    ),
    Case("adaptive_max_pool3d", _with_indices("adaptive_max_pool3d", (2, 4, 3)), [VOLUME], 1),
    Case("max_unpool", _unpooled, [distinct(2, 3, 7, 9)]),
    Case("max_unpool3d", _unpooled_volume, [distinct(2, 2, 4, 6, 4)], 1),
    Case(
        "unfold",
        lambda T, x: T.nn.functional.unfold(x, (2, 3), (2, 1), (1, 2), (1, 2)),
        [normal(2, 3, 6, 7)],
    ),
    Case("unfold, no batch", lambda T, x: T.nn.functional.unfold(x, 2), [normal(3, 4, 5)], 1),
    Case(
        "fold",
        lambda T, x: T.nn.functional.fold(x, (6, 7), (2, 3), (2, 1), (1, 2), (1, 2)),
        [normal(2, 18, 30)],
    ),
    Case("fold, no batch", lambda T, x: T.nn.functional.fold(x, (4, 5), 2), [normal(12, 12)], 1),
]
PADDINGS = [
    Case("pad, last", lambda T, x: [T.nn.functional.pad(x, (2, 1), mode)
                                    for mode in ("reflect", "replicate", "circular")],
         [normal(2, 3, 4)]),
    Case("pad, two", lambda T, x: [T.nn.functional.pad(x, (3, 1, 0, 2), mode)
                                   for mode in ("reflect", "replicate", "circular")],
         [turned(normal(2, 3, 4, 5))]),
    Case("pad, three", lambda T, x: [T.nn.functional.pad(x, (2, 1, 1, 1, 1, 0), mode)
                                     for mode in ("reflect", "replicate", "circular")],
         [normal(1, 2, 3, 4, 5)], 1),
]  # fmt: skip


def _pads(T: Any, x: Any) -> Any:
    nn = T.nn
    line, volume = x[0], x[None]
    found = []
    kinds = [
        (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d),
        (nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d),
        (nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d),
        (nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d),
    ]
    for one, two, three in kinds:
        found += [one(2)(line), two((1, 2, 0, 1))(x), three((1, 0, 1, 1, 0, 1))(volume)]
    found += [nn.ConstantPad1d(1, 2.0)(line), nn.ConstantPad2d(1, 2.0)(x)]
    return [*found, nn.ConstantPad3d(1, -1.0)(volume)]


def _layers(T: Any, x: Any) -> Any:
    nn = T.nn
    line, volume = x[:, :, 0], x[:, :, None].expand(2, 3, 4, 7, 6)
    return [
        nn.MaxPool1d(2)(line), nn.MaxPool2d(3, 1, 1)(x), nn.MaxPool3d(2)(volume),
        nn.AvgPool1d(2)(line), nn.AvgPool2d(3, 1, 1)(x), nn.AvgPool3d(2)(volume),
        nn.LPPool1d(2, 2)(line), nn.LPPool2d(2, 2)(x), nn.LPPool3d(2, 2)(volume),
        nn.AdaptiveAvgPool1d(4)(line), nn.AdaptiveAvgPool2d((1, None))(x),
        nn.AdaptiveAvgPool3d(1)(volume), nn.AdaptiveMaxPool1d(4)(line),
        nn.AdaptiveMaxPool2d((2, 4))(x), nn.AdaptiveMaxPool3d(2)(volume),
        nn.Unfold(2)(x), nn.Fold((3, 3), 2)(nn.Unfold(2)(x[:, :, :3, :3])),
        nn.MaxUnpool2d(2)(*nn.MaxPool2d(2, return_indices=True)(x)),
        nn.MaxUnpool1d(2)(*nn.MaxPool1d(2, return_indices=True)(line)),
    ]  # fmt: skip


def _module(name: str, *arguments: Any, **options: Any) -> Any:
    return lambda T, x, *parameters: with_parameters(
        T, getattr(T.nn, name)(*arguments, **options), x, *parameters)  # fmt: skip


MODULES = [
    Case("Conv1d", _module("Conv1d", 3, 4, 3, padding=2, padding_mode="circular"),
         [normal(2, 3, 7), normal(4, 3, 3), normal(4)], 0),
    Case("Conv2d, reflect", _module("Conv2d", 3, 4, (3, 2), padding=(1, 2), padding_mode="reflect"),
         [normal(2, 3, 5, 6), normal(4, 3, 3, 2), normal(4)], 0),
    Case("Conv2d, same", _module("Conv2d", 2, 4, (3, 2), padding="same", padding_mode="replicate",
                                 groups=2, bias=False),
         [normal(2, 2, 5, 6), normal(4, 1, 3, 2)], 0),
    Case("Conv3d", _module("Conv3d", 2, 3, 2, 2, 1), [normal(1, 2, 4, 3, 4),
                                                     normal(3, 2, 2, 2, 2), normal(3)], 0),
    Case("ConvTranspose1d", _module("ConvTranspose1d", 3, 4, 3, 2, 1, 1),
         [normal(2, 3, 5), normal(3, 4, 3), normal(4)], 0),
    Case("ConvTranspose2d", _module("ConvTranspose2d", 4, 4, (3, 2), 2, groups=2),
         [normal(2, 4, 3, 4), normal(4, 2, 3, 2), normal(4)], 0),
    Case("ConvTranspose3d", _module("ConvTranspose3d", 2, 2, 2, 2, bias=False),
         [normal(1, 2, 2, 3, 2), normal(2, 2, 2, 2, 2)], 0),
    Case("ConvTranspose2d, output_size", lambda T, x: [
        T.nn.ConvTranspose2d(3, 2, 3, 2, 1)(x, output_size=size).shape
        for size in ((9, 12), (10, 11), (2, 2, 9, 11))], [normal(2, 3, 5, 6)], 0),
    Case("pads", _pads, [normal(2, 3, 4)], 1),
    Case("layers", _layers, [distinct(2, 3, 7, 6)], 1),
]  # fmt: skip

CASES = [*CONVOLUTIONS, *TRANSPOSED, *POOLS, *PADDINGS, *MODULES]
