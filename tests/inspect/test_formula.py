"""Kernels as formulas and plain loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lazygrad import Tensor, inspect, where
from lazygrad.inspect.formula import buffers_of, formula, plain_loops

X = np.arange(12, dtype=np.float32).reshape(3, 4)


def forms(make: Callable[[Tensor], Tensor]) -> tuple[str, str]:
    """Formula and loops of the last kernel of a value."""
    x = Tensor(X, device="CPU").realize()
    value = make(x)
    (step,), kernel = inspect.steps(value), inspect.kernels(value)[-1]
    buffers = buffers_of(kernel, step, step.kernels[-1])
    return formula(kernel, buffers), plain_loops(kernel, buffers)


CASES = {
    "elementwise": (
        lambda x: -x.exp() + 1,
        "value[i0, i1] = -exp(x[i0, i1]) + 1.0\n    for i0 < 3, i1 < 4",
        "for i0 < 3, i1 < 4:\n    value[i0, i1] = -exp(x[i0, i1]) + 1.0",
    ),
    "softmax": (
        lambda x: x.softmax(1),
        "max0 = max[k0](x[i0, k0])\n"
        "value[i0, j0] = exp(x[i0, j0] - max0) / sum[k1](exp(x[i0, k1] - max0))\n"
        "    for i0 < 3, j0 < 4, k0 < 4, k1 < 4",
        """for i0 < 3:
    max0 = -inf
    for k0 < 4:
        max0 = max(max0, x[i0, k0])
    sum0 = 0
    for k1 < 4:
        sum0 += exp(x[i0, k1] - max0)
    for j0 < 4:
        value[i0, j0] = exp(x[i0, j0] - max0) / sum0""",
    ),
    "product": (
        lambda x: (x @ x.T - 0.1).relu(),
        "value[i0, i1] = max(sum[k0](x[i0, k0] * x[i1, k0]) - 0.1, 0.0)\n"
        "    for i0 < 3, i1 < 3, k0 < 4",
        """for i0 < 3, i1 < 3:
    sum0 = 0
    for k0 < 4:
        sum0 += x[i0, k0] * x[i1, k0]
    value[i0, i1] = max(sum0 - 0.1, 0.0)""",
    ),
    "padded": (
        lambda x: x.pad((1, 1)) * 2,
        "value[i0, i1] = (x[i0, i1 - 1] if 0 <= i1 - 1 < 4 else 0) * 2.0\n    for i0 < 3, i1 < 6",
        "for i0 < 3, i1 < 6:\n"
        "    value[i0, i1] = (x[i0, i1 - 1] if 0 <= i1 - 1 < 4 else 0) * 2.0",
    ),
    "chosen": (
        lambda x: where((x == 2) | ~(x < 1), x, 0),
        "value[i0, i1] = where(x[i0, i1] == 2.0 or not (x[i0, i1] < 1.0), x[i0, i1], 0.0)\n"
        "    for i0 < 3, i1 < 4",
        None,
    ),
    "picked": (
        lambda x: x[x[0].long()[:2]],
        "cast0 = int64(x[0, i0])\n"
        "chosen0 = where(cast0 < 0, cast0 + 3, cast0)\n"
        "value[i0, i1] = where(chosen0 < 0 or 2 < chosen0, nan, "
        "x[chosen0, i1] if 0 <= chosen0 < 3 else 0)\n"
        "    for i0 < 2, i1 < 4",
        None,
    ),
    "turned": (
        lambda x: x.T.reshape(2, 6).flip(0).contiguous(),
        "value[i0, 3*i1 + i2] = x[i2, -2*i0 + i1 + 2]\n    for i0 < 2, i1 < 2, i2 < 3",
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "equation", "loops"), CASES.values(), ids=CASES)
def test_kernels_as_people_write_them(
    make: Callable[[Tensor], Tensor], equation: str, loops: str | None
) -> None:
    found = forms(make)
    assert found[0] == equation
    assert loops is None or found[1] == loops


def test_plain_loops_compute_what_the_kernel_computes() -> None:
    """As Python, with nothing but loops put in its words."""
    x = Tensor(X, device="CPU").realize()
    value = ((x * 3).softmax(1) @ x.T + x.sum(1, keepdim=True)).relu()
    expected = value.numpy()
    value = ((x * 3).softmax(1) @ x.T + x.sum(1, keepdim=True)).relu()
    (step,) = inspect.steps(value)
    held: dict[str, np.ndarray] = {}
    for row, kernel in zip(step.kernels, inspect.kernels(value), strict=True):
        buffers = buffers_of(kernel, step, row)
        for buffer in buffers:
            held.setdefault(buffer.name, np.zeros(buffer.shape, np.float32))
        held["x"] = X
        exec(python_of(plain_loops(kernel, buffers)), {"inf": np.inf, "exp": np.exp}, held)
    np.testing.assert_allclose(held["value"], expected, rtol=1e-5)


def python_of(loops: str) -> str:
    """``for i < 3, j < 4:`` as loops of Python in one line each."""
    lines, depths = [], [0]
    for line in loops.splitlines():
        depth = (len(line) - len(line.lstrip())) // 4
        del depths[depth + 1 :]
        indent = depths[depth]
        if not line.lstrip().startswith("for "):
            lines.append(" " * indent + line.strip())
            continue
        for each in line.strip()[4:-1].split(", "):
            name, _, size = each.partition(" < ")
            lines.append(" " * indent + f"for {name} in range({size}):")
            indent += 1
        depths.append(indent)
    return "\n".join(lines)
