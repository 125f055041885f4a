"""Random programs from the table."""

from __future__ import annotations

from tests.fuzz import elementwise, indexing, movement, networks, reductions
from tests.fuzz.program import Maker, Program
from tests.fuzz.table import ROWS, Row
from tests.fuzz.values import Undefined

FAMILIES = (elementwise, indexing, movement, networks, reductions)  # they fill the table
MOST_STEPS = 9


def rows(smooth: bool) -> tuple[list[Row], list[float]]:
    chosen = [row for row in ROWS.values() if row.smooth or not smooth]
    return chosen, [row.weight for row in chosen]


def make(seed: int, smooth: bool = False) -> Program:
    """The program of a seed; a smooth one can be differentiated by its ``inputs``."""
    g = Maker(seed, smooth)
    for _ in range(g.r.choice((1, 1, 2, 3))):
        g.leaf()
    chosen, weights = rows(smooth)
    wanted = min(g.r.choice((1, 2, 3, 3, 4, 5, 6, MOST_STEPS)), MOST_STEPS)
    tries = 0
    while len(g.steps) < wanted and tries < 60:
        tries += 1
        row = g.r.choices(chosen, weights)[0]
        try:
            row.make(g, row.name)
        except Undefined:
            continue
    return _program(g)


def _program(g: Maker) -> Program:
    """Ends are outputs, and some values on the way."""
    used = {i for step in g.steps for i in step.inputs}
    made = [i for step in g.steps for i in step.ids]
    outputs = [i for i in made if i not in used or g.r.random() < 0.15]
    if g.smooth:
        outputs = [i for i in outputs if g.pool[i].value.is_float]
    program = Program(dict(g.leaves), list(g.steps), outputs).needed(outputs)
    if g.smooth:
        floats = [i for i, v in program.leaves.items() if v.is_float and v.size]
        program.inputs = g.r.sample(floats, min(len(floats), 2))
    return program
