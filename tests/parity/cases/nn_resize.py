"""Images of other sizes, images sampled anywhere, and channels rearranged."""

from __future__ import annotations

from typing import Any

from tests.parity.case import FLOATS, Case, normal, uniform


def _resized(label: str, x: tuple[int, ...], order: int = 2, **options: Any) -> Case:
    def call(T: Any, image: Any) -> Any:
        return T.nn.functional.interpolate(image, **options)

    mode = options.get("mode", "nearest")
    dtypes = FLOATS if "align_corners" not in options else ("float32",)
    return Case(f"interpolate, {mode}, {label}", call, [normal(*x)], order, dtypes, atol=1e-5)


LINE, IMAGE, VOLUME = (2, 3, 7), (2, 3, 5, 6), (1, 2, 3, 4, 3)
NEAREST = [
    _resized(label, shape, order=1, mode=mode, **options)
    for mode in ("nearest", "nearest-exact")
    for label, shape, options in [
        ("twice", LINE, {"scale_factor": 2}), ("half", LINE, {"scale_factor": 0.5}),
        ("size", LINE, {"size": 10}), ("image", IMAGE, {"size": (7, 4)}),
        ("scales", IMAGE, {"scale_factor": (1.7, 3.0)}),
        ("recomputed", IMAGE, {"scale_factor": 1.3, "recompute_scale_factor": True}),
        ("volume", VOLUME, {"scale_factor": 2.0}), ("same", IMAGE, {"size": (5, 6)}),
    ]
]  # fmt: skip
SMOOTH = [
    _resized(f"{label}, {align}", shape, order=order, mode=mode, align_corners=align, **options)
    for align in (False, True)
    for label, mode, shape, order, options in [
        ("more", "linear", LINE, 2, {"size": 12}), ("less", "linear", LINE, 1, {"size": 4}),
        ("one", "linear", LINE, 1, {"size": 1}),
        ("scale", "linear", LINE, 1, {"scale_factor": 1.6}),
        ("twice", "bilinear", IMAGE, 2, {"scale_factor": 2}),
        ("less", "bilinear", IMAGE, 1, {"size": (3, 4)}),
        ("recomputed", "bilinear", IMAGE, 1,
         {"scale_factor": 1.3, "recompute_scale_factor": True}),
        ("twice", "bicubic", IMAGE, 2, {"scale_factor": 2}),
        ("odd", "bicubic", IMAGE, 1, {"size": (8, 3)}),
        ("twice", "trilinear", VOLUME, 1, {"scale_factor": 2}),
        ("odd", "trilinear", VOLUME, 1, {"size": (4, 2, 5)}),
    ]
]  # fmt: skip
OTHERS = [
    _resized("line", LINE, order=1, mode="area", size=4),
    _resized("image", IMAGE, order=1, mode="area", scale_factor=1.5),
    _resized("volume", VOLUME, order=1, mode="area", size=2),
    *(_resized(f"antialias, {size}, {align}", (1, 2, 9, 8), order=1, mode=mode, antialias=True,
               size=size, align_corners=align)
      for mode in ("bilinear", "bicubic") for size in ((4, 3), (12, 5)) for align in (False, True)),
    Case("interpolate, half", lambda T, x: [T.nn.functional.interpolate(x, scale_factor=2, mode=m)
                                            for m in ("nearest", "bilinear", "bicubic")],
         [normal(*IMAGE)], 0, ("float16",), rtol=8e-3, atol=8e-3),
]  # fmt: skip


def _sampled(mode: str, padding: str, align: bool, volume: bool = False) -> Case:
    x, grid = ((1, 2, 3, 4, 3), (1, 2, 3, 2, 3)) if volume else ((2, 2, 4, 5), (2, 3, 4, 2))

    def call(T: Any, image: Any, places: Any) -> Any:
        return T.nn.functional.grid_sample(image, places, mode, padding, align)

    name = f"grid_sample, {mode}, {padding}, {align}{', volume' * volume}"
    return Case(name, call, [normal(*x), uniform(-1.6, 1.6, *grid)], 1, atol=1e-5)


SAMPLED = [
    _sampled(mode, padding, align)
    for mode in ("bilinear", "nearest", "bicubic")
    for padding in ("zeros", "border", "reflection")
    for align in (False, True)
] + [
    _sampled(mode, padding, padding == "border", volume=True)
    for mode in ("bilinear", "nearest")
    for padding in ("zeros", "border", "reflection")
]


def _shuffled(T: Any, x: Any) -> Any:
    nn, F = T.nn, T.nn.functional
    return [
        F.pixel_shuffle(x, 2), F.pixel_unshuffle(x, 3), F.channel_shuffle(x, 4),
        nn.PixelShuffle(2)(x), nn.PixelUnshuffle(3)(x[0]), nn.ChannelShuffle(2)(x),
    ]  # fmt: skip


def _layers(T: Any, x: Any) -> Any:
    nn = T.nn
    return [
        nn.Upsample(scale_factor=2)(x), nn.Upsample((7, 3), mode="bilinear", align_corners=True)(x),
        nn.UpsamplingNearest2d(scale_factor=3)(x), nn.UpsamplingBilinear2d(size=(4, 9))(x),
        nn.Upsample(scale_factor=1.5, mode="bicubic")(x),
    ]  # fmt: skip


CASES = [
    *NEAREST,
    *SMOOTH,
    *OTHERS,
    *SAMPLED,
    Case("affine_grid", lambda T, t: [T.nn.functional.affine_grid(t, (2, 3, 4, 5), align)
                                      for align in (False, True)], [normal(2, 2, 3)]),
    Case("affine_grid, volume", lambda T, t: T.nn.functional.affine_grid(t, (2, 3, 2, 4, 1), True),
         [normal(2, 3, 4)], 1),
    Case("shuffles", _shuffled, [normal(2, 8, 3, 6)]),
    Case("layers", _layers, [normal(*IMAGE)], 1),
]  # fmt: skip
