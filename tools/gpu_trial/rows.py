"""The bench's workloads, lazygrad and PyTorch in turns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

CONTENDERS = ("lazygrad-gpu", "torch-cuda", "torch-cuda-contiguous")
ROUNDS = 5
PATIENCE = 50  # seconds for an answer of one contender


def items() -> list[str]:
    from benchmarks.workloads import WORKLOADS

    return list(WORKLOADS)


def run(item: str) -> dict[str, Any]:
    return compared(item, CONTENDERS)


def compared(name: str, contenders: Sequence[str]) -> dict[str, Any]:
    """The bench's record of a workload; "failed" where a contender of ours did, or disagrees."""
    from benchmarks.contenders import CONTENDERS as KNOWN
    from benchmarks.measure import measure_on_device
    from benchmarks.report import record
    from benchmarks.workloads import WORKLOADS

    workload = WORKLOADS[name]
    taking_part = [KNOWN[c] for c in contenders if KNOWN[c].runs(workload, named=True)]
    threads = os.cpu_count() or 1
    found = record(workload, measure_on_device(workload, taking_part, ROUNDS, threads, PATIENCE))
    wrong = [problem for row in found["rows"] if (problem := _problem(row))]
    return found | ({"failed": "; ".join(wrong)} if wrong else {})


def _problem(row: dict[str, Any]) -> str:
    """What is wrong with lazygrad's row; what fails of the others is shown, and is their affair."""
    if not row["contender"].startswith("lazygrad"):
        return ""
    if "error" in row:
        return f"{row['contender']}: {row['error']}"
    return f"{row['contender']} computes something else" if row["agrees"] is False else ""
