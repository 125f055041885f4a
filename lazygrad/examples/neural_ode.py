"""A differential equation, learned from noisy points of one of its solutions.

The equation is van der Pol's oscillator. Its slope is a small network, ``odeint`` follows it, and
the errors of where it arrives reach the network through the solver. Training looks at short pieces
of the path and follows them with a few fixed steps, which can be jitted; the whole path, and as far
again, is then followed by the solver that chooses its steps by the error that they make.

Gradients come in two ways, which are compared in the end: back through the steps that were done, or
from an equation of their own that runs back in time (``adjoint``), whose memory does not grow with
the steps.

After R. T. Q. Chen, Y. Rubanova, J. Bettencourt and D. Duvenaud, *Neural ordinary differential
equations* (2018).

    python -m lazygrad.examples.neural_ode --plot ode.png
"""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import NamedTuple

import lazygrad as lg
from lazygrad import Tensor, func, jit, manual_seed, nn, no_grad, optim
from lazygrad.examples.program import described, draw_losses, options_of, picture, run, train
from lazygrad.implicit import odeint
from lazygrad.interrupts import guarded

RTOL, ATOL = 1e-4, 1e-5
END, POINTS, NOISE = 15.0, 301, 0.02
PIECE = 12  # times in a piece of the path, including where it begins


class Slope(nn.Module):
    """dy/dt of states ``(..., 2)``."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 2)
        )

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.layers(y)


class Path(NamedTuple):
    """Where the oscillator is, ``states`` of shape ``(times, 2)``, and what is ``seen`` of it."""

    times: Tensor
    states: Tensor
    seen: Tensor


def van_der_pol(t: Tensor, y: Tensor) -> Tensor:
    """The slope of a place ``x`` and a speed ``v``, where ``y`` is ``[x, v]``: friction brakes
    large movements and drives small ones."""
    x, v = y
    return lg.stack([v, (1 - x**2) * v - x])


def true_path(end: float, points: int) -> Path:
    """From near the rest position."""
    times = lg.linspace(0, end, points)
    states = odeint(van_der_pol, lg.tensor([0.5, 0.0]), times)
    return Path(times, states, (states + NOISE * lg.randn(points, 2)).realize())


def trained(options: Namespace, path: Path) -> tuple[Slope, list[float]]:
    """A network that was trained on pieces of the path, and its losses."""
    slope = Slope()
    print(f"{described(slope)}, {options.steps} steps of {options.batch_size} pieces", flush=True)
    optimizer = optim.Adam(slope.parameters(), lr=options.lr)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, max(options.steps, 1))
    times, pieces = path.times[:PIECE], path.seen.unfold(0, PIECE, 1).movedim(2, 0).contiguous()

    @jit
    def learn(starts: Tensor) -> Tensor:
        optimizer.zero_grad()
        piece = pieces[:, starts]  # (times, pieces, 2)
        found = odeint(slope, piece[0], times, method="rk4")
        loss = (found - piece).abs().mean()
        loss.backward()
        optimizer.step()
        return loss

    def step(number: int) -> Tensor:
        loss = learn(lg.randint(0, pieces.shape[1], (options.batch_size,)))
        schedule.step()
        return loss

    return slope, train(step, options.steps)


def gradients_apart(slope: Slope, path: Path) -> float:
    """How much the gradients of both ways differ, by their size."""
    parameters = dict(slope.named_parameters())

    def loss(parameters: dict[str, Tensor], adjoint: bool) -> Tensor:
        def field(t: Tensor, y: Tensor) -> Tensor:
            return func.functional_call(slope, parameters, (t, y))

        found = odeint(field, path.states[0], path.times, rtol=RTOL, atol=ATOL, adjoint=adjoint)
        return (found - path.states).abs().mean()

    through, along = (func.grad(loss)(parameters, adjoint) for adjoint in (False, True))
    apart = sum((through[name] - along[name]).square().sum() for name in parameters)
    return float((apart / sum(g.square().sum() for g in through.values())).sqrt().item())


def learned(options: Namespace) -> dict[str, float]:
    """Train, and say how far the learned path is from the true one; returns these figures."""
    manual_seed(options.seed)
    whole = true_path(2 * END, 2 * POINTS - 1)  # of which the first half is trained on
    path = Path(*(values[:POINTS].realize() for values in whole))
    slope, losses = trained(options, path)
    with no_grad():
        found = odeint(slope, whole.states[0], whole.times, rtol=RTOL, atol=ATOL)
        apart = (found - whole.states).norm(dim=1).realize()
    figures = {
        "while it was seen": apart[:POINTS].mean().item(),
        "as far again": apart[POINTS:].mean().item(),
        "size of the noise": NOISE,
        "gradients of both ways differ by": gradients_apart(slope, Path(*(v[:61] for v in path))),
    }
    print("mean distance of the learned path from the true one")
    for what, number in figures.items():
        print(f"  {what:>32}: {number:.4f}")
    if options.plot:
        draw(options.plot, whole, found, losses)
    return figures


def draw(file: str, whole: Path, found: Tensor, losses: list[float]) -> None:
    """The loss, the path with what was seen of it, and the place over time."""
    with picture(file, "A differential equation from points of a solution", 3) as axes:
        draw_losses(axes[0], losses)
        axes[1].plot(*whole.seen[:POINTS].numpy().T, ".", color="lightgray", label="seen")
        axes[1].plot(*whole.states.numpy().T, color="black", linewidth=0.8, label="true")
        axes[1].plot(*found.numpy().T, "--", color="tab:blue", label="learned")
        axes[1].legend()
        axes[2].plot(whole.times.numpy(), whole.states[:, 0].numpy(), color="black")
        axes[2].plot(whole.times.numpy(), found[:, 0].numpy(), "--", color="tab:blue")
        axes[2].axvline(END, color="gray", linewidth=0.8)
        axes[2].set_title("seen up to the line")
        axes[2].set_xlabel("time")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = options_of(
        "neural_ode", __doc__, arguments, files=("plot",),
        steps=1000, batch_size=32, lr=1e-2, seed=0,
    )  # fmt: skip
    return run(learned, options)


if __name__ == "__main__":
    sys.exit(guarded(main))
