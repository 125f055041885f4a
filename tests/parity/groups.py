"""Cases whose results are computed together. On the GPU a program takes time to compile, however
little is in it: sixteen cases in one take half as long as in sixteen."""

from __future__ import annotations

from functools import cache
from typing import Any

import lazygrad
from lazygrad import Tensor, config, manual_seed
from tests.parity.case import Case
from tests.parity.run import run
from tests.parity.tables import cases

SIZE = 16


def group_of(family: str, case: Case) -> int:
    """The number, in the family, of the group that a case is in."""
    return list(cases(family)).index(case.name) // SIZE


def computed(family: str, case: Case, device: str) -> dict[str, Any]:
    """What ``run`` gives of a case, realised."""
    together = _group(family, group_of(family, case)) if device == "GPU" else {}
    return together[case.name] if together else _realised([case], device)[case.name]


@cache
def _group(family: str, number: int) -> dict[str, dict[str, Any]]:
    """By the names of the cases; empty where one of them fails, which is then told by itself."""
    group = list(cases(family).values())[number * SIZE : (number + 1) * SIZE]
    try:
        return _realised(group, "GPU")
    except Exception:
        return {}


def _realised(group: list[Case], device: str) -> dict[str, dict[str, Any]]:
    found = {}
    with config(backend=device):
        for case in group:
            manual_seed(0)
            found[case.name] = run(case, lazygrad, device)
        values = [value for results in found.values() for value in results.values()]
        tensors = [value for value in values if isinstance(value, Tensor)]
        if tensors:
            Tensor.realize(*tensors)
    return found
