"""Cases whose results are computed together. On the GPU a program takes time to compile, however
little is in it: sixteen cases in one take half as long as in sixteen."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zlib import crc32

import lazygrad
from lazygrad import Tensor, config, manual_seed
from tests.parity.case import Case
from tests.parity.run import run
from tests.parity.tables import cases

SIZE = 16
# A second derivative is a graph like any other, the same one on each backend. Where its kernels are
# many, one case in so many asks for it on the GPU.
DEAR = ("linalg", "nn_attention", "nn_recurrent", "nn_resize", "special")
ONE_IN = 3


def most_derivatives(family: str, case: Case, device: str) -> int:
    """Up to which order they are computed."""
    dear = device == "GPU" and family in DEAR
    return 1 if dear and crc32(case.name.encode()) % ONE_IN else 2


def group_of(family: str, case: Case) -> int:
    """The number, in the family, of the group that a case is in."""
    return list(cases(family)).index(case.name) // SIZE


def computed(family: str, case: Case, device: str) -> dict[str, Any]:
    """What ``run`` gives of a case, realised."""
    together = _group(family, group_of(family, case)) if device == "GPU" else {}
    return together[case.name] if together else _realised(family, [case], device)[case.name]


@lru_cache(1)  # tests of a group follow each other
def _group(family: str, number: int) -> dict[str, dict[str, Any]]:
    """By the names of the cases; empty where one of them fails, which is then told by itself."""
    group = list(cases(family).values())[number * SIZE : (number + 1) * SIZE]
    try:
        return _realised(family, group, "GPU")
    except Exception:
        return {}


def _realised(family: str, group: list[Case], device: str) -> dict[str, dict[str, Any]]:
    found = {}
    with config(backend=device):
        for case in group:
            manual_seed(0)
            most = most_derivatives(family, case, device)
            found[case.name] = run(case, lazygrad, device, most)
        values = [value for results in found.values() for value in results.values()]
        tensors = [value for value in values if isinstance(value, Tensor)]
        if tensors:
            Tensor.realize(*tensors)
    return found
