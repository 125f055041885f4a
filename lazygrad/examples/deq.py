"""A deep-equilibrium classifier of digits, beside an explicit network of the same parameters.

The explicit network applies a layer twice. The equilibrium has the same layer, and asks for the
state that it would not change any more: as if it were applied without end. That state is found by
``fixed_point``; its derivative is that of the equation, not of the iterations that found it, none
of which is remembered.

After S. Bai, J. Z. Kolter and V. Koltun, *Deep Equilibrium Models* (2019).

    python -m lazygrad.examples.deq --plot deq.png
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import TypeVar

import lazygrad as lg
from lazygrad import Tensor, func, jit, manual_seed, nn, no_grad, optim
from lazygrad.data import DataLoader, ImageDataset, load
from lazygrad.examples.program import described, draw_losses, options_of, picture, run, save, train
from lazygrad.implicit import fixed_point
from lazygrad.interrupts import guarded

TOLERANCE, MOST = 1e-3, 30  # of the equilibrium, and iterations to find it
LARGEST = 0.9  # factor by which a step of the layer may bring two states apart

L = TypeVar("L", bound="Layer")


class Layer(nn.Module):
    """What both networks are made of: a way in, a layer of a state and an input, a way out."""

    def __init__(self, pixels: int, width: int, classes: int) -> None:
        super().__init__()
        self.enter = nn.Linear(pixels, width)
        self.inner = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, classes)

    def weight(self) -> Tensor:
        """The inner weight, made smaller where it is too large: the state has an equilibrium then,
        and only one."""
        weight = self.inner.weight
        norm = weight.abs().sum(1).amax()  # of the matrix, for the largest change of a state
        return weight * (LARGEST / norm.clamp(min=LARGEST))


class Explicit(Layer):
    """Logits ``(B, classes)`` of images ``(B, pixels)``: the layer is applied twice, from 0 on."""

    def forward(self, images: Tensor) -> Tensor:
        given = self.enter(images)
        return self.output((given.tanh() @ self.inner.weight.T + given).tanh())


class Equilibrium(Layer):
    """Logits ``(B, classes)`` of images ``(B, pixels)``: the layer is applied without end."""

    def forward(self, images: Tensor) -> Tensor:
        return self.output(self.state(images))

    def state(self, images: Tensor) -> Tensor:
        """The states ``(B, width)`` that the layer does not change."""
        weight = self.weight()

        def settled(given: Tensor) -> Tensor:
            return fixed_point(
                lambda z: (weight @ z + given).tanh(), lg.zeros(len(given)),
                tol=TOLERANCE, maxiter=MOST, linear_solver="lu",
            )  # fmt: skip

        return func.vmap(settled)(self.enter(images))

    def residuals(self, images: Tensor, steps: int) -> Tensor:
        """How far the states are from equilibrium if the layer is applied again and again: the mean
        distance ``(steps,)`` to the next state."""
        given, weight = self.enter(images), self.weight()

        def step(z: Tensor, nothing: None) -> tuple[Tensor, Tensor]:
            after = (z @ weight.T + given).tanh()
            return after, (after - z).norm(dim=1).mean()

        return func.scan(step, lg.zeros_like(given), length=steps)[1]


def batches(images: ImageDataset, options: Namespace) -> Iterator[tuple[Tensor, Tensor]]:
    """Images ``(B, pixels)`` and labels, epoch after epoch, each in another order."""
    loader = DataLoader(images, options.batch_size, shuffle=True, seed=options.seed, drop_last=True)
    for epoch in range(options.epochs):
        loader.set_epoch(epoch)
        for x, y in loader:
            yield x.flatten(1), y


def trained(kind: type[L], images: ImageDataset, options: Namespace) -> tuple[L, list[float]]:
    """A classifier that has seen the images, and its losses."""
    manual_seed(options.seed)
    model = kind(images.images[0].size, options.width, len(images.classes))
    print(described(model), flush=True)
    steps = options.epochs * (len(images) // options.batch_size)
    optimizer = optim.Adam(model.parameters(), lr=options.lr)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    given = batches(images, options)

    @jit
    def learn(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(x).cross_entropy(y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def step(number: int) -> Tensor:
        loss = learn(*next(given))
        schedule.step()
        return loss

    return model, train(step, steps, kind.__name__)


def accuracy(model: Layer, x: Tensor, y: Tensor) -> float:
    """The share of images that are classified correctly."""
    with no_grad():
        return float((model(x).argmax(1) == y).float().mean().item())


def show(options: Namespace) -> None:
    """Train both, and say what they know of images that they have not seen."""
    images, new = load("digits")
    x, y = next(iter(DataLoader(new, batch_size=len(new))))
    x = x.flatten(1)
    explicit, explicit_losses = trained(Explicit, images, options)
    print(f"{accuracy(explicit, x, y):.2%} of {len(new)} new images are right")
    model, losses = trained(Equilibrium, images, options)
    print(f"{accuracy(model, x, y):.2%} of {len(new)} new images are right")
    with no_grad():
        residuals = model.residuals(x, MOST).tolist()
    print(f"applied {MOST} times, the layer still changes the state by {residuals[-1]:.1g}, "
          f"after {residuals[0]:.1g} at first")  # fmt: skip
    save(model, options.save)
    if options.plot:
        title = "An equilibrium, and a network of as many parameters"
        with picture(options.plot, title, 2) as (left, right):
            draw_losses(left, explicit_losses, "explicit")
            draw_losses(left, losses, "equilibrium")
            left.set_yscale("log")
            left.legend()
            right.semilogy(range(1, MOST + 1), residuals, "o-")
            right.set_title("how far from equilibrium")
            right.set_xlabel("applications of the layer")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = options_of(
        "deq", __doc__, arguments, files=("plot", "save"),
        epochs=30, batch_size=64, lr=5e-3, width=32, seed=0,
    )  # fmt: skip
    return run(show, options)


if __name__ == "__main__":
    sys.exit(guarded(main))
