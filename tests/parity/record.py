"""Records what PyTorch computes for the cases: ``python -m tests.parity.record [FAMILY ...]``.

It needs torch and numpy. Without a family, all are recorded.

A case that PyTorch refuses is printed, and not recorded; the exit status is then 1.
"""

from __future__ import annotations

import sys

import torch

from tests.parity.case import Case
from tests.parity.recorded import key, write
from tests.parity.run import Values, run, values
from tests.parity.tables import FAMILIES, cases


def computed(case: Case) -> Values:
    torch.manual_seed(0)
    return values(run(case, torch, "cpu"))


def main(families: list[str]) -> int:
    refused = 0
    for family in families or FAMILIES:
        found = {}
        for name, case in cases(family).items():
            try:
                found[key(case)] = computed(case)
            except Exception as error:
                refused += 1
                print(f"{family}: {name}: {type(error).__name__}: {error}")
        write(family, found)
        print(f"{family}: {len(found)} cases")
    return min(refused, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
