"""What a step of each benchmark takes, exactly: kernels, launches, bytes moved, planned memory.

Planned for two devices that exist only as targets, so that the numbers are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from lazygrad.codegen.batch import Work, batches, in_turn
from lazygrad.codegen.choose import loop_nest
from lazygrad.graph import Node
from lazygrad.kernel import cost
from lazygrad.kernel.target import Target
from lazygrad.runtime import cache
from lazygrad.schedule.plan import Place, Plan
from tests.schedule.planning import plan_nodes
from tools.benchmarks.frameworks import load_framework
from tools.benchmarks.workloads import WORKLOADS

TARGETS = {
    "vectors": Target(units=2, lanes=16, registers=32),
    "library": Target(units=2, blas=True),
}


@dataclass(frozen=True)
class Budget:
    """Of one step: kernels and the launches that they share (with vectors; a library runs them one
    by one), bytes that kernels read and write, bytes of results and temporaries."""

    kernels: int
    launches: int
    moved: int
    planned: int


# Of each workload, on each target: kernels, launches, bytes moved, bytes planned.
BUDGETS = {
    ("cnn_train", "vectors"): Budget(37, 1, 133_279_156, 38_079_400),
    ("cnn_train", "library"): Budget(30, 30, 129_007_924, 36_964_168),
    ("cnn_infer", "vectors"): Budget(8, 1, 18_126_120, 7_317_504),
    ("cnn_infer", "library"): Budget(6, 6, 75_113_512, 27_699_200),
    ("cnn_infer_1", "vectors"): Budget(6, 1, 1_110_160, 101_800),
    ("cnn_infer_1", "library"): Budget(6, 6, 1_190_032, 108_200),
    ("resnet_train", "vectors"): Budget(179, 4, 430_697_488, 54_750_444),
    ("resnet_train", "library"): Budget(114, 114, 369_715_600, 54_731_156),
    ("transformer_train", "vectors"): Budget(77, 2, 310_822_120, 54_602_052),
    ("transformer_train", "library"): Budget(69, 69, 299_538_632, 52_504_900),
    ("mlp_train", "vectors"): Budget(23, 1, 511_196, 178_952),
    ("mlp_train", "library"): Budget(21, 21, 492_252, 169_632),
    ("chain", "vectors"): Budget(1, 1, 134_217_728, 67_108_864),
    ("chain", "library"): Budget(1, 1, 134_217_728, 67_108_864),
    ("softmax", "vectors"): Budget(1, 1, 33_554_432, 16_777_216),
    ("softmax", "library"): Budget(1, 1, 33_554_432, 16_777_216),
    ("layer_norm", "vectors"): Budget(1, 1, 33_554_432, 16_777_216),
    ("layer_norm", "library"): Budget(1, 1, 33_554_432, 16_777_216),
    ("sum_rows", "vectors"): Budget(1, 1, 67_125_248, 16_384),
    ("sum_rows", "library"): Budget(1, 1, 67_125_248, 16_384),
    ("sum_columns", "vectors"): Budget(1, 1, 67_125_248, 16_384),
    ("sum_columns", "library"): Budget(1, 1, 67_125_248, 16_384),
    ("matmul", "vectors"): Budget(1, 1, 12_582_912, 4_194_304),
    ("matmul", "library"): Budget(1, 1, 12_582_912, 4_194_304),
    ("conv", "vectors"): Budget(2, 1, 26_132_480, 12_992_512),
    ("conv", "library"): Budget(1, 1, 25_837_568, 12_845_056),
}


class Planned(Exception):
    """Carries the traced graph out of a step that must not run."""

    def __init__(self, requested: Sequence[Node]) -> None:
        super().__init__()
        self.requested = list(requested)


MOST_MEMORY = 120  # that a launch takes on PoCL, about


def traced(name: str, monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    """What a workload's jitted step computes."""

    def stop(requested: Sequence[Node], device: str) -> None:
        raise Planned(requested)

    step = WORKLOADS[name].build(load_framework("lazygrad", 2, {}))
    monkeypatch.setattr(cache, "compiled", stop)
    with pytest.raises(Planned) as caught:
        step()
    return caught.value.requested


def launches(plan: Plan, target: Target) -> int:
    works, numbers = [], dict[Place, int]()
    for step in plan.steps:
        nest = loop_nest(step.kernel, target)
        assert nest is not None
        written = len(step.kernel.outputs)
        memory = [numbers.setdefault(place, len(numbers)) for place in step.places]
        works.append(Work(frozenset(memory[:written]), frozenset(memory[written:]), nest.items))
    return len(in_turn(batches(works, MOST_MEMORY), MOST_MEMORY))


def budget(plan: Plan, target: Target) -> Budget:
    return Budget(
        kernels=len(plan.steps),
        launches=len(plan.steps) if target.blas else launches(plan, target),
        moved=sum(cost.nbytes(step.kernel) for step in plan.steps),
        planned=plan.peak_bytes,
    )


@pytest.mark.parametrize("name", list(WORKLOADS))
def test_the_work_of_a_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requested = traced(name, monkeypatch)
    for device, target in TARGETS.items():
        assert budget(plan_nodes(requested, target), target) == BUDGETS[name, device], device
