"""Training loops as people write them, in which something differs from step to step: where a batch
begins, a number of Python, a state, a total. Each is compared with a loop in which it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count, cycle
from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import Workload
from . import cnn, mlp
from .weights import initial_of, labels, normal

Loop = Callable[..., Step]  # of a framework, and of whether the loop is the prepared one

BATCH, BATCHES, CLASSES = 64, 16, 10
WIDTHS = (784, 128, 64, 10)
LENGTH, INPUTS, HIDDEN = 8, 28, 64


def classifier(fw: Framework, model: Any) -> Callable[..., Tensor]:
    """A step of Adam on a batch, which leaves reading the loss to the loop."""
    optimizer = fw.torch.optim.Adam(model.parameters(), lr=1e-3)

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = fw.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return fw.jitted(step)


def slices(fw: Framework, prepared: bool) -> Step:
    """Batches are cut out of one tensor, or lie ready."""
    images, classes = normal(BATCHES * BATCH, 1, 28, 28), labels(BATCHES * BATCH, CLASSES)
    x, y = fw.tensor(images), fw.tensor(classes)
    places = [slice(i, i + BATCH) for i in range(0, BATCHES * BATCH, BATCH)]
    ready = [(fw.tensor(images[place]), fw.tensor(classes[place])) for place in places]
    step, turns = classifier(fw, cnn.model(fw)), cycle(range(BATCHES))

    def turn() -> Tensor:
        i = next(turns)
        loss = step(*ready[i]) if prepared else step(x[places[i]], y[places[i]])
        loss.item()
        return loss

    return turn


def number(fw: Framework, prepared: bool) -> Step:
    """The learning rate falls from step to step, or stays."""
    model = mlp.model(fw, WIDTHS)
    x, y = fw.tensor(normal(BATCH, WIDTHS[0])), fw.tensor(labels(BATCH, CLASSES))
    turns = count()

    def plain(rate: float) -> Tensor:
        for parameter in model.parameters():
            parameter.grad = None
        loss = fw.cross_entropy(model(x), y)
        loss.backward()
        with fw.torch.no_grad():
            for parameter in model.parameters():
                parameter -= rate * parameter.grad
        return loss

    step = fw.jitted(plain)

    def turn() -> Tensor:
        loss = step(0.01 if prepared else 0.01 / (1 + 1e-3 * next(turns)))
        loss.item()
        return loss

    return turn


def recurrent(fw: Framework) -> Any:
    class Recurrent(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inward = fw.nn.Linear(INPUTS, HIDDEN)
            self.across = fw.nn.Linear(HIDDEN, HIDDEN)
            self.head = fw.nn.Linear(HIDDEN, CLASSES)

        def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
            for t in range(LENGTH):
                state = (self.inward(x[:, t]) + self.across(state)).tanh()
            return self.head(state), state

    model = Recurrent()
    return fw.load(model, initial_of(model))


def state(fw: Framework, prepared: bool) -> Step:
    """Truncated backpropagation: a step begins with the detached state of the last one, which
    nobody reads, or with the same state each time."""
    model = recurrent(fw)
    optimizer = fw.torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = fw.tensor(normal(BATCH, LENGTH, INPUTS)), fw.tensor(labels(BATCH, CLASSES))
    carried = fw.torch.zeros(BATCH, HIDDEN)

    def plain(begin: Tensor) -> tuple[Tensor, Tensor]:
        optimizer.zero_grad()
        logits, end = model(x, begin.detach())
        loss = fw.cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        return loss, end

    step = fw.jitted(plain)

    def turn() -> Tensor:
        nonlocal carried
        loss, end = step(carried)
        if not prepared:
            carried = end
        loss.item()
        return loss

    return turn


def totals(fw: Framework, prepared: bool) -> Step:
    """A total and a running mean of the losses grow and are read now and then, or only a loss."""
    step = classifier(fw, mlp.model(fw, WIDTHS))
    x, y = fw.tensor(normal(BATCH, WIDTHS[0])), fw.tensor(labels(BATCH, CLASSES))
    turns = cycle(range(BATCHES))
    total = mean = fw.torch.zeros(())

    def turn() -> Tensor:
        nonlocal total, mean
        loss = step(x, y)
        if not prepared:
            total = total + loss.detach()
            mean = 0.9 * mean + 0.1 * loss.detach()
        if next(turns) == BATCHES - 1:
            (loss if prepared else total + mean).item()
        return loss

    return turn


def _both(name: str, what: str, loop: Loop, images: bool = False) -> tuple[Workload, Workload]:
    build = partial(loop, prepared=False)
    written = Workload(
        f"loop_{name}", what, build, images=images, torch_names=True, beside=SUFFIX
    )  # fmt: skip
    name = written.name + SUFFIX
    return written, replace(written, name=name, build=partial(loop, prepared=True))


SUFFIX = "-prepared"  # of the names of loops in which nothing differs

LOOPS, PREPARED = zip(
    _both("slices", "small CNN, batches of 64 are slices of one tensor", slices, images=True),
    _both("number", "MLP, SGD by hand, its rate is a Python number that changes", number),
    _both("state", "recurrent network, 8 steps, begins with the last detached state", state),
    _both("totals", "MLP, a total and a running mean of detached losses", totals),
    strict=True,
)
