"""Every case under vmap, over two samples of its inputs, against the loop over them:
``python -m tests.parity.vmap [FAMILY ...]``. The suite runs a part of them (``test_vmap``).

Results are compared, and first derivatives that are taken inside. What cannot be traced, such as
functions whose results have shapes that depend on values, jit refuses as well: such a case is
counted apart.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import numpy as np

import lazygrad
from lazygrad import Tensor, config, jit, manual_seed, vmap
from lazygrad.errors import JitError, VmapError
from tests.parity.case import Array, Case, Input, floats_in
from tests.parity.run import array, derivatives, named
from tests.parity.tables import FAMILIES, cases

SAMPLES = 2
RTOL, ATOL = 1e-4, 1e-5  # kernels of other shapes add up in another order
FINE = ("equal", "refused as by jit")


def drawn(case: Case) -> list[list[Array]]:
    """The inputs of each sample."""
    random = np.random.RandomState(crc32(case.name.encode()))
    dtype = (case.dtypes or ("float32",))[0]
    return [[held(given, random, dtype) for given in case.inputs] for _ in range(SAMPLES)]


def held(given: Input, random: np.random.RandomState, dtype: str) -> Array:
    """The values of an input as they lie in memory."""
    values = given.array(random, dtype)
    return values.T if given.turned else values


def flat(case: Case) -> Callable[..., list[Any]]:
    """The case as a function of Tensors that returns what it computes in a list, derivatives too;
    ``flat.plain`` collects what is no Tensor."""

    def function(*inputs: Tensor) -> list[Any]:
        if case.dtypes and case.dtypes[0] == "bfloat16":
            inputs = tuple(x.bfloat16() if x.is_floating_point() else x for x in inputs)
        inputs = tuple(x.T if i.turned else x for x, i in zip(inputs, case.inputs, strict=True))
        order = min(case.order, 1)
        if order:
            inputs = tuple(
                x.detach().requires_grad_() if x.is_floating_point() else x for x in inputs
            )
        floats = [x for x in inputs if x.requires_grad]
        result = case.call(lazygrad, *inputs)
        found = dict(named("", result))
        found.update(derivatives(lazygrad, "", floats_in(result), floats, order))
        return [x for x in found.values() if isinstance(x, Tensor)]

    return function


def compare(case: Case, device: str, batched: Sequence[bool]) -> None:
    """
    Raises:
        AssertionError: where vmap gives something else than the loop.
    """
    samples = drawn(case)
    if not all(batched):  # what is not mapped over is the same for all
        samples = [
            [own if b else first for own, first, b in zip(s, samples[0], batched, strict=True)]
            for s in samples
        ]
    function = flat(case)
    expected = []
    for inputs in samples:
        manual_seed(0)
        expected.append(function(*[Tensor(x, device=device) for x in inputs]))
    columns = zip(*samples, batched, strict=True)
    given = [
        Tensor(np.stack(column[:-1]) if column[-1] else column[0], device=device)
        for column in columns
    ]
    manual_seed(0)
    dims = (0, *(0 if b else None for b in batched))  # the first one is for those without inputs
    sample = Tensor.zeros(SAMPLES, device=device)
    found = vmap(lambda _, *inputs: function(*inputs), dims, randomness="same")(sample, *given)
    if found:
        Tensor.realize(*found, *[x for one in expected for x in one])
    assert len(found) == len(expected[0]), "number of results"
    for number, (ours, *theirs) in enumerate(zip(found, *expected, strict=True)):
        kind, values = array(ours)
        for sample, one in enumerate(theirs):
            assert kind == array(one)[0], f"dtype of {number}"
            np.testing.assert_allclose(
                values[sample],
                array(one)[1],
                rtol=max(RTOL, 10 * case.rtol) * WIDER.get(kind, 1.0),
                atol=max(ATOL, 10 * case.atol) * WIDER.get(kind, 1.0),
                err_msg=f"result {number} of sample {sample}",
            )


WIDER = {"float16": 100.0, "bfloat16": 1000.0}


def jit_refuses(case: Case, device: str) -> bool:
    """Whether it cannot be traced, as what looks at values."""
    inputs = [Tensor(x, device=device) for x in drawn(case)[0]]
    try:
        jit(flat(case))(*inputs)
    except JitError:
        return True
    return False


def ways(case: Case) -> list[tuple[bool, ...]]:
    """Which inputs are mapped over: all of them, and each of several alone."""
    count = len(case.inputs)
    alone = [tuple(i == j for j in range(count)) for i in range(count)] if count > 1 else []
    return [(True,) * count, *alone]


def outcome(case: Case, device: str, most: int | None = None) -> str:
    """ "equal", "refused as by jit", or what is wrong; in all ways, or so many at most."""
    found = "equal"
    for batched in ways(case)[:most]:
        try:
            with config(backend=device):
                compare(case, device, batched)
        except (VmapError, JitError) as error:
            if not jit_refuses(case, device):
                return f"{batched}: {error}"
            found = "refused as by jit"
        except Exception as error:
            return f"{batched}: {type(error).__name__}: {error}"
    return found


def main(families: list[str]) -> int:
    counts: Counter[str] = Counter()
    for family in families or FAMILIES:
        for name, case in cases(family).items():
            found = outcome(case, "CPU")
            counts[found if found in FINE else "wrong"] += 1
            if found != "equal":
                print(f"{family}: {name}: {found}", flush=True)
        print(f"{family}: {dict(counts)}", flush=True)
    return min(counts["wrong"], 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
