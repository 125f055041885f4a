"""Every table keyed by op has a line for each op that it is about, and CONTRIBUTING names them.

An op is added by following the failures of this file: each names the table and the op.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lazygrad import element_types as dt, ops, semantics
from lazygrad.autodiff import batch, rules
from lazygrad.errors import DtypeError
from lazygrad.graph import const, node, toposort
from lazygrad.ops import Kind, Op
from lazygrad.schedule import axes, views
from lazygrad.testing import conformance, reference
from lazygrad.testing.cases import CASES
from lazygrad_numpy import elementwise
from tests.autodiff import test_batch, test_rules

ROOT = Path(__file__).parents[1]
ELEMENTWISE = {Kind.ELEMENTWISE}
OTHERS = set(Kind) - ELEMENTWISE


def rendered() -> Collection[object]:
    """The ops that OpenCL's table spells for every class of dtype that their rows allow."""
    operations = pytest.importorskip("lazygrad_opencl.operations")
    classes = {operations.class_of(d): d for d in (dt.bool_, dt.int32, dt.float32)}
    return [
        op
        for op, by_class in operations.TABLE.items()
        if isinstance(op, Op)
        and ("" in by_class or all(c in by_class for c, d in classes.items() if allows(op, d)))
    ]


def allows(op: Op, dtype: dt.DType) -> bool:
    """Whether the row of an elementwise op takes operands of a dtype."""
    src = tuple(const(1, dtype, (), "CPU") for _ in range(op.arity))
    try:
        op.infer(op, src, None)
    except DtypeError:
        return False
    return True


def in_cases() -> set[Op]:
    """The ops of all conformance cases and of what their derivatives add."""
    found: set[Op] = set()
    for case in CASES:
        for gradient in {False, case.gradient}:
            check = conformance.Check(
                case, case.dtypes[0], conformance.REFERENCE, gradient=gradient
            )
            found.update(n.op for n in toposort([result._node for result in check.results()]))
    return found


def test_every_way_to_combine_has_a_line() -> None:
    """In the tables that are keyed by what SCATTER combines with; None stands for itself."""
    ways = set(ops.NOTHING)
    assert set(rules.SHARES) == ways
    assert set(semantics.COMBINE) == ways - {None}
    assert elementwise.UFUNCS.keys() >= ways - {None}  # what NumPy's code collects with


@dataclass(frozen=True)
class Table:
    """A file with lines by op: those of these kinds, but for the ops that need none there."""

    file: str
    kinds: set[Kind]
    entries: Callable[[], Collection[object]]
    needless: frozenset[Op] = frozenset()

    def missing(self) -> Iterator[str]:
        entries = self.entries()
        for op in ops.ALL:
            if op.kind in self.kinds and op not in entries and op not in self.needless:
                yield f"{self.file}: {op.name}"


TABLES = [
    # casts have a function of their own
    Table(
        "lazygrad/semantics.py", ELEMENTWISE, lambda: semantics.ELEMENTWISE, frozenset([ops.CAST])
    ),
    Table("lazygrad/testing/reference.py", OTHERS, lambda: reference.RULES),
    Table("lazygrad/schedule/views.py", {Kind.MOVEMENT}, lambda: views.MOVE),
    Table("lazygrad/schedule/axes.py", {Kind.MOVEMENT}, lambda: axes.MOVE),
    Table(
        "lazygrad/autodiff/rules.py",
        set(Kind),
        lambda: {*rules.RULES, *rules.JOINT, *rules.NO_RULE},
    ),
    Table("lazygrad/autodiff/batch.py", set(Kind), lambda: {*batch.RULES, *batch.NO_RULE}),
    Table("backends/lazygrad_numpy/elementwise.py", ELEMENTWISE, lambda: elementwise.RULES),
    Table("backends/lazygrad_opencl/operations.py", ELEMENTWISE, rendered),
    # a copy needs two devices
    Table("lazygrad/testing/cases", set(Kind), in_cases, frozenset([ops.COPY])),
    Table(
        "tests/autodiff/test_rules.py",
        set(Kind),
        lambda: {ops.BY_NAME[name] for _, name, _, _ in test_rules.CASES},
        frozenset([*rules.NO_RULE, *map(ops.BY_NAME.get, test_rules.SURROGATES)]),
    ),
    Table(
        "tests/autodiff/test_batch.py",
        set(Kind),
        lambda: {ops.BY_NAME[name] for _, name, _, _ in test_batch.CASES},
        frozenset(batch.NO_RULE),
    ),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.file)
