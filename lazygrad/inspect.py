"""Looking inside: the kernels that would compute a value, their sources, and the plan cache."""

from __future__ import annotations

from collections.abc import Iterable

from lazygrad.errors import ValueRangeError
from lazygrad.graph import Node
from lazygrad.jit import Jit
from lazygrad.kernel.kernel import Kernel
from lazygrad.runtime import buffer, cache, report
from lazygrad.runtime.cache import Statistics
from lazygrad.runtime.program import CompiledPlan
from lazygrad.tensor import Tensor


def kernels(*tensors: Tensor) -> tuple[Kernel, ...]:
    """The kernels that realising ``tensors`` together launches, in order; launches nothing."""
    return tuple(step.kernel for plan in _plans(tensors) for step in plan.plan.steps)


def sources(*tensors: Tensor) -> tuple[str, ...]:
    """The generated code of each of these kernels."""
    codes = [code for plan in _plans(tensors) for code in plan.recipe.codes]
    return tuple(part.source for code in codes for part in code.parts)


def explain(*tensors: Tensor) -> str:
    """The same for people: kernels, the user's lines they come from, why each boundary is there."""
    return "\n".join(report.explanation(plan) for plan in _plans(tensors)) or "already realised"


def jit_kernels(function: Jit[..., object]) -> tuple[Kernel, ...]:
    """The kernels of the latest capture of a jitted function.

    Raises:
        ValueRangeError: if it was not called yet.
    """
    plan = function.latest_plan()
    if plan is None:
        raise ValueRangeError("[jit_kernels] the function was not called yet, so nothing is traced")
    return tuple(step.kernel for step in plan.plan.steps)


def plan_cache() -> Statistics:
    """Hits and misses of the plan cache so far."""
    return cache.statistics


def _plans(tensors: Iterable[Tensor]) -> list[CompiledPlan]:
    by_device: dict[str, list[Node]] = {}
    for tensor in tensors:
        if not buffer.is_realised(tensor._node):
            by_device.setdefault(tensor.device, []).append(tensor._node)
    return [cache.compiled(nodes, device)[0] for device, nodes in by_device.items()]
