"""The learning curve of a run as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lazygrad.errors import DataError, MissingExtraError
from lazygrad.examples.history import History


def check_picture(path: str | Path) -> None:
    """Find out before a long run whether ``plot_curve`` can write ``path``.

    Raises:
        MissingExtraError: without matplotlib.
        DataError: if the ending is that of no picture format.
    """
    formats = new_figure().canvas.get_supported_filetypes()
    ending = Path(path).suffix.removeprefix(".").lower()
    if ending not in formats:
        raise DataError(
            f"[plot] cannot tell the format of {path} by its ending; "
            f"known endings: {', '.join(sorted(formats))}"
        )


def plot_curve(history: History, path: str | Path, title: str) -> None:
    """Draw the loss of each step, and the accuracies after each epoch, into a picture file.

    Args:
        history: what to draw.
        path: the picture; its ending says the format (.png, .svg, .pdf).
        title: what stands above it.

    Raises:
        MissingExtraError: without matplotlib.
    """
    figure = new_figure()
    left, right = figure.subplots(1, 2)
    _draw_losses(left, history)
    _draw_accuracies(right, history)
    figure.suptitle(title)
    figure.savefig(path, dpi=120)


def new_figure() -> Any:
    """A figure of matplotlib.

    Raises:
        MissingExtraError: without matplotlib.
    """
    try:
        # not pyplot, which would look for a display and keep the figure
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "[plot] drawing a curve needs matplotlib: pip install 'lazygrad[plot]'"
        ) from error
    return Figure(figsize=(10, 4), layout="constrained")


def _draw_losses(axes: Any, history: History) -> None:
    steps = range(1, len(history.losses) + 1)
    axes.plot(steps, history.losses, color="lightgray", linewidth=0.8, label="each step")
    axes.plot(steps, smoothed(history.losses), color="black", label="running mean")
    axes.set_title("training loss")
    axes.set_xlabel("step")
    axes.set_ylim(bottom=0)
    axes.legend()


def _draw_accuracies(axes: Any, history: History) -> None:
    epochs = range(1, history.epochs + 1)
    axes.plot(epochs, history.train_accuracy, "--", color="gray", label="training")
    axes.plot(epochs, history.test_accuracy, "o-", color="tab:blue", label="test")
    axes.set_title(f"accuracy, {history.test_accuracy[-1]:.4f} on the test set")
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


def smoothed(values: list[float], keep: float = 0.9) -> list[float]:
    """The running mean, each value weighing ``keep`` times the one after it."""
    result, total, weight = [], 0.0, 0.0
    for value in values:
        total = keep * total + value
        weight = keep * weight + 1
        result.append(total / weight)
    return result
