"""Loops inside of launches: work-items take turns in each step, and the host launches nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lazygrad import Tensor, config, func, nn
from lazygrad.runtime import registry
from lazygrad.runtime.loops import LoopCode
from lazygrad.runtime.program import CompiledPlan

pytest.importorskip("pyopencl")
from lazygrad_opencl import prelude, turns

pytestmark = pytest.mark.gpu
rng = np.random.default_rng(0)
STEPS, ROWS, WIDTH = 20, 24, 96
X = rng.standard_normal((STEPS, ROWS, WIDTH)).astype(np.float32)
W = (rng.standard_normal((WIDTH, WIDTH)) / WIDTH**0.5).astype(np.float32)

Program = Callable[[str], list[Tensor]]


@pytest.fixture(autouse=True)
def takes_turns() -> None:
    if not registry.backend("GPU").target.workers:
        pytest.skip("work-items of this device cannot wait for each other")


def backward(device: str) -> list[Tensor]:
    """Turns of many work-items, memory that moves forward and back, carries in two places."""
    w = Tensor(W, device=device, requires_grad=True)

    def step(h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        h = (h @ w + x).tanh()
        return h, h.sum(-1)

    last, sums = func.scan(step, Tensor(X[0], device=device), Tensor(X, device=device))
    (last.sum() + sums.square().sum()).backward()
    assert w.grad is not None
    return [last.detach(), sums.detach(), w.grad]


def swapped(device: str) -> list[Tensor]:
    """Carries that are copied from step to step."""

    def step(carry: tuple[Tensor, Tensor], x: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        a, b = carry
        return (b, a + x), a

    ends, all_a = func.scan(
        step, (Tensor(X[0], device=device), Tensor(X[1], device=device)), Tensor(X, device=device)
    )
    return [*ends, all_a]


def nested(device: str) -> list[Tensor]:
    """A loop in a loop, the memory of which moves in each step of the outer one."""
    inner_x = Tensor(X[:, 0, :16], device=device)

    def inner(h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return (h * 0.5 + x).tanh(), h

    def outer(h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        last, all_h = func.scan(inner, h + x, inner_x)
        return last, all_h

    first, xs = Tensor(X[0, 0, :16], device=device), Tensor(X[:, 1, :16], device=device)
    return [*func.scan(outer, first, xs)]


PROGRAMS: list[Program] = [backward, swapped, nested]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_computes_what_launches_a_step_do(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same kernels in the same order: bit for bit."""
    with config(cache=False):
        inside = [r.numpy() for r in program("GPU")]
        monkeypatch.setattr(type(registry.backend("GPU")), "takes", lambda self, loop: False)
        repeated = [r.numpy() for r in program("GPU")]
    for got, want, on_cpu in zip(inside, repeated, program("CPU"), strict=True):
        np.testing.assert_array_equal(got, want)
        host = on_cpu.numpy()
        np.testing.assert_allclose(got, host, rtol=1e-4, atol=1e-5 * abs(host).max())


def test_a_recurrent_network_is_one_launch(plans_run: list[CompiledPlan]) -> None:
    net = nn.GRU(24, 32, 2).to("GPU")
    net(Tensor(X[:, :, :24], device="GPU"))[0].square().mean().backward()
    plans_run.clear()
    np.asarray(next(iter(net.parameters())).grad.numpy())  # type: ignore[union-attr]
    (plan,) = plans_run
    assert [type(program.code.data).__name__ for program in plan.programs] == ["Entry"]
    assert not any(isinstance(program.code.data, LoopCode) for program in plan.programs)


def test_ends_when_a_carry_says_so(
    plans_run: list[CompiledPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After as many steps as leave an even number of those there could be: 7 double 1 to 128, the
    8th changes nothing, 992 are left."""
    kept = prelude.TURNS.replace("clear(counters, parts)\n", ";\n")
    assert kept != prelude.TURNS
    monkeypatch.setattr(prelude, "TURNS", kept)
    with config(cache=False):
        x = Tensor([1.0, 3.0], device="GPU").realize()
        plans_run.clear()
        found = func.while_loop(lambda x: (x < 100).any(), lambda x: x * 2, x, max_steps=1000)
        assert found.tolist() == [128.0, 384.0]
    (program,) = [program for plan in plans_run for program in plan.programs]
    backend = registry.backend("GPU")
    line = turns.LINE * (1 + backend.target.workers)
    counters = np.empty((program.code.data.counters + 1, line), np.int64)
    backend.download(program._more[-1], counters)  # type: ignore[attr-defined]
    over = counters[:, turns.OVER]
    assert over.sum() == 1
    assert counters[over == 1, turns.FINISHED].tolist() == [8]
