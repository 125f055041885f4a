"""Steps of Runge-Kutta methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lazygrad.functional.creation import tensor
from lazygrad.functional.joining import stack

Field = Callable[[Any, Any], Any]  # (t, y) -> dy/dt
Row = tuple[float, ...]


class Tableau(NamedTuple):
    """A method.

    Attributes:
        nodes: the times of the stages, as parts of the step.
        stages: what each stage but the first has of those before.
        weights: what the step has of all stages.
        error: the same of what the step is wrong by; empty where that is not known.
        between: for each stage its weight in between, as a polynomial in the part of the step from
            power 1 on.
    """

    nodes: Row
    stages: tuple[Row, ...]
    weights: Row
    error: Row = ()
    between: tuple[Row, ...] = ()


# Kutta, Beitrag zur näherungsweisen Integration totaler Differentialgleichungen (1901).
RK4 = Tableau((0, 1 / 2, 1 / 2, 1), ((1 / 2,), (0, 1 / 2), (0, 0, 1)), (1 / 6, 1 / 3, 1 / 3, 1 / 6))

EULER = Tableau((0,), (), (1,))

# Dormand and Prince, A family of embedded Runge-Kutta formulae (1980); between: Shampine, Some
# practical Runge-Kutta formulas (1986).
DOPRI5 = Tableau(
    (0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1),
    (
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0),
    (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40),
    (
        (1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432),
        (0, 0, 0, 0),
        (0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799),
        (0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072),
        (0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632),
        (0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844),
        (0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423),
    ),
)

METHODS: Mapping[str, Tableau] = {"dopri5": DOPRI5, "rk4": RK4, "euler": EULER}


def stages_of(method: Tableau, f: Field, t: Any, y: Any, h: Any) -> list[Any]:
    """The slopes of a step."""
    found = [f(t, y)]
    for node, row in zip(method.nodes[1:], method.stages, strict=True):
        found.append(f(t + node * h, y + h * mixed(row, found)))
    return found


def mixed(weights: Row, slopes: list[Any]) -> Any:
    """The sum of slopes, each with its weight."""
    parts = [weight * k for weight, k in zip(weights, slopes, strict=True) if weight]
    return sum(parts[1:], parts[0])


def weights_between(method: Tableau, part: Any) -> Any:
    """The weights of all stages at parts of a step, behind each other: (.., stages)."""
    powers = stack([part, part**2, part**3, part**4], -1)
    table = tensor(method.between, dtype=part.dtype, device=part.device)
    return powers @ table.T