def test_no_line_is_missing(table: Table) -> None:
    assert not list(table.missing())


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_a_new_op_is_missed_in_every_table_that_the_recipe_names(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "ALL", [*ops.ALL])
    new = Op(
        "NEW", kind, 1, lambda op, src, arg: (src[0].shape, src[0].dtype), "declared in a test"
    )
    missed = {line for table in TABLES for line in table.missing()}
    assert missed == {f"{table.file}: NEW" for table in TABLES if new.kind in table.kinds}
    step = recipe()
    assert all(f"`{line.removesuffix(': NEW')}`" in step for line in missed)


def recipe() -> str:
    """What CONTRIBUTING says on adding an op."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return text.partition("## Add an op\n")[2].partition("\n## ")[0]


def test_the_recipe_names_files_that_exist() -> None:
    named = [word for word in recipe().split("`")[1::2] if "/" in word]
    assert named
    lost = [
        name for name in named if not any((r / name).exists() for r in (ROOT, ROOT / "lazygrad"))
    ]
    assert not lost


# -- facts of the rows ---------------------------------------------------------------------------

SAMPLES = {dt.float32: [0.0, 1.5, -2.0], dt.int32: [0, 3, -2], dt.bool_: [False, True, True]}


def elementwise_ops() -> list[tuple[Op, dt.DType]]:
    return [
        (op, d) for op in ops.ELEMENTWISE for d in SAMPLES if op is not ops.CAST and allows(op, d)
    ]


@pytest.mark.parametrize(("op", "dtype"), elementwise_ops(), ids=str)
def test_commutative_ops_are_marked(op: Op, dtype: dt.DType) -> None:
    if op.arity != 2:
        assert not op.commutative
        return
    values = np.array(SAMPLES[dtype], dtype.numpy)
    a, b = np.meshgrid(values, values)
    there, back = (semantics.apply(op, pair, dtype) for pair in ((a, b), (b, a)))
    if op.commutative:
        np.testing.assert_array_equal(there, back)
    elif dtype is not dt.bool_:  # division of bools is as good as their product
        assert not np.array_equal(there, back)


@pytest.mark.parametrize(("op", "dtype"), elementwise_ops(), ids=str)
def test_what_is_said_to_vanish_is_zero(op: Op, dtype: dt.DType) -> None:
    """For each set of operands that are 0, the others being any finite numbers."""
    values = np.array(SAMPLES[dtype], dtype.numpy)
    for zeros in np.ndindex(*(2,) * op.arity):
        if op.vanishes(tuple(map(bool, zeros))):
            grid = np.meshgrid(*(values[:1] if zero else values for zero in zeros))
            with np.errstate(all="ignore"):
                assert not np.any(semantics.apply(op, tuple(grid), dtype))


@pytest.mark.parametrize("dtype", SAMPLES, ids=str)
@pytest.mark.parametrize("op", ops.REDUCE, ids=str)
def test_reductions_combine_elements_from_their_identity_on(
    op: ops.Reduction, dtype: dt.DType
) -> None:
    values = np.array(SAMPLES[dtype], dtype.numpy)
    total = np.array(op.identity(dtype), dtype.numpy)
    for value in values:
        total = semantics.apply(op.combine, (total, value), dtype)
    reduced = node(op, (reference.leaf(values, dtype),), (0,))
    assert reference.evaluate(reduced) == total
