"""Every op under every transform, in every dtype of floats, on every backend: a cell that is
missing or wrong is named. The ops, their cases and what they have no rule for are those of the
tables."""

from __future__ import annotations

import re

import pytest

from lazygrad import config, ops
from lazygrad.ops import Op
from tests.autodiff import matrix
from tests.autodiff.matrix import FLOATS, Run, cases, dtypes, runs, transforms

CELLS = [(op, dtype) for op in ops.ALL if cases(op) for dtype in dtypes(op)]
WIDE = ("float32", "float64")


def test_every_op_has_cells() -> None:
    """Or no rule at all, which the tables give the reason for."""
    without = [op for op in ops.ALL if not cases(op)]
    assert all(transforms(op) == (matrix.VALUE,) for op in without)
    assert {op.kind for op in without} == {ops.Kind.LEAF}
    assert len(CELLS) > 100


@pytest.mark.parametrize(("op", "dtype"), CELLS, ids=lambda each: str(each))
def test_every_transform(op: Op, dtype: str) -> None:
    listed = list(runs(op, dtype))
    refused = [run.refused for run in listed if run.refused]
    assert not refused or dtype not in WIDE, f"{op.name} {dtype}: {refused}"
    assert all(re.match(rf"\[({op.name}|\w+)\] .*{dtype}.*cast", said) for said in refused)
    done = [run for run in listed if not run.refused]
    assert not [said for run in done for said in matrix.missing(run)]
    assert not matrix.wrong(done)
    assert dtype != FLOATS[-1] or all(map(matrix.adjoint, done)), f"{op.name}: <Jv,u> != <v,J'u>"


# Transforms make the same graph for every backend: there only values can differ.
ON_DEVICES = {"CPU": FLOATS, "GPU": ("float32",)}


def test_values_on_devices(device: str) -> None:
    """All transforms of the first case of each op, in one plan; a copy needs two devices."""
    for dtype in ON_DEVICES[device]:
        firsts = [next(runs(op, dtype)) for op in ops.ALL if cases(op) and op is not ops.COPY]
        with config(backend=device):
            assert not matrix.wrong([run for run in firsts if not run.refused], device)


def test_a_cell_that_is_missing_or_wrong_is_named() -> None:
    [right] = runs(ops.SIN, "float32")
    [other] = runs(ops.EXP, "float32")
    wrong = Run(
        ops.SIN, "float32", right.found | {matrix.JVP: other.found[matrix.JVP]}, right.right
    )
    assert [said.partition(":")[0] for said in matrix.wrong([wrong])] == ["SIN jvp float32"]
    nothing = Run(ops.SIN, "float32", right.found | {matrix.BATCH: []}, right.right)
    assert matrix.missing(nothing) == ["SIN batch float32: missing"]
