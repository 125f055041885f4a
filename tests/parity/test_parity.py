"""Every case gives what PyTorch gave: dtypes, shapes, values, first and second derivatives (of some
families on the GPU, in one case of three: see ``groups``)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.devices import shared
from tests.parity.case import Array, Case
from tests.parity.groups import computed, group_of, most_derivatives
from tests.parity.recorded import key, read
from tests.parity.run import values
from tests.parity.tables import FAMILIES, cases

ROWS = [(family, case) for family in FAMILIES for case in cases(family).values()]

# Relative and absolute error, by dtype. PyTorch's own results are rounded too, and it sums in
# another order; derivatives of derivatives add up what their parts leave.
TOLERANCE = {
    "float64": (1e-10, 1e-11),
    "float32": (2e-5, 3e-6),
    "float16": (4e-3, 2e-3),
    "bfloat16": (2e-2, 1e-2),
}
DERIVATIVES = 5.0  # times as much is allowed of them


def named(family: str, case: Case) -> str:
    return shared(f"{family}-{case.name}", f"{family}{group_of(family, case)}")


@pytest.mark.parametrize(("family", "case"), ROWS, ids=[named(*row) for row in ROWS])
def test_as_pytorch(family: str, case: Case, device: str) -> None:
    recorded = read(family).get(key(case))
    assert recorded is not None, f"record it: python -m tests.parity.record {family}"
    ours = values(computed(family, case, device))
    most = most_derivatives(family, case, device)
    for where in {**recorded, **ours}:
        if most < 2 and " second by " in where:
            continue
        check(case, where, ours.get(where), recorded.get(where))


def check(
    case: Case, where: str, ours: tuple[str, Array] | None, theirs: tuple[str, Array] | None
) -> None:
    """Compares one result; a derivative that one of the two does not have is zero."""
    derived = " by " in where
    if ours is None or theirs is None:
        found = ours or theirs
        assert found is not None and derived and not found[1].any(), f"{where} is missing"
        return
    assert ours[0] == theirs[0], f"{where}: dtype"
    assert ours[1].shape == theirs[1].shape, f"{where}: shape"
    if ours[1].dtype.kind == "U":
        assert ours[1] == theirs[1], where
        return
    rtol, atol = TOLERANCE.get(theirs[0], (0.0, 0.0))
    more = DERIVATIVES if derived else 1.0
    np.testing.assert_allclose(
        ours[1],
        theirs[1],
        rtol=max(more * rtol, case.rtol),
        atol=max(more * atol, case.atol),
        err_msg=where,
    )
