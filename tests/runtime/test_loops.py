"""What a training loop leaves behind is computed with its steps: graphs do not grow, and after the
first steps nothing is planned, whether anybody reads the values or not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, no_grad, optim
from lazygrad.graph import toposort
from lazygrad.inspect import plan_cache
from lazygrad.runtime.program import CompiledPlan

rng = np.random.default_rng(0)
ROWS = rng.standard_normal((8, 6)).astype(np.float32)
STEPS, SETTLED = 12, 4

Kept = dict[str, Tensor]


def of(values: Kept, name: str, start: float = 0.0) -> Tensor | float:
    return values.get(name, start)


def total(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    kept["total"] = of(kept, "total") + loss.detach()


def total_in_place(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    kept.setdefault("total", Tensor(0.0, device=loss.device)).add_(loss.detach())


def average(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    kept["average"] = 0.9 * of(kept, "average", 1.0) + 0.1 * loss.detach()


def correct(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    kept["total"] = of(kept, "total") + loss.detach()
    kept["correct"] = of(kept, "correct") + (out.argmax(1) == 1).sum()


def largest(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    kept["largest"] = loss.detach().maximum(of(kept, "largest", -1.0))


def statistics(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    with no_grad():
        kept["mean"] = 0.5 * of(kept, "mean") + 0.5 * out.mean(0)
        kept["square"] = 0.5 * of(kept, "square") + 0.5 * out.square().mean(0)


def last(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    kept["last"] = loss.detach()


def difference(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    kept["difference"] = loss.detach() - of(kept, "last")
    kept["last"] = loss.detach()


def now_and_then(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    total(kept, loss, out, i)
    if i % 3 == 2:
        kept["total"].item()


def read(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    total(kept, loss, out, i)
    kept["total"].item()


def targets(kept: Kept, loss: Tensor, out: Tensor, i: int) -> None:
    """The slowly following output of a target network."""
    with no_grad():
        kept["target"] = of(kept, "target") * 0.99 + out.detach() * 0.01


LEAVES: list[Callable[[Kept, Tensor, Tensor, int], None]] = [
    total, total_in_place, average, correct, largest, statistics, last, difference, now_and_then,
    read, targets,
]  # fmt: skip


@pytest.mark.parametrize("jitted", [False, True], ids=["eager", "jitted"])
@pytest.mark.parametrize("leave", LEAVES, ids=lambda leave: leave.__name__)
def test_no_graph_grows(
    device: str, leave: Callable[[Kept, Tensor, Tensor, int], None], jitted: bool
) -> None:
    net = nn.Linear(6, 3).to(device)
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    data = Tensor(np.concatenate([ROWS] * STEPS), device=device).realize()
    y = Tensor(np.arange(8) % 3, device=device).realize()

    def train(x: Tensor) -> tuple[Tensor, Tensor]:
        optimizer.zero_grad()
        out = net(x)
        loss = out.cross_entropy(y)
        loss.backward()
        optimizer.step()
        return loss, out

    step = jit(train) if jitted else train
    kept: Kept = {}
    sizes, made = [], []
    for i in range(STEPS):
        before = plan_cache().misses
        leave(kept, *step(data[8 * i : 8 * i + 8]), i)
        sizes.append(len(toposort([tensor._node for tensor in kept.values()])))
        made.append(plan_cache().misses - before)
    assert max(sizes[SETTLED:]) <= max(sizes[:SETTLED])
    assert not any(made[SETTLED:]), made


@pytest.mark.parametrize("leave", [total, average, difference], ids=lambda leave: leave.__name__)
def test_replays_compute_what_waits(
    device: str, leave: Callable[[Kept, Tensor, Tensor, int], None]
) -> None:
    """Also where nothing else is computed but by replays."""
    x = Tensor(ROWS, device=device).realize()
    step = jit(lambda x: (x.square().mean(), x))
    kept: Kept = {}
    sizes = []
    for i in range(STEPS):
        leave(kept, *step(x), i)
        sizes.append(len(toposort([tensor._node for tensor in kept.values()])))
    assert max(sizes[SETTLED:]) <= max(sizes[:SETTLED])


def test_a_total_leaves_the_plan_of_the_step_alone(
    device: str, plans_run: list[CompiledPlan]
) -> None:
    param = Tensor(ROWS, device=device, requires_grad=True)
    optimizer = optim.SGD([param], lr=0.1)
    steps, losses = [], []
    kept: Kept = {}
    for i in range(4):
        optimizer.zero_grad()
        loss = param.square().sum()
        loss.backward()
        optimizer.step()
        steps.append(plans_run[-1])
        total(kept, loss, param, i)
        losses.append(loss.item())
    assert all(plan is steps[0] for plan in steps)
    assert kept["total"].item() == pytest.approx(sum(losses), rel=1e-6)


def test_updates_by_hand_are_one_plan_a_step(device: str, plans_run: list[CompiledPlan]) -> None:
    """Also where nothing is ever read: the first parameter that is rebound completes the step
    before, and not a part of this one."""
    net = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)).to(device)
    data = Tensor(ROWS, device=device).realize()
    steps = []
    for _ in range(6):
        plans_run.clear()
        net(data).square().mean().backward()
        with no_grad():
            for param in net.parameters():
                assert param.grad is not None
                param.sub_(param.grad * 0.1)
                param.grad = None
        steps.append(list(plans_run))
    assert [len(plans) for plans in steps] == [0, 1, 1, 1, 1, 1]
    assert len({id(plan) for (plan,) in steps[2:]}) == 1  # the first also draws the parameters
    average = Tensor(ROWS, device=device)
    plans_run.clear()
    for _ in range(3):
        average.mul_(0.9).add_(data, alpha=0.1)  # no step, but one value
    assert len(plans_run) == 3
