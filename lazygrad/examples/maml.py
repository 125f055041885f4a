"""A network that learns a new sine from ten points, because it was trained to learn.

Each task is a sine of another amplitude and phase. Training looks for parameters from which *one*
step of gradient descent on ten points of a task leads to a good network for it: the loss is taken
after the step, and its gradient goes through the step, so through a gradient. The tasks of a batch
are one ``vmap``. Beside it, a network is trained on the same sines in the usual way: all that it
can learn is their mean, and from there one step does not lead far.

After C. Finn, P. Abbeel and S. Levine, *Model-agnostic meta-learning* (2017).

    python -m lazygrad.examples.maml --plot maml.png
"""

from __future__ import annotations

import math
import sys
from argparse import Namespace
from typing import NamedTuple

import lazygrad as lg
from lazygrad import Tensor, func, jit, manual_seed, nn, optim
from lazygrad.examples.program import described, draw_losses, options_of, picture, run, train
from lazygrad.interrupts import guarded

Parameters = dict[str, Tensor]

RATE = 0.01  # of the steps that adapt to a task
STEPS_SHOWN = (0, 1, 5, 10)  # of adapting, after which the networks are compared
NEW_TASKS = 200


class Tasks(NamedTuple):
    """Points of sines: what is learned from, ``x`` and ``y`` of shape ``(tasks, shots, 1)``, and
    what the result is judged by."""

    x: Tensor
    y: Tensor
    new_x: Tensor
    new_y: Tensor


def sines(tasks: int, shots: int, judged: int) -> Tasks:
    """Sines of amplitudes 0.1 to 5 and phases 0 to pi, at points from -5 to 5."""
    amplitude = 0.1 + 4.9 * lg.rand(tasks, 1, 1)
    phase = math.pi * lg.rand(tasks, 1, 1)
    x, new_x = (10 * lg.rand(tasks, count, 1) - 5 for count in (shots, judged))
    y, new_y = (amplitude * (points - phase).sin() for points in (x, new_x))
    return Tasks(x, y, new_x, new_y)


class Learner:
    """A network as a function of its parameters, and how it learns a task.

    Args:
        model: takes ``(points, 1)`` and returns as much.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.parameters = dict(model.named_parameters())

    def loss(self, parameters: Parameters, x: Tensor, y: Tensor) -> Tensor:
        """The mean square of the errors."""
        return (func.functional_call(self.model, parameters, (x,)) - y).square().mean()

    def adapted(self, parameters: Parameters, x: Tensor, y: Tensor, steps: int = 1) -> Parameters:
        """The parameters after some steps of gradient descent on one task."""
        for _ in range(steps):
            gradient = func.grad(self.loss)(parameters, x, y)
            parameters = {name: p - RATE * gradient[name] for name, p in parameters.items()}
        return parameters

    def losses_after(self, steps: int, tasks: Tasks) -> Tensor:
        """The loss of each task once the network has adapted to it, ``(tasks,)``."""

        def of_one(x: Tensor, y: Tensor, new_x: Tensor, new_y: Tensor) -> Tensor:
            return self.loss(self.adapted(self.parameters, x, y, steps), new_x, new_y)

        return func.vmap(of_one)(*tasks)


def network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1)
    )


def trained(options: Namespace, adapting: int) -> tuple[Learner, list[float]]:
    """A network that was trained by its losses after ``adapting`` steps, and these losses."""
    manual_seed(options.seed)
    learner = Learner(network())
    optimizer = optim.Adam(learner.model.parameters(), lr=options.lr)

    @jit
    def step() -> Tensor:
        tasks = sines(options.tasks, options.shots, options.shots)
        optimizer.zero_grad()
        loss = learner.losses_after(adapting, tasks).mean()
        loss.backward()
        optimizer.step()
        return loss

    title = "learning to learn" if adapting else "learning all at once"
    return learner, train(lambda number: step(), options.steps, title)


def compared(options: Namespace) -> dict[str, dict[int, float]]:
    """The mean loss on new tasks after some steps of adapting, by how the network was trained."""
    ways = {"learning to learn": 1, "all at once": 0}
    print(
        f"{described(network())}, {options.steps} steps of {options.tasks} tasks each", flush=True
    )
    found, learners, losses = {}, {}, {}
    for way, adapting in ways.items():
        learners[way], losses[way] = trained(options, adapting)
        manual_seed(options.seed + 1)
        tasks = sines(NEW_TASKS, options.shots, 100)
        found[way] = {n: learners[way].losses_after(n, tasks).mean().item() for n in STEPS_SHOWN}
    print(f"mean square error on {NEW_TASKS} new sines, of which {options.shots} points are known:")
    print(f"{'steps of adapting':>20} " + " ".join(f"{n:>7}" for n in STEPS_SHOWN))
    for way, errors in found.items():
        print(f"{way:>20} " + " ".join(f"{error:7.3f}" for error in errors.values()))
    if options.plot:
        draw(options, learners, losses)
    return found


def draw(options: Namespace, learners: dict[str, Learner], losses: dict[str, list[float]]) -> None:
    """The losses, and what both networks make of one new sine."""
    manual_seed(options.seed + 2)
    task = Tasks(*(points[0] for points in sines(1, options.shots, 1)))
    line = lg.linspace(-5, 5, 200).reshape(-1, 1)
    with picture(options.plot, "A new sine from a few points", 3) as (left, *others):
        for way, values in losses.items():
            draw_losses(left, values, way)
        left.legend()
        for axis, (way, learner) in zip(others, learners.items(), strict=True):
            axis.plot(task.x.numpy(), task.y.numpy(), "ko", label="what is known")
            for steps in STEPS_SHOWN[:3]:
                adapted = learner.adapted(learner.parameters, task.x, task.y, steps)
                guess = func.functional_call(learner.model, adapted, (line,)).detach()
                axis.plot(line.numpy(), guess.numpy(), label=f"steps: {steps}")
            axis.set_title(way)
            axis.legend()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = options_of(
        "maml", __doc__, arguments, files=("plot",),
        steps=2000, tasks=25, shots=10, lr=3e-3, seed=0,
    )  # fmt: skip
    return run(compared, options)


if __name__ == "__main__":
    sys.exit(guarded(main))
