"""Small rewrites of expressions into what NumPy has a faster call for."""

from __future__ import annotations

from dataclasses import replace

from lazygrad.plugin import Expr, Kernel, ops
from lazygrad.plugin import dtype as dt
from lazygrad.plugin import expr as ex

SUBTRACT = ex.KernelOp("SUBTRACT", "src[0] - src[1]")


def with_subtractions(kernel: Kernel) -> Kernel:
    """``a + b * -1``, which is how the graph writes it, becomes ``a - b``."""

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        if value.op is ops.ADD and value.dtype.kind in (dt.SIGNED, dt.FLOAT):
            for kept, other in (src, src[::-1]):
                if other.op is ops.MUL and any(_is_minus_one(f) for f in other.src):
                    positive = next((f for f in other.src if not _is_minus_one(f)), other.src[0])
                    return ex.extension(SUBTRACT, (kept, positive), None, value.dtype)
        return ex.rebuild(value, src, value.arg)

    values = ex.transform(kernel.values, visit)
    outputs = tuple(replace(o, value=v) for o, v in zip(kernel.outputs, values, strict=True))
    return replace(kernel, outputs=outputs)


def _is_minus_one(e: Expr) -> bool:
    return e.op is ex.LITERAL and e.arg == -1
