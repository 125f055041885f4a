"""The command line of the CNN example."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from typing import Any

from lazygrad import data, optim

# The options that decide what a run computes: they are saved with it, and taken up again.
DEFAULTS: dict[str, Any] = {
    "dataset": "digits",
    "batch_size": 64,
    "optimizer": "adam",
    "lr": 1e-3,
    "seed": 0,
    "limit": None,
}


OPTIMIZERS = {"adam": optim.Adam, "adamw": optim.AdamW, "sgd": optim.SGD}
LARGEST = 1 << 31


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 < value < LARGEST


# What each of them may be, for those who meet it in a file.
ALLOWED: dict[str, Callable[[Any], bool]] = {
    "dataset": lambda value: value in list(data.DATASETS),
    "batch_size": _is_count,
    "optimizer": lambda value: value in list(OPTIMIZERS),
    "lr": lambda value: type(value) in (int, float) and 0 <= value < math.inf,
    "seed": lambda value: type(value) is int and -(1 << 63) <= value < 1 << 64,
    "limit": lambda value: value is None or _is_count(value),
}


def option_problems(options: Any) -> Iterator[str]:
    """What is wrong with the options of a saved run."""
    if not isinstance(options, dict):
        yield f"its options are a {type(options).__name__}"
        return
    for name, allows in ALLOWED.items():
        if name not in options:
            yield f"it has no option {name}"
        elif not allows(options[name]):
            yield f"its option {name} is {options[name]!r}"


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; the options of ``DEFAULTS`` are None where they are not given."""
    parser = argparse.ArgumentParser(
        prog="python -m lazygrad.examples.cnn",
        description="Train a small CNN. BACKEND=GPU trains on OpenCL, BACKEND=CPU with NumPy.",
    )
    add = parser.add_argument
    add("--dataset", choices=list(data.DATASETS), help="default: digits")
    add("--epochs", type=_positive, default=10, metavar="N", help="in all; default: 10")
    add("--batch-size", type=_positive, metavar="N", help="default: 64")
    add("--optimizer", choices=list(OPTIMIZERS), help="default: adam")
    add("--lr", type=float, metavar="RATE", help="learning rate; default: 0.001")
    add("--seed", type=int, metavar="N", help="of the weights and the order; default: 0")
    add("--limit", type=_positive, metavar="N", help="train on the first N images only")
    add("--save", metavar="FILE", help="write the run to FILE after each epoch")
    add("--resume", metavar="FILE", help="go on with the run that --save wrote to FILE")
    add("--plot", metavar="FILE", help="draw the learning curve (needs matplotlib)")
    add("--no-jit", action="store_true", help="build and schedule every step anew")
    return parser.parse_args(arguments)


def given(options: argparse.Namespace) -> dict[str, Any]:
    """Those of the options of ``DEFAULTS`` that the command line has."""
    return {name: value for name in DEFAULTS if (value := getattr(options, name)) is not None}


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {value}")
    return value
