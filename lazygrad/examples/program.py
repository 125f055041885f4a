"""What the examples share: a command line, training with a progress bar, pictures."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lazygrad import Tensor, nn, save_state
from lazygrad.config import settings
from lazygrad.errors import LazygradError
from lazygrad.examples.curve import check_picture, new_figure, smoothed
from lazygrad.examples.progress import make_progress
from lazygrad.examples.training import STEPS_BETWEEN_READS
from lazygrad.interrupts import STATUS

HELP = {
    "batch_size": "samples in a step of training",
    "epochs": "times that each sample is seen",
    "few": "images to train on",
    "length": "letters of a text",
    "longest": "vectors in the longest sequence of training",
    "lr": "learning rate",
    "seed": "of the parameters and of all that is drawn",
    "members": "networks of the ensemble",
    "shots": "points of a task that it is learned from",
    "slots": "rows of the memory",
    "steps": "steps of training",
    "tasks": "tasks in a step of training",
    "width": "numbers in a vector",
    "wrong": "share of the labels that are made wrong",
    "save": "write the trained parameters to FILE",
    "plot": "draw a picture of the result (needs matplotlib)",
}


def options_of(
    example: str, about: str, arguments: list[str] | None, files: Sequence[str] = (), **numbers: Any
) -> argparse.Namespace:
    """The options of a command line.

    Args:
        example: the name of the module in ``lazygrad.examples``.
        about: what ``--help`` says of it: the first line.
        arguments: the words of the command line; those of the process if None.
        files: options that name a file to be written: "plot", "save".
        numbers: options by name, and their defaults: int, which must be 0 or more, or float.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m lazygrad.examples.{example}",
        description=f"{about.splitlines()[0]} BACKEND=GPU runs it on OpenCL, BACKEND=CPU with "
        "NumPy.",
    )
    for name, default in numbers.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=_number_like(default), default=default,
            metavar="N", help=f"{HELP[name]}; default: {default}",
        )  # fmt: skip
    for name in files:
        parser.add_argument(f"--{name}", metavar="FILE", help=HELP[name])
    return parser.parse_args(arguments)


def _number_like(default: Any) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        value = type(default)(text)
        if value < 0:
            raise argparse.ArgumentTypeError(f"must be 0 or more, not {text}")
        return value

    return number


def run(program: Callable[[argparse.Namespace], object], options: argparse.Namespace) -> int:
    """Run an example as its command line says; returns the exit status of the process.

    Files that it would write at its end are thought of before it begins: what would fail after a
    minute had better fail before it.
    """
    start = time.monotonic()
    files = [path for name in ("save", "plot") if (path := getattr(options, name, None))]
    try:
        if getattr(options, "plot", None):
            check_picture(options.plot)
        for path in files:
            Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
        program(options)
    except (LazygradError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return STATUS
    print(f"done in {time.monotonic() - start:.1f} s")
    for path in files:
        print(f"written: {path}")
    return 0


def train(step: Callable[[int], Tensor], steps: int, title: str = "training") -> list[float]:
    """Call ``step(0)``, ``step(1)``, ... and show how far it is; returns the losses.

    Args:
        step: takes a step, and returns its loss, of shape ``()``. Losses are read late, so that the
            device always has a step to work on.
        steps: how many of them.
        title: stands in front of the progress bar.
    """
    losses: list[float] = []
    waiting: list[Tensor] = []
    progress = make_progress(title, steps, "steps")
    try:
        for number in range(steps):
            waiting.append(step(number).detach().realize())
            progress.advance(1)
            if len(waiting) > STEPS_BETWEEN_READS:
                losses += [float(loss.item()) for loss in waiting[:-1]]
                del waiting[:-1]
                progress.show(loss=smoothed(losses)[-1])
    finally:
        progress.close()
    return losses + [float(loss.item()) for loss in waiting]


def described(model: nn.Module) -> str:
    """A model in a few words: its class, the number of its parameters, where it runs."""
    count = sum(parameter.numel() for parameter in model.parameters())
    return f"{type(model).__name__} with {count:,} parameters on {settings.backend}"


def save(model: nn.Module, path: str | None) -> None:
    """Write a model's parameters, if a path is given; ``load_state`` reads them."""
    if path:
        save_state(path, model.state_dict())


@contextmanager
def picture(path: str, title: str, panels: int = 1) -> Iterator[list[Any]]:
    """The axes of so many panels, side by side; what is drawn there is written to ``path``."""
    figure = new_figure()
    yield list(figure.subplots(1, panels, squeeze=False)[0])
    figure.suptitle(title)
    figure.savefig(path, dpi=100)


def draw_losses(axes: Any, losses: list[float], label: str = "running mean") -> None:
    """The loss of each step, and their running mean."""
    (line,) = axes.plot(smoothed(losses), label=label)
    axes.plot(losses, color=line.get_color(), alpha=0.25, linewidth=0.7)
    axes.set_title("training loss")
    axes.set_xlabel("step")
