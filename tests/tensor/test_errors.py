# ruff: noqa: E501 (tables: one line a case)
"""Bad input is an error at the line that caused it, naming the op, the values and the way out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, config, jit
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
    "shifted_float": (lambda: 1.5 << Tensor([1]), DtypeError, r"\[lshift\] needs integers, got 1.5 and int64"),
    "shift_float": (lambda: Tensor([1]) << Tensor([1.0]), DtypeError, r"\[lshift\] needs integers, got int64 and float32"),
    "linear": (lambda: X.linear(Tensor.zeros(5, 4)), ShapeError, r"\[linear\]"),
    "cat": (lambda: Tensor.cat([X, Tensor.zeros(2, 4)]), ShapeError, r"\[cat\] shapes \(2, 3\) and \(2, 4\)"),
    "cat_none": (lambda: Tensor.cat([]), ShapeError, r"\[cat\] needs at least one"),
    "stack": (lambda: Tensor.stack([X, Tensor.zeros(3)]), ShapeError, r"\[stack\]"),
    "split": (lambda: X.split((1, 1), 1), ShapeError, "do not add up to the 3 of dim 1"),
    "index": (lambda: X[2], AxisError, r"\[getitem\] index 2 is out of range for dim 0 of shape \(2, 3\)"),
    "too_many_indices": (lambda: X[0, 0, 0], AxisError, "3 indices"),
    "two_ellipses": (lambda: X[..., ...], AxisError, "one ellipsis"),
    "index_float": (lambda: X[0.5], DtypeError, r"cannot index with 0\.5"),
    "index_mask": (lambda: X[Tensor([True])], ShapeError, r"\[getitem\] a mask of shape \(1,\) does not fit dims \(2,\)"),
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
    "device": (lambda: Tensor([1], device="TPU"), DeviceError, "unknown backend 'TPU'"),
    "pad": (lambda: X.pad((1, 2, 3)), ShapeError, r"\[pad\]"),
    "pad_mode": (lambda: X.pad((1, 1), mode="mirror"), ValueRangeError, r"\[pad\] mode"),
    "flatten": (lambda: X.flatten(1, 0), AxisError, r"\[flatten\]"),
    "shift": (lambda: Tensor([1]) << -1, ValueRangeError, "cannot shift int64 by -1"),
    "round_int": (lambda: Tensor([1]).round(2), ValueRangeError, r"\[round\]"),
    "tril": (lambda: Tensor([1.0]).tril(), ShapeError, r"\[tril\] needs 2 dims"),
    "matmul_batch": (lambda: Tensor.zeros(2, 3, 4) @ Tensor.zeros(5, 4, 6), ShapeError, r"\[matmul\] shapes \(2, 3, 4\) and \(5, 4, 6\) are stacks of \(2,\) and \(5,\) matrices.*given self: float32 \(2, 3, 4\), other: float32 \(5, 4, 6\)"),
    "matmul_reflected": (lambda: np.zeros((5, 2), np.float64) @ Tensor.zeros(3), ShapeError, r"\[matmul\] shapes \(5, 2\) and \(3,\).*given self: float64 \(5, 2\), other: float32 \(3,\)"),
    "operand_dtypes": (lambda: X + Tensor([1, 2]), ShapeError, r"given self: float32 \(2, 3\), other: int64 \(2,\)"),
    "operand_string": (lambda: X.mul("a"), ArgumentError, r"\[mul\] other must be a Tensor or a number, got 'a' \(str\)"),
    "alias": (lambda: X.multiply(Tensor.zeros(4)), ShapeError, r"^\[multiply\]"),
    "view": (lambda: X.view(7), ShapeError, r"^\[view\] cannot view shape \(2, 3\)"),
    "view_as": (lambda: X.view_as(IMAGE), ShapeError, r"^\[view_as\]"),
    "expand_as": (lambda: X.expand_as(IMAGE), ShapeError, r"^\[expand_as\]"),
    "broadcast_to": (lambda: X.broadcast_to(2, 4), ShapeError, r"^\[broadcast_to\]"),
    "masked_fill": (lambda: X.masked_fill(X, 0.0), DtypeError, r"^\[masked_fill\] the condition must be bool"),
    "allclose": (lambda: X.allclose(Tensor.zeros(4)), ShapeError, r"^\[allclose\]"),
    "layer_norm_dtype": (lambda: Tensor([[1]]).layer_norm((1,)), DtypeError, r"^\[layer_norm\] needs a float"),
    "linear_bias": (lambda: X.linear(X, Tensor.zeros(3)), ShapeError, r"\[linear\] bias must have shape \(2,\) .*not \(3,\)"),
    "group_norm_weight": (lambda: IMAGE.group_norm(3, Tensor.zeros(2)), ShapeError, r"\[group_norm\] weight must have shape \(3,\), not \(2,\)"),
    "batch_norm_running": (lambda: IMAGE.batch_norm(Tensor.zeros(2), None, training=True), ShapeError, r"\[batch_norm\] running_mean must have shape \(3,\), not \(2,\)"),
    "attention_value": (lambda: X.scaled_dot_product_attention(X, IMAGE), ShapeError, r"query \(2, 3\), key \(2, 3\) and value \(1, 3, 8, 8\) do not fit"),
    "attention_mask": (lambda: X.scaled_dot_product_attention(X, X, Tensor.zeros(5)), ShapeError, r"attn_mask of shape \(5,\) does not broadcast .*\(2, 2\)"),
    "mT": (lambda: LABELS.mT, ShapeError, r"^\[mT\] needs 2 dims"),
    "axis_float": (lambda: X.sum(1.5), ArgumentError, r"\[sum\] dim must be an integer, a sequence of integers or None, got 1\.5"),
    "axis_bool": (lambda: X.softmax(True), ArgumentError, r"\[softmax\] dim must be an integer or None, got True"),
    "axes_float": (lambda: X.permute(0, 1.0), ArgumentError, r"\[permute\] sizes must be integers"),
    "keepdim": (lambda: X.sum(0, "no"), ArgumentError, r"\[sum\] keepdim must be True or False, got 'no'"),
    "sizes_float": (lambda: Tensor.zeros(2.5), ArgumentError, r"\[zeros\] sizes must be integers, got \(2\.5,\)"),
    "sizes_bool": (lambda: Tensor.zeros(True), ArgumentError, r"\[zeros\] sizes must be integers"),
    "sizes_mapping": (lambda: Tensor.zeros({}), ArgumentError, r"\[zeros\] sizes must be integers"),
    "sizes_negative": (lambda: Tensor.ones(-1), ShapeError, r"\[ones\] sizes must not be negative, got \(-1,\)"),
    "sizes_large": (lambda: Tensor.zeros(2**40, 2**40), ShapeError, "more elements than 64 bits can count"),
    "eye_negative": (lambda: Tensor.eye(-1), ShapeError, r"\[eye\]"),
    "arange_infinite": (lambda: Tensor.arange(float("inf")), ValueRangeError, r"\[arange\] end must be finite, got inf"),
    "arange_step": (lambda: Tensor.arange(0, 5, 0), ValueRangeError, r"\[arange\] step must not be 0"),
    "arange_whole_step": (lambda: Tensor.arange(0, 1, 0.25, dtype="int64"), ValueRangeError, "step must not be 0, got 0.25 for int64"),
    "linspace_steps": (lambda: Tensor.linspace(0, 1, 2.5), ArgumentError, r"\[linspace\] steps must be an integer, got 2\.5"),
    "cat_numbers": (lambda: Tensor.cat([X, 3]), ArgumentError, r"\[cat\] tensors must be Tensors, in a sequence or one by one, got 3 \(int\)"),
    "realize_numbers": (lambda: X.realize(3), ArgumentError, r"\[realize\] expected a Tensor, got 3 \(int\)"),
    "pad_float": (lambda: X.pad((1, 0.5)), ArgumentError, r"\[pad\] pad must be"),
    "one_hot_classes": (lambda: LABELS.one_hot(-7), ValueRangeError, r"\[one_hot\] num_classes must be at least -1"),
    "padding_idx": (lambda: LABELS.embedding(Tensor.zeros(4, 2), padding_idx=4), ValueRangeError, r"\[embedding\] padding_idx must be from -4 to 3, got 4"),
    "round_far": (lambda: X.round(400), ValueRangeError, r"\[round\] decimals must be from -308 to 308"),
    "dropout_p": (lambda: X.dropout(1.5), ValueRangeError, r"\[dropout\] p must be from 0 to 1, got 1\.5"),
    "to_nowhere": (lambda: X.to("nowhere"), DeviceError, "unknown backend 'nowhere'"),
    "device_like": (lambda: X.to("GPV"), DeviceError, r"unknown backend 'GPV' \(did you mean GPU\?\)"),
    "dtype": (lambda: X.cast("nothing"), DtypeError, r"\[cast\] 'nothing' is not a dtype of lazygrad; known: bool"),
    "dtype_tensor": (lambda: Tensor.zeros(2, dtype=X), DtypeError, r"(?s)\[zeros\] .*is not a dtype"),
    "grad_number": (lambda: setattr(X, "grad", 3), ArgumentError, r"\[grad\] a gradient must be a Tensor or None, got 3 \(int\)"),
    "grad_shape": (lambda: setattr(X, "grad", LABELS), ShapeError, r"float32 \(2, 3\) on CPU; got int64 \(2,\) on CPU"),
    "data_text": (lambda: Tensor("a"), DtypeError, r"\[Tensor\] cannot make a tensor of dtype <U1; give numbers"),
    "data_none": (lambda: Tensor([1, None]), DtypeError, r"\[Tensor\] cannot make a tensor of NoneType"),
    "data_objects": (lambda: Tensor(np.array([1], object)), DtypeError, r"\[Tensor\] cannot make a tensor of an object array"),
    "data_ragged": (lambda: Tensor([[1], [1, 2]]), ShapeError, r"\[Tensor\] the rows of nested data must have equal lengths"),
    "cotangent": (lambda: Tensor([1.0], requires_grad=True).backward(Tensor([1.0, 2.0])), ShapeError, r"\[backward\]"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_error(name: str) -> None:
    function, kind, message = CASES[name]
    with pytest.raises(kind, match=message):
        function()


INT64, TOO_LARGE = "-9223372036854775808 to 9223372036854775807", 2**70
UNFIT: dict[str, tuple[Callable[[], Any], str]] = {
    "number": (lambda: Tensor(300, dtype="uint8"), r"\[Tensor\] 300 does not fit uint8, which holds 0 to 255"),
    "negative": (lambda: Tensor([5, -1], dtype="uint8"), "-1 does not fit uint8"),
    "float": (lambda: Tensor(128.0, dtype="int8"), "128.0 does not fit int8, which holds -128 to 127"),
    "nan": (lambda: Tensor([1.0, float("nan")], dtype="int64"), "nan does not fit int64"),
    "infinity": (lambda: Tensor(float("-inf"), dtype="int32"), "-inf does not fit int32"),
    "array": (lambda: Tensor(np.array([1, 70000]), dtype="int16"), "70000 does not fit int16"),
    "float_array": (lambda: Tensor(np.array([-1.5]), dtype="uint32"), "-1.5 does not fit uint32"),
    "long": (lambda: Tensor(TOO_LARGE), f"1180591620717411303424 does not fit int64, which holds {INT64}"),
    "longs": (lambda: Tensor([[1, TOO_LARGE]]), "does not fit int64"),
    "unsigned": (lambda: Tensor(2**63), "9223372036854775808 does not fit int64"),
    "full": (lambda: Tensor.full((2,), 300, dtype="uint8"), r"\[full\] 300 does not fit uint8"),
    "full_float": (lambda: Tensor.full((2,), 7e4, dtype="float16"), "70000.0 does not fit float16, which holds -65504.0 to 65504.0"),
    "full_bfloat16": (lambda: Tensor.full((2,), 3.4e38, dtype="bfloat16"), "3.4e\\+38 does not fit bfloat16"),
    "full_like": (lambda: LABELS.full_like(TOO_LARGE), r"\[full_like\] .*does not fit int64"),
    "fill": (lambda: Tensor([1]).byte().fill_(-1), r"\[fill_\] -1 does not fit uint8"),
    "assign": (lambda: Tensor([1]).byte().assign([256]), r"\[assign\] 256 does not fit uint8"),
    "copy": (lambda: Tensor([1]).byte().copy_(256), r"\[copy_\] 256 does not fit uint8"),
    "masked_fill": (lambda: LABELS.byte().masked_fill(LABELS > 0, 256), r"\[masked_fill\] 256 does not fit uint8"),
    "pad": (lambda: LABELS.byte().pad((1, 1), value=256), r"\[pad\] 256 does not fit uint8"),
    "arange": (lambda: Tensor.arange(257, dtype="uint8"), r"\[arange\] 256 does not fit uint8"),
    "arange_start": (lambda: Tensor.arange(-1, 5, dtype="uint8"), r"\[arange\] -1 does not fit uint8"),
    "linspace": (lambda: Tensor.linspace(0, 300, 2, dtype="uint8"), r"\[linspace\] 300 does not fit uint8"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNFIT)
def test_a_number_that_does_not_fit_is_an_error(name: str) -> None:
    function, message = UNFIT[name]
    with pytest.raises(ValueRangeError, match=message):
        function()


def test_numbers_that_just_fit(device: str) -> None:
    for dtype, numbers, kept in [
        ("uint8", [0, 255], [0, 255]), ("uint8", [-0.9, 255.9], [0, 255]), ("int64", 1.9, 1),
        ("int8", np.array([-128.0, 127.0]), [-128, 127]), ("float16", [float("inf")], [float("inf")]),
        ("uint64", [2**64 - 1], [2**64 - 1]), ("float32", 2**70, float(2**70)),
        ("bool", [300, -1, 0], [True, True, False]),
    ]:  # fmt: skip
        assert Tensor(numbers, dtype=dtype, device=device).tolist() == kept
    assert Tensor.arange(256, dtype="uint8", device=device)[-1].item() == 255
    assert Tensor.full((1,), float("inf"), dtype="float16", device=device).item() == float("inf")
    assert Tensor([3]).dtype.name == Tensor([2**62]).dtype.name == "int64"


def test_a_gradient_like_the_tensor_is_taken() -> None:
    x = Tensor([1.0, 2.0])
    x.grad = Tensor([3.0, 4.0])
    assert x.grad.tolist() == [3.0, 4.0]
    x.grad = None
    assert x.grad is None


def test_devices_in_either_case() -> None:
    assert Tensor([1.0], device="cpu").device == "CPU"
    assert Tensor([1.0]).to("cpu").device == "CPU"
    with config(backend="cpu"):
        assert Tensor([1.0]).device == "CPU"


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
