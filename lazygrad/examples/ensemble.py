"""Eight networks trained as one: a ``vmap`` over their stacked parameters.

The members of an ensemble start from parameters of their own, and each learns from a sample of the
digits that was drawn for it (bagging). Written as eight models they would take their steps one
after the other; here ``stack_module_state`` puts their parameters into tensors with a new first
dim, and a function of one model, mapped over that dim, is the step of all. Asked together, members
know more than each of them alone, and where they disagree they are likely to be wrong.

    python -m lazygrad.examples.ensemble --plot ensemble.png
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import NamedTuple

import lazygrad as lg
from lazygrad import Tensor, data, func, jit, manual_seed, nn, no_grad, optim
from lazygrad.examples.model import SmallCNN
from lazygrad.examples.program import described, draw_losses, options_of, picture, run, train
from lazygrad.interrupts import guarded

TIMED = 10  # steps of which the time is taken

Step = Callable[[Tensor], Tensor]


class Images(NamedTuple):
    """Images ``(N, 1, 8, 8)`` and labels ``(N,)``."""

    images: Tensor
    labels: Tensor


def digits(few: int) -> tuple[Images, Images]:
    """So many digits to train on, for with all of them every network knows everything; and all
    that are there to test with."""
    train_set, test_set = data.load("digits")
    train_images, test_images = (map(Tensor, found) for found in (train_set[:few], test_set[:]))
    return Images(*train_images), Images(*test_images)


class Ensemble:
    """Networks of one architecture.

    Args:
        models: whose parameters are taken; the first one says what is computed with them.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.model, self.size = models[0], len(models)
        self.parameters, self.buffers = func.stack_module_state(models)

    def logits(self, images: Tensor, each: bool = False) -> Tensor:
        """Of all members, ``(members, N, classes)``, for images that are the same for all, or
        those of ``each``, ``(members, N, ...)``."""

        def of_one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
            return func.functional_call(self.model, (parameters, buffers), (x,))

        in_dims = (0, 0, 0 if each else None)
        return func.vmap(of_one, in_dims)(self.parameters, self.buffers, images)


def step_of_all(ensemble: Ensemble, given: Images, lr: float) -> Step:
    """A step of Adam for every member; ``chosen (members, N)`` says which images it learns from,
    and the mean of the losses is returned."""
    optimizer = optim.Adam(list(ensemble.parameters.values()), lr=lr)

    @jit
    def step(chosen: Tensor) -> Tensor:
        optimizer.zero_grad()
        logits = ensemble.logits(given.images[chosen], each=True)
        losses = func.vmap(Tensor.cross_entropy)(logits, given.labels[chosen])
        losses.sum().backward()  # each member's parameters get the gradient of its own loss
        optimizer.step()
        return losses.mean()

    return step


def step_of_one(model: nn.Module, given: Images, lr: float) -> Step:
    """The same for one model, as anybody writes it."""
    optimizer = optim.Adam(model.parameters(), lr=lr)

    @jit
    def step(chosen: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(given.images[chosen]).cross_entropy(given.labels[chosen])
        loss.backward()
        optimizer.step()
        return loss

    return step


def seconds(steps: list[Step], chosen: list[Tensor]) -> float:
    """The time of a step of each, when they are compiled."""
    for turn in range(2 + TIMED):
        if turn == 2:
            lg.synchronize()
            start = time.perf_counter()
        for step, images in zip(steps, chosen, strict=True):
            step(images).realize()
    lg.synchronize()
    return (time.perf_counter() - start) / TIMED


def compared(options: Namespace) -> dict[str, float]:
    """Train an ensemble, compare it with its members, and time both ways; returns the figures."""
    manual_seed(options.seed)
    given, test = digits(options.few)
    models = [SmallCNN(1, 8, 8, classes=10) for _ in range(options.members)]
    ensemble = Ensemble(models)
    print(f"{options.members} times {described(models[0])}, {options.few} digits", flush=True)
    shape = (options.members, options.batch_size)

    def drawn() -> Tensor:
        """Which images each member sees: those of its own sample of them."""
        return (lg.rand(shape) * samples.shape[1]).long()

    samples = lg.randint(0, options.few, (options.members, options.few)).realize()
    step = step_of_all(ensemble, given, options.lr)
    losses = train(lambda number: step(samples.gather(1, drawn())), options.steps)

    with no_grad():
        logits = ensemble.logits(test.images)
        guesses = logits.argmax(2)
        each = (guesses == test.labels).float().mean(1)
        answer = logits.softmax(2).mean(0).argmax(1)
        right = answer == test.labels
        agreed = (guesses == answer).float().mean(0) == 1
    chosen = samples.gather(1, drawn()).realize()
    steps = [step_of_one(model, given, options.lr) for model in models]
    figures = {
        "accuracy of a member, the mean": each.mean().item(),
        "of the best one": each.max().item(),
        "of all together": right.float().mean().item(),
        "of all, where they agree": right[agreed].float().mean().item(),
        "share of images where they agree": agreed.float().mean().item(),
        "milliseconds of a step, all at once": 1e3 * seconds([step], [chosen]),
        "one after the other": 1e3 * seconds(steps, list(chosen.unbind(0))),
    }
    for what, number in figures.items():
        print(f"  {what:>36}: {number:.4g}")
    if options.plot:
        draw(options.plot, each, figures, losses)
    return figures


def draw(file: str, each: Tensor, figures: dict[str, float], losses: list[float]) -> None:
    """The loss, the accuracies, and the times."""
    with picture(file, "An ensemble is one vmap", 3) as (left, middle, right):
        draw_losses(left, losses)
        middle.bar(range(len(each)), each.numpy(), color="lightgray", label="each member")
        middle.axhline(figures["of all together"], color="tab:blue", label="all together")
        middle.set_ylim(each.min().item() - 0.02, 1)
        middle.set_title("accuracy")
        middle.legend()
        names = ["milliseconds of a step, all at once", "one after the other"]
        right.bar(["all at once", names[1]], [figures[name] for name in names], color="gray")
        right.set_title("milliseconds of a step")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = options_of(
        "ensemble", __doc__, arguments, files=("plot",),
        members=8, few=300, steps=150, batch_size=32, lr=2e-3, seed=0,
    )  # fmt: skip
    return run(compared, options)


if __name__ == "__main__":
    sys.exit(guarded(main))
