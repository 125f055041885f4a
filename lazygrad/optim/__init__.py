"""Optimizers, with torch.optim's names and update formulas."""

from lazygrad.optim.adam import Adam, AdamW
from lazygrad.optim.group import ParamGroup
from lazygrad.optim.optimizer import Optimizer
from lazygrad.optim.sgd import SGD
from lazygrad.optim.state import flatten_state, unflatten_state

__all__ = [
    "SGD", "Adam", "AdamW", "Optimizer", "ParamGroup", "flatten_state", "unflatten_state",
]  # fmt: skip
