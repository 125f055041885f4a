"""Routines at run time: on the host, in order with the device; errors; plans on disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, inspect, jit, linalg
from lazygrad.errors import LinAlgError
from lazygrad.inspect import plan_cache
from lazygrad.routines import ROUTINES
from lazygrad.runtime import cache, registry
from lazygrad.runtime.backend import Code, Program
from lazygrad.runtime.routines import HostProgram

GOOD = np.float32([[[4, 1], [1, 3]], [[2, 0], [0, 1]]])
BAD = np.float32([[[4, 1], [1, 3]], [[1, 2], [2, 4]]])


def made(values: np.ndarray[Any, Any], device: str) -> Tensor:
    return Tensor(values, device=device)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[frozenset[int]]]:
    """What is asked of qr, call by call."""
    calls: list[frozenset[int]] = []
    row = ROUTINES["qr"]

    def compute(wanted: frozenset[int], *operands: Any) -> Any:
        calls.append(wanted)
        return row.compute(wanted, *operands)

    cache.clear()
    monkeypatch.setitem(ROUTINES, "qr", row._replace(compute=compute))  # type: ignore[arg-type]
    yield calls
    cache.clear()


def test_a_routine_runs_once_for_all_results(device: str, counted: list[frozenset[int]]) -> None:
    q, r = linalg.qr(made(GOOD, device))
    product = q @ r
    Tensor.realize(product, q, r)
    assert counted == [{0, 1}]
    np.testing.assert_allclose(product.numpy(), GOOD, rtol=1e-5, atol=1e-6)
    assert counted == [{0, 1}]


def test_a_replay_runs_it_once_again(device: str, counted: list[frozenset[int]]) -> None:
    @jit
    def step(x: Tensor) -> tuple[Tensor, Tensor]:
        q, r = linalg.qr(x * 2)
        return q @ r, r

    for scale in (1, 2, 3):
        product, _ = step(made(scale * GOOD, device))
        np.testing.assert_allclose(product.numpy(), 2 * scale * GOOD, rtol=1e-5, atol=1e-6)
    assert counted == [{0, 1}] * 3


def test_parameters_that_a_routine_trains(device: str) -> None:
    """Eager and jitted steps give the same, with routines forwards and backwards."""

    def losses(compiled: bool) -> list[float]:
        weight = made(GOOD, device).requires_grad_()

        def step() -> Tensor:
            loss = linalg.slogdet(weight).logabsdet.sum() + linalg.inv(weight).square().sum()
            weight.grad = None
            loss.backward()
            assert weight.grad is not None
            weight.data = weight.detach() - 0.01 * weight.grad
            return loss

        run = jit(step) if compiled else step
        return [run().item() for _ in range(5)]

    eager = losses(False)
    assert losses(True) == eager
    assert eager == sorted(eager, reverse=True)


# -- errors ------------------------------------------------------------------------------------


def inverse(device: str, values: np.ndarray[Any, Any] = BAD) -> Tensor:
    return linalg.inv(made(values, device))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: linalg.inv(x), r"\[inv\] the 2 x 2 matrix 1 is singular; see linalg.pinv"),
        (lambda x: linalg.solve(x, x), r"\[solve\] the 2 x 2 matrix 1 is singular"),
        (lambda x: x.inverse(), r"\[inverse\] the 2 x 2 matrix 1 is singular"),
        (lambda x: linalg.cholesky(x - 2), r"\[cholesky\] the 2 x 2 matrix 1 is not positive def"),
        (lambda x: linalg.inv(x[1]), r"\[inv\] the 2 x 2 matrix is singular"),
        (lambda x: linalg.inv(x.reshape(2, 1, 2, 2)), r"\[inv\] the 2 x 2 matrix \(1, 0\) is si"),
        (lambda x: linalg.svdvals(x / 0), r"\[svdvals\] .* matrix.* holds NaN or infinity"),
    ],
)
def test_what_has_no_result_is_told_when_it_is_computed(
    device: str, make: Callable[[Tensor], Tensor], message: str
) -> None:
    found = make(made(BAD, device))  # nothing is computed yet
    with pytest.raises(LinAlgError, match=rf"{message}.*; from .*\(test_routines.py:\d+\)$"):
        found.numpy()


def test_the_error_is_pytorchs(device: str) -> None:
    assert issubclass(linalg.LinAlgError, RuntimeError)
    assert linalg.LinAlgError is LinAlgError
    with pytest.raises(RuntimeError):
        inverse(device).realize()


def test_another_line_is_named_for_an_equal_graph(device: str) -> None:
    """Although a plan for such a graph is known."""
    lines = set()
    for make in (lambda: linalg.inv(made(BAD, device)), lambda: inverse(device)):
        with pytest.raises(LinAlgError) as error:
            make().realize()
        lines.add(str(error.value).rpartition(":")[2])
    assert len(lines) == 2


def test_what_can_be_computed_is(device: str) -> None:
    good, bad = linalg.inv(made(GOOD, device) + 0), inverse(device)
    with pytest.raises(LinAlgError):
        Tensor.realize(good, bad)
    np.testing.assert_allclose(good.numpy(), np.linalg.inv(GOOD), rtol=1e-5)
    with pytest.raises(LinAlgError):
        bad.numpy()  # still


def test_a_replay_tells_and_changes_nothing(device: str) -> None:
    state = made(np.float32([0]), device)

    @jit
    def step(x: Tensor) -> Tensor:
        found = linalg.inv(x)
        state.assign(state + found.sum())
        return found

    step(made(GOOD, device))
    before = state.tolist()
    for _ in range(2):
        with pytest.raises(LinAlgError, match=r"matrix 1 is singular.*test_routines.py"):
            step(made(BAD, device))
    assert state.tolist() == before
    step(made(GOOD, device))
    assert state.tolist() == pytest.approx([2 * before[0]])


# -- how plans with routines are kept, shown and timed ---------------------------------------------


def test_a_plan_comes_back_from_disk(device: str, tmp_path: Path) -> None:
    def values() -> list[float]:
        q, r = linalg.qr(made(GOOD, device) * 3)
        return (linalg.det(r @ q + 1) * 2).tolist()

    with lazygrad.config(cache=True, cache_dir=str(tmp_path)):
        cache.clear()
        first, found = values(), plan_cache().from_disk
        assert values() == first
        cache.clear()
        assert values() == first
        assert plan_cache().from_disk == found + 1
        cache.clear()
        bad = inverse(device)
        with pytest.raises(LinAlgError):
            bad.realize()
        cache.clear()
        with pytest.raises(LinAlgError, match=r"\(test_routines.py:"):
            inverse(device).realize()
        cache.clear()


def test_what_is_shown(device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache.clear()
    x = linalg.inv(made(GOOD, device) * 2) + 1
    text = inspect.explain(x)
    assert "inv_2x2x2\n    kernel 1, forward\n    from inv (test_routines.py:" in text
    assert "a kernel of its own because it is no loop nest" in text
    assert [call.routine for call in inspect.routines(x)] == ["inv"]
    assert [kernel.name for kernel in inspect.kernels(x)] == ["mul_2x2x2", "add_2x2x2"]
    cache.clear()
    with lazygrad.config(debug=5, dump=str(tmp_path)):
        x.realize()
    shown = capsys.readouterr().err
    assert "the routine inv" in shown
    assert len(re.findall(r" [mun]?s ", shown)) == 4  # each and the total
    assert next(tmp_path.glob("plan_*/*inv_2x2x2/about.txt")).read_text().count("32 bytes") == 0
    np.testing.assert_allclose(x.numpy(), np.linalg.inv(GOOD * 2) + 1, rtol=1e-5)


def test_a_backend_may_have_a_routine_of_its_own(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = registry.backend(device)
    seen: list[str] = []

    class Own(HostProgram):
        """Counts, and leaves the rest to the host."""

        def bind(self, memory: Any) -> Callable[[], None]:
            run = super().bind(memory)
            return lambda: (seen.append(self.code.data.routine), run())[1]

    def routine(code: Code) -> Program | None:
        return Own(code, backend) if code.data.routine == "inv" else None

    cache.clear()
    monkeypatch.setattr(backend, "routine", routine)
    x = made(GOOD, device)
    found = linalg.inv(x) * linalg.det(x).reshape(2, 1, 1)
    right = np.linalg.inv(GOOD) * np.linalg.det(GOOD).reshape(2, 1, 1)
    np.testing.assert_allclose(found.numpy(), right, rtol=1e-5)
    assert seen == ["inv"]
    cache.clear()


def test_many_routines_between_kernels_on_one_queue(device: str) -> None:
    """Each reads what the kernel before it wrote, and is read by the next one."""
    x = made(GOOD, device)
    right = GOOD.astype(np.float64)
    for _ in range(6):
        x = linalg.inv(x * 0.5 + 1)
        right = np.linalg.inv(right * 0.5 + 1)
    np.testing.assert_allclose(x.numpy(), right, rtol=1e-3)
