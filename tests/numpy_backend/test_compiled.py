"""Generated text runs only if it names what generated code calls: it may come from a file."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad.errors import InternalError
from lazygrad_numpy.compiled import functions

TEXT = """
def prepare(scratch):
    {}
    def bind(out0):
        def run():
            add(out0, c0, out=out0)
        return run
    return bind
"""


def test_what_is_generated_runs() -> None:
    prepare = functions("sum", TEXT.format("range(3)"), {"c0": np.ones(())})
    memory = np.zeros(2)
    prepare(None)(memory)()
    np.testing.assert_array_equal(memory, [1, 1])


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "from os import system",
        "__import__('os')",
        "open('file')",
        "print(1)",
        "eval('1')",
        "getattr(scratch, 'x')",
        "scratch.__globals__",
        "ndarray.tofile(scratch, 'file')",
        "x = [a.__class__ for a in ()]",
        "x = lambda: scratch.__code__",
        "f'{scratch.__class__}'",
        "'{0.__class__}'.format(scratch)",
        "class A: pass",
        "match scratch:\n        case ndarray(__class__=a): pass",
        "scratch.x = 1",
        "del scratch.x",
    ],
)
def test_anything_else_does_not(line: str) -> None:
    with pytest.raises((InternalError, NameError)):
        prepare = functions("planted", TEXT.format(line), {"c0": np.ones(())})
        prepare(None)


def test_constants_make_no_names_known() -> None:
    with pytest.raises(InternalError, match="it names __class__"):
        functions("planted", TEXT.format("scratch.__class__"), {"c0": 1, "__class__": 2})
