"""How many kernels a piece of a program may take."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ContextDecorator
from typing import Any

from lazygrad.errors import KernelCountError
from lazygrad.inspect import words
from lazygrad.inspect.asked import Asked
from lazygrad.inspect.words import counted
from lazygrad.runtime.program import Binding
from lazygrad.runtime.watching import observing


class expect_kernels(ContextDecorator):
    """Holds what runs against a number of kernels: as a context, or a decorator of a function.

    Counted is what this thread runs inside, jitted or not, calls of routines included. What is
    lazy at the end was not run; what waited before from other lines is computed along, and counts.

    >>> from lazygrad import Tensor, expect_kernels
    >>> x = Tensor.rand(64, 10).realize()
    >>> with expect_kernels(1):
    ...     y = x.softmax(-1).realize()

    Args:
        n: how many are expected.

    Raises:
        KernelCountError: at the end, if it were more or fewer; names those beyond ``n`` with their
            lines, and the reason why each is a kernel of its own.
    """

    times = False

    def __init__(self, n: int) -> None:
        self.n = n
        self._ran: list[Asked] = []

    def _recreate_cm(self) -> expect_kernels:
        return type(self)(self.n)  # a decorated function may call itself

    def __enter__(self) -> expect_kernels:
        self._ran.clear()
        observing.observers += (self,)
        return self

    def ran(self, binding: Binding, asked: object, start: float, seconds: Sequence[float]) -> None:
        """As of ``Observer``."""
        self._ran.append(Asked(binding.plan, asked))

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        observing.observers = tuple(o for o in observing.observers if o is not self)
        count = sum(len(asked.plan.plan.steps) for asked in self._ran)
        if error is None and count != self.n:
            raise KernelCountError(
                f"[expect_kernels] expected {counted(self.n, 'kernel')}, got {count}{self._told()}"
            )

    def _told(self) -> str:
        """The kernels that ran, and all that is known of those beyond ``n``."""
        found = [(step, k) for a in self._ran for step in [a.step()] for k in step.kernels]
        names = ", ".join(kernel.name for _, kernel in found)
        lines = [f": {names}"] if found else [": nothing ran; realize() what is computed"]
        for step, kernel in found[self.n :]:
            lines += words.described(step, kernel)
        return "\n".join(lines)
