"""Optimizers, with torch.optim's names and update formulas."""

from lazygrad.names import lookup
from lazygrad.optim import lr_scheduler as lr_scheduler, swa_utils as swa_utils
from lazygrad.optim.adagrad import Adadelta, Adagrad
from lazygrad.optim.adam import Adam, AdamW
from lazygrad.optim.adamax import Adamax
from lazygrad.optim.group import ParamGroup
from lazygrad.optim.lbfgs import LBFGS
from lazygrad.optim.lion import LAMB, Lion
from lazygrad.optim.matrix import Adafactor, Muon
from lazygrad.optim.nadam import NAdam, RAdam
from lazygrad.optim.optimizer import Optimizer
from lazygrad.optim.rmsprop import RMSprop
from lazygrad.optim.rprop import ASGD, Rprop
from lazygrad.optim.sgd import SGD
from lazygrad.optim.state import flatten_state, unflatten_state

__all__ = [
    "ASGD", "LAMB", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax",
    "Lion", "Muon", "NAdam", "Optimizer", "ParamGroup", "RAdam", "RMSprop", "Rprop",
    "flatten_state", "lr_scheduler", "swa_utils", "unflatten_state",
]  # fmt: skip

__getattr__ = lookup("optim", "torch.optim", globals())
