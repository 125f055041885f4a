"""What a plan keeps of the way there for the way back."""

from __future__ import annotations

from typing import NamedTuple

from lazygrad.kernel.plan import Place, Plan, Step

BACKWARD = "_backward ("  # how the origin of what was built for derivatives ends, before the line


class Saved(NamedTuple):
    """Values that the forward pass writes and the backward pass reads, and their bytes."""

    values: int
    nbytes: int


def saved(plan: Plan) -> Saved:
    """What ``func.checkpoint`` would make less of. A step that does both passes counts as
    backward."""
    forward: dict[Place, int] = {}  # what lies there now, and its bytes
    found = Saved(0, 0)
    for step in plan.steps:
        kernel, written = step.kernel, step.kernel.written
        back = _is_backward(step)
        for slot, place in enumerate(step.places):
            if slot in written:
                forward.pop(place, None)
            elif back and place in forward:
                found = Saved(found.values + 1, found.nbytes + forward.pop(place))
        if not back:
            forward |= {step.places[slot]: kernel.buffers[slot].nbytes for slot in written}
    return found


def _is_backward(step: Step) -> bool:
    return any(BACKWARD in origin for origin in step.kernel.origins)
