"""The shipped conformance suite: every op against float64 on the host.

What matters most comes first, in case the time does not suffice: every case, its derivative, the
other dtypes, then one kernel an op.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

DEVICE = "GPU"


def items() -> list[str]:
    return list(_checks())


@cache
def _checks() -> dict[str, Callable[[], None]]:
    from lazygrad.testing import conformance
    from lazygrad.testing.cases import CASES, elementwise

    checks: dict[str, Callable[[], None]] = {}
    for case in CASES:
        checks[f"{case} {case.dtypes[0]}"] = partial(
            conformance.check, case, case.dtypes[0], DEVICE
        )
    for case in CASES:
        if case.gradient:
            checks[f"{case} gradient"] = partial(
                conformance.check_gradient, case, "float32", DEVICE
            )
    for case in CASES:
        for dtype in case.dtypes[1:]:
            checks[f"{case} {dtype}"] = partial(conformance.check, case, dtype, DEVICE)
    for case in CASES:
        if case not in elementwise.CASES:  # those are one op each
            checks[f"{case} unfused"] = partial(
                conformance.check, case, "float32", DEVICE, fuse=False
            )
    return checks


def run(item: str) -> dict[str, Any]:
    from lazygrad.testing.conformance import ConformanceError

    try:
        _checks()[item]()
    except ConformanceError as error:
        return {"failed": str(error)}
    return {}
