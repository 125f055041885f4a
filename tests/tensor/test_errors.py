# ruff: noqa: E501 (tables: one line a case)
"""Bad input is an error at the line that caused it, naming the op, the values and the way out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit
from lazygrad.errors import (
    ArgumentError,
    AxisError,
    DeviceError,
    DtypeError,
    JitError,
    LazygradError,
    ShapeError,
    ValueRangeError,
)

X = Tensor.zeros(2, 3)
IMAGE = Tensor.zeros(1, 3, 8, 8)
LABELS = Tensor([0, 3])
CASES: dict[str, tuple[Callable[[], Any], type[LazygradError], str]] = {
    "broadcast": (lambda: X + Tensor.zeros(4), ShapeError, r"\[add\] shapes \(2, 3\) and \(4,\) do not broadcast"),
    "axis": (lambda: X.sum(2), AxisError, r"\[sum\] dim 2 is out of range .* 2 dim"),
    "axis_twice": (lambda: X.mean((0, -2)), AxisError, "names an axis twice"),
    "reshape": (lambda: X.reshape(4, 2), ShapeError, r"\[reshape\] cannot view shape \(2, 3\) .*\(4, 2\)"),
    "reshape_two_unknown": (lambda: X.reshape(-1, -1), ShapeError, "only one size can be -1"),
    "expand": (lambda: X.expand(2, 4), ShapeError, r"\[expand\] .*\(2, 3\) .*\(2, 4\)"),
    "permute": (lambda: X.permute(0, 0), AxisError, r"\[permute\]"),
    "matmul": (lambda: X @ X, ShapeError, r"\[matmul\] shapes \(2, 3\) and \(2, 3\) do not fit: 3 columns .* 2 rows"),
    "matmul_scalar": (lambda: X @ Tensor(1.0), ShapeError, r"\[matmul\].*use \*"),
    "not_a_tensor": (lambda: X.matmul([1, 2]), ArgumentError, r"\[matmul\] other must be a Tensor, got \[1, 2\] \(list\)"),
    "labels_as_list": (lambda: X.cross_entropy([0, 1]), ArgumentError, r"\[cross_entropy\] target must be a Tensor, got \[0, 1\] \(list\)"),
    "shift_tensor": (lambda: Tensor([1]) << Tensor([1]), DtypeError, r"\[lshift\] shifts by a Python integer"),
    "linear": (lambda: X.linear(Tensor.zeros(5, 4)), ShapeError, r"\[linear\]"),
    "cat": (lambda: Tensor.cat([X, Tensor.zeros(2, 4)]), ShapeError, r"\[cat\] shapes \(2, 3\) and \(2, 4\)"),
    "cat_none": (lambda: Tensor.cat([]), ShapeError, r"\[cat\] needs at least one"),
    "stack": (lambda: Tensor.stack([X, Tensor.zeros(3)]), ShapeError, r"\[stack\]"),
    "split": (lambda: X.split((1, 1), 1), ShapeError, "do not add up to the 3 of dim 1"),
    "index": (lambda: X[2], AxisError, r"\[getitem\] index 2 is out of range for dim 0 of shape \(2, 3\)"),
    "too_many_indices": (lambda: X[0, 0, 0], AxisError, "3 indices"),
    "two_ellipses": (lambda: X[..., ...], AxisError, "one ellipsis"),
    "index_float": (lambda: X[0.5], DtypeError, r"cannot index with 0\.5"),
    "index_mask": (lambda: X[X > 0], DtypeError, "mask.*where"),
    "index_tensor": (lambda: X[Tensor([0, 5])], ValueRangeError, r"\[getitem\] indices must be in \[-2, 2\), got values from 0 to 5"),
    "gather_range": (lambda: X.gather(1, Tensor([[3]])), ValueRangeError, r"\[gather\]"),
    "gather_shape": (lambda: X.gather(1, Tensor([0])), ShapeError, r"\[gather\]"),
    "embedding": (lambda: Tensor([5]).embedding(X), ValueRangeError, r"\[embedding\] labels must be in \[0, 2\)"),
    "one_hot": (lambda: Tensor([5]).one_hot(3), ValueRangeError, r"\[one_hot\]"),
    "label": (lambda: X.cross_entropy(LABELS), ValueRangeError, r"\[cross_entropy\] labels must be in \[0, 3\), got values from 0 to 3"),
    "label_negative": (lambda: X.nll_loss(Tensor([-1, 0])), ValueRangeError, r"\[nll_loss\] labels"),
    "label_ignored": (lambda: X.cross_entropy(Tensor([-100, 7])), ValueRangeError, "from 7 to 7"),
    "label_shape": (lambda: X.cross_entropy(Tensor([0])), ShapeError, r"must have shape \(2,\), not \(1,\)"),
    "label_dtype": (lambda: X.nll_loss(Tensor([0.0, 1.0])), DtypeError, "must be integers"),
    "probabilities": (lambda: X.cross_entropy(Tensor([0.0, 1.0])), ShapeError, "shape of the scores"),
    "reduction": (lambda: X.mse_loss(X, "total"), ValueRangeError, r"\[mse_loss\] reduction must be one of 'none', 'mean', 'sum'"),
    "smoothing": (lambda: X.cross_entropy(Tensor([0, 1]), label_smoothing=2.0), ValueRangeError, "label_smoothing"),
    "item": (lambda: X.item(), ShapeError, r"\[item\]"),
    "mean_int": (lambda: Tensor([1, 2]).mean(), DtypeError, r"\[mean\] needs a float dtype, got int64"),
    "empty_max": (lambda: Tensor.zeros(0, 3).max(), ShapeError, r"\[max\].*size 0 of \(0, 3\)"),
    "empty_argmax": (lambda: Tensor.zeros(2, 0).argmax(1), ShapeError, r"\[argmax\]"),
    "sub_bool": (lambda: (X > 0) - (X > 0), DtypeError, r"\[sub\] is not defined for bool"),
    "and_float": (lambda: X & X, DtypeError, r"\[bitwise_and\] needs integers or bools, got float32"),
    "where": (lambda: X.where(X, X), DtypeError, r"\[where\] the condition must be bool"),
    "pow_int": (lambda: Tensor([2]) ** -1, ValueRangeError, r"\[pow\].*negative exponent"),
    "gelu": (lambda: X.gelu("fast"), ValueRangeError, r"\[gelu\] approximate"),
    "rounding": (lambda: X.div(2, rounding_mode="up"), ValueRangeError, r"\[div\] rounding_mode"),
    "conv_channels": (lambda: IMAGE.conv2d(Tensor.zeros(4, 2, 3, 3)), ShapeError, r"\[conv2d\] input of shape \(1, 3, 8, 8\) and weight of shape \(4, 2, 3, 3\): expected input with 2"),
    "conv_dims": (lambda: X.conv2d(Tensor.zeros(4, 2, 3, 3)), ShapeError, "input of 3 or 4 dims"),
    "conv_size": (lambda: IMAGE.conv2d(Tensor.zeros(4, 3, 9, 9)), ShapeError, "9 elements does not fit a dim of size 8"),
    "conv_groups": (lambda: IMAGE.conv2d(Tensor.zeros(4, 3, 3, 3), groups=2), ShapeError, "groups=2"),
    "conv_padding": (lambda: IMAGE.conv2d(Tensor.zeros(4, 3, 3, 3), padding="full"), ValueRangeError, '"same" or "valid"'),
    "conv_same_stride": (lambda: IMAGE.conv2d(Tensor.zeros(4, 3, 3, 3), padding="same", stride=2), ValueRangeError, "stride 1"),
    "conv_bias": (lambda: IMAGE.conv2d(Tensor.zeros(4, 3, 3, 3), Tensor.zeros(3)), ShapeError, r"bias of shape \(4,\), not \(3,\)"),
    "pool_stride": (lambda: IMAGE.max_pool2d(2, 0), ValueRangeError, r"\[max_pool2d\] stride"),
    "pool_padding": (lambda: IMAGE.max_pool2d(2, padding=2), ValueRangeError, "at most half"),
    "batch_norm_one": (lambda: Tensor.zeros(1, 4).batch_norm(None, None, training=True), ShapeError, "more than one value"),
    "layer_norm": (lambda: X.layer_norm((2,)), ShapeError, r"\[layer_norm\] shape \(2, 3\) does not end with \(2,\)"),
    "device": (lambda: Tensor([1], device="XPU"), DeviceError, "unknown backend 'XPU'"),
    "pad": (lambda: X.pad((1, 2, 3)), ShapeError, r"\[pad\]"),
    "pad_mode": (lambda: X.pad((1, 1), mode="reflect"), ValueRangeError, r"\[pad\] mode"),
    "flatten": (lambda: X.flatten(1, 0), AxisError, r"\[flatten\]"),
    "shift": (lambda: Tensor([1]) << 64, ValueRangeError, "cannot shift int64 by 64"),
    "round_int": (lambda: Tensor([1]).round(2), ValueRangeError, r"\[round\]"),
    "tril": (lambda: Tensor([1.0]).tril(), ShapeError, r"\[tril\] needs 2 dims"),
    "cotangent": (lambda: Tensor([1.0], requires_grad=True).backward(Tensor([1.0, 2.0])), ShapeError, r"\[backward\]"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_error(name: str) -> None:
    function, kind, message = CASES[name]
    with pytest.raises(kind, match=message):
        function()


def test_errors_are_also_the_built_in_ones() -> None:
    with pytest.raises(IndexError):
        X[5]
    with pytest.raises(ValueError):
        X.reshape(7)
    with pytest.raises(TypeError):
        X & X
    with pytest.raises(TypeError, match="unsupported operand"):
        X @ 2


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(), lambda x: x.numpy(), lambda x: bool(x.sum()),
        lambda x: float(x.sum()), lambda x: x.tolist(), np.asarray,
    ],
)  # fmt: skip
def test_values_are_not_read_inside_jit(read: Callable[[Tensor], Any]) -> None:
    @jit
    def step(x: Tensor) -> Tensor:
        read(x)
        return x

    with pytest.raises(
        JitError, match=r"\[jit\] the value .* is needed while the function is traced"
    ):
        step(Tensor([1.0, 2.0]))


def test_wrong_labels_that_were_computed_give_nan() -> None:
    scores = Tensor([[1.0, 2.0], [3.0, 4.0]])
    loss = scores.cross_entropy(Tensor([0, 1]) + 1, reduction="none")
    np.testing.assert_array_equal(np.isnan(loss.numpy()), [False, True])
    rows = Tensor([[1.0], [2.0]])[Tensor([0, 1]) * 2]
    np.testing.assert_array_equal(np.isnan(rows.numpy()), [[False], [True]])
