"""Operators mean what the standard says, by its own tests.

Here are those of each family that are about what is not one function of Tensors; all of them run
with ``python -m tests.onnx.conformance``.
"""

from __future__ import annotations

import pytest

pytest.importorskip("onnx")

from lazygrad import config
from tests.onnx.conformance import cases_of, outcome

MODULES = (
    "averagepool batch_normalization center_crop_pad clip col2im conv convtranspose cumsum "
    "depthtospace dequantizelinear gathernd gemm groupnormalization gru hardmax loop lrn lstm "
    "maxpool maxunpool onehot pad quantizelinear reduce_log_sum_exp reducemax reshape resize "
    "reversesequence rnn rotaryembedding scan scatterelements scatternd slice softmax spacetodepth "
    "split squeeze tensorscatter topk trilu unique unsqueeze"
)
NOT_YET = {"test_col2im_5d": "must be one or 2 integers"}  # and what is said


@pytest.mark.parametrize("module", MODULES.split())
def test_by_the_standards_tests(module: str) -> None:
    said = {case.name: outcome(case) for case in cases_of(module)}
    claimed = {name: what for name, what in said.items() if not what.startswith("no: ")}
    assert claimed
    for name, what in claimed.items():
        assert what == "passes" or NOT_YET.get(name, "nothing") in what, f"{name}: {what}"


@pytest.mark.gpu
def test_another_backend() -> None:
    with config(backend="GPU"):
        said = {case.name: outcome(case) for case in cases_of("gather")}
    assert said and set(said.values()) == {"passes"}
