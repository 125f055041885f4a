"""What can be said of tensors without their values."""

from __future__ import annotations

from tests.parity.case import Case, booleans, integers, normal

PAIRS = [("float32", "int64"), ("float16", "bfloat16"), ("bool", "uint8"), ("int8", "uint8"),
         ("int32", "float16"), ("float64", "float32")]  # fmt: skip


def named(dtype: object) -> str:
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


CASES = [
    Case("facts", lambda T, x: [
        T.numel(x), x.dim(), x.ndimension(), x.nelement(), x.element_size(), x.nbytes, x.size(),
        x.size(-1), len(x), T.is_floating_point(x), x.is_signed(), T.is_complex(x),
        T.is_tensor(x), T.is_tensor(3), x.is_same_size(x.t()),
    ], [normal(3, 4)], order=0),
    Case("facts, integers", lambda T, x: [
        T.is_floating_point(x), T.is_signed(x), T.is_signed(x.byte()), x.element_size(),
        T.is_nonzero(x[0]), x[1].is_nonzero() or True,
    ], [integers(1, 3, 2)]),
    Case("char", lambda T, x: x.char(), [integers(-300, 300, 5)]),
    Case("strides", lambda T, x: [
        x.t().stride(), x.t().stride(0), x[1:, 1].storage_offset(), x.is_contiguous(),
        x.t().is_contiguous(), x.is_contiguous(memory_format=T.contiguous_format),
    ], [normal(3, 4)], order=0),
    Case("promote_types", lambda T: [
        named(T.promote_types(getattr(T, a), getattr(T, b))) for a, b in PAIRS if a != "bool"
    ]),
    Case("can_cast", lambda T: [
        T.can_cast(getattr(T, a), getattr(T, b)) for a, b in PAIRS if a != "bool"
    ] + [T.can_cast(T.float64, T.int32), T.can_cast(T.int8, T.float16)]),
    Case("result_type", lambda T, x, i, b: [
        named(T.result_type(x, i)), named(T.result_type(i, 1.5)), named(T.result_type(b, 3)),
        named(T.result_type(2, x)), named(T.result_type(b, i)),
    ], [normal(3), integers(0, 3, 3), booleans(3)], order=0),
    *[
        Case(f"finfo, {name}", lambda T, n=name: [
            getattr(T.finfo(getattr(T, n)), k)
            for k in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution")
        ], rtol=1e-6)
        for name in ("float16", "bfloat16", "float32", "float64")
    ],
    *[
        Case(f"iinfo, {name}", lambda T, n=name: [
            getattr(T.iinfo(getattr(T, n)), k) for k in ("bits", "max", "min")
        ])
        for name in ("uint8", "int8", "int16", "int32", "int64")
    ],
    Case("constants", lambda T: [T.pi, T.e, T.inf, T.nan]),
    Case("new dims", lambda T, x: x[:, T.newaxis], [normal(3)]),
    Case("inference_mode", lambda T, x: T.inference_mode()(lambda v: v * 2)(x), [normal(3)]),
]  # fmt: skip
