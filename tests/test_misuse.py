"""Each kind of wrong call is answered by an error that names what was called, the value, and the
way out; never by one from inside, and never by a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lazygrad
import lazygrad.nn.functional as F
from lazygrad import Tensor, distributions, nn
from lazygrad.data import transforms
from lazygrad.errors import (
    ArgumentError,
    DeviceError,
    DtypeError,
    LazygradError,
    MissingNameError,
    ShapeError,
    ValueRangeError,
)

X = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

WRONG: dict[str, list[tuple[Callable[[], Any], type[LazygradError], str]]] = {
    "sizes given to Tensor": [
        (lambda: Tensor(3, 4), DtypeError, r"sizes \(3, 4\) use Tensor.empty or Tensor.zeros"),
        (
            lambda: Tensor(2, 3, 4),
            ArgumentError,
            r"^\[Tensor\] .*sizes \(2, 3, 4\) use Tensor.empty",
        ),
        (lambda: Tensor(1, 2, 3, 4, 5), ArgumentError, r"sizes \(1, 2, 3, 4, 5\) use Tensor.empty"),
    ],
    "a device that is none": [
        (
            lambda: X.to("cud"),
            DeviceError,
            r"^\[to\] unknown backend 'cud' \(did you mean cuda\?\)",
        ),
        (
            lambda: lazygrad.zeros(2, device="cuda:1"),
            DeviceError,
            r"^\[zeros\] cuda:1 is not there",
        ),
        (lambda: lazygrad.eye(2, device="tpu"), DeviceError, r"^\[eye\] unknown backend 'tpu'"),
        (lambda: X.to(1), DeviceError, r"^\[to\] cuda:1 is not there"),
        (lambda: lazygrad.device(2.5), ArgumentError, r"^\[device\] a device is named by a string"),
        (lambda: nn.Linear(2, 1).to("gpuu"), DeviceError, r"^\[to\] unknown .* \(did you mean GPU"),
    ],
    "a dtype that is none": [
        (lambda: X.to("flaot32"), DtypeError, r"^\[to\] 'flaot32' .*\(did you mean float32\?\)"),
        (lambda: lazygrad.zeros(2, dtype="in32"), DtypeError, r"^\[zeros\] .*did you mean int32"),
        (lambda: lazygrad.finfo("int8"), DtypeError, r"^\[finfo\] int8 is not a dtype of floats"),
        (lambda: lazygrad.iinfo("a"), DtypeError, r"^\[iinfo\] 'a' is not a dtype"),
        (lambda: lazygrad.promote_types("a", "b"), DtypeError, r"^\[promote_types\] 'a' is not"),
    ],
    "what is no Tensor among Tensors": [
        (
            lambda: nn.utils.clip_grad_norm_([3], 1.0),
            ArgumentError,
            r"^\[clip_grad_norm_\] .*\[3\]",
        ),
        (
            lambda: nn.utils.rnn.pad_sequence([X, None]),
            ArgumentError,
            r"^\[pad_sequence\] sequen",
        ),
        (lambda: lazygrad.linalg.multi_dot([X, 3]), ArgumentError, r"^\[multi_dot\] tensors must"),
        (lambda: lazygrad.cat([X, None]), ArgumentError, r"^\[cat\] tensors must be Tensors.*None"),
        (
            lambda: F.linear(X, None),
            ArgumentError,
            r"^\[linear\] weight must be a Tensor, got None",
        ),
    ],
    "a distribution's parameters and values": [
        (
            lambda: distributions.Normal("a", 1.0),
            ArgumentError,
            r"^\[Normal\] loc must be a Tensor or",
        ),
        (
            lambda: distributions.Normal(0.0, 1.0).sample(3),
            ArgumentError,
            r"^\[sample\] sample_shape",
        ),
        (
            lambda: distributions.Uniform(0.0, 1.0).log_prob("a"),
            ArgumentError,
            r"^\[log_prob\] value",
        ),
        (lambda: distributions.Categorical(3), ArgumentError, r"^\[Categorical\] probs must be"),
    ],
    "what is no function or buffer": [
        (lambda: lazygrad.jit(3), ArgumentError, r"^\[jit\] takes a function of tensors, got 3"),
        (lambda: lazygrad.frombuffer(3, dtype="int8"), ArgumentError, r"^\[frombuffer\] .*got 3"),
        (
            lambda: lazygrad.frombuffer(b"abc", dtype="int32"),
            ArgumentError,
            r"^\[frombuffer\] buffer",
        ),
    ],
    "numbers and sizes that cannot be": [
        (
            lambda: F.avg_pool1d(X, 10**20),
            ValueRangeError,
            r"^\[avg_pool1d\] kernel_size .* 2\*\*63",
        ),
        (lambda: lazygrad.range(1, 5, 0), ValueRangeError, r"^\[range\] step must not be 0"),
        (lambda: X.broadcast_to(-99, 2, 3), ShapeError, r"^\[broadcast_to\] sizes must not be neg"),
        (lambda: Tensor.scaled_uniform(0, 2), ShapeError, r"^\[scaled_uniform\] needs .*\(0, 2\)"),
        (
            lambda: Tensor.kaiming_normal(2, -1),
            ShapeError,
            r"^\[kaiming_normal\] needs .*\(2, -1\)",
        ),
        (lambda: lazygrad.tensordot(X, X, (1,)), ArgumentError, r"^\[tensordot\] dims must be"),
        (lambda: lazygrad.linalg.matrix_norm(X, dim=None), ArgumentError, r"^\[matrix_norm\] dim"),
        (
            lambda: lazygrad.linalg.matrix_rank(X, atol="a"),
            ArgumentError,
            r"^\[matrix_rank\] .*'a'",
        ),
        (
            lambda: transforms.CenterCrop("a"),
            ArgumentError,
            r"^\[CenterCrop\] size must be a number",
        ),
        (
            lambda: transforms.ColorJitter(contrast=(1,)),
            ArgumentError,
            r"^\[ColorJitter\] contrast",
        ),
    ],
    "scalars where a dim is needed": [
        (lambda: Tensor(1.0).scatter_add(0, Tensor([0]), X), ShapeError, r"^\[scatter_add\] needs"),
        (lambda: lazygrad.trapezoid(X, Tensor(1.0)), ShapeError, r"^\[trapezoid\] places have"),
        (
            lambda: lazygrad.searchsorted(Tensor(1.0), X),
            ShapeError,
            r"^\[searchsorted\] a sequence",
        ),
        (
            lambda: lazygrad.cholesky_inverse(Tensor(1.0)),
            ShapeError,
            r"^\[cholesky_inverse\] needs",
        ),
    ],
    "arguments of each other's sizes": [
        (lambda: lazygrad.lu_unpack(X, Tensor([1, 2, 3])), ShapeError, r"^\[lu_unpack\] pivots of"),
        (lambda: lazygrad.binomial(X, Tensor([0.5, 0.5])), ShapeError, r"^\[binomial\] shapes"),
        (lambda: X.scatter(1, Tensor([[0]])), ArgumentError, r"^\[scatter\] takes src"),
        (lambda: X[[X, 3]], DtypeError, r"^\[getitem\] cannot index with"),
    ],
    "names of PyTorch's that are not here": [
        (lambda: lazygrad.cuda.memory_allocated, MissingNameError, r"\[cuda\] .*memory belongs to"),
        (lambda: lazygrad.distributions.Beta, MissingNameError, r"Bernoulli, Categorical, Normal"),
        (lambda: lazygrad.special.bessel_j0, MissingNameError, r"\[special\] .*not here yet"),
        (lambda: lazygrad.nn.init.xavier_uniform, MissingNameError, r"use xavier_uniform_$"),
    ],
}
ROWS = [
    pytest.param(*row, id=f"{kind} {i}")
    for kind, rows in WRONG.items()
    for i, row in enumerate(rows)
]


@pytest.mark.parametrize(("call", "kind", "message"), ROWS)
def test_a_wrong_call_is_answered(
    call: Callable[[], Any], kind: type[LazygradError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_parts_of_the_package_are_there_when_they_are_asked_for() -> None:
    assert lazygrad.data.digits is not None
    assert lazygrad.cuda.amp.GradScaler is not None
    assert lazygrad.utils.data.DataLoader is lazygrad.data.DataLoader


def test_integers_stay_integers_when_they_are_padded() -> None:
    packed = nn.utils.rnn.pack_sequence([Tensor([4]), Tensor([1, 2])], enforce_sorted=False)
    padded, _ = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True, padding_value=7)
    assert padded.dtype is lazygrad.int64
    assert padded.tolist() == [[4, 7], [1, 2]]


def test_incomplete_gamma_functions_of_scalars(device: str) -> None:
    found = Tensor(1.0, device=device).igamma(Tensor(2.0, device=device))
    assert found.shape == ()
    assert abs(found.item() - 0.8646647) < 1e-6
