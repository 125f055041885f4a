"""Learning rates that change with the steps or epochs, with torch.optim.lr_scheduler's names.

A scheduler sets ``optimizer.param_groups[i]["lr"]``. A jitted step sees it without being traced
again; call ``scheduler.step()`` outside of it.
"""

from lazygrad.names import lookup
from lazygrad.optim.lr_scheduler.base import LRScheduler
from lazygrad.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from lazygrad.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from lazygrad.optim.lr_scheduler.cyclic import CyclicLR
from lazygrad.optim.lr_scheduler.factors import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from lazygrad.optim.lr_scheduler.one_cycle import OneCycleLR
from lazygrad.optim.lr_scheduler.plateau import ReduceLROnPlateau

_LRScheduler = LRScheduler  # its name in old programs

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts",
    "CyclicLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR",
    "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR",
    "StepLR",
]  # fmt: skip

__getattr__ = lookup("optim.lr_scheduler", "torch.optim.lr_scheduler", globals())
