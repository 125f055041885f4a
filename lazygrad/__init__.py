"""lazygrad: a small lazy tensor library with pluggable backends."""

from lazygrad import errors as errors, interrupts as interrupts, nn as nn, optim as optim
from lazygrad.config import config as config
from lazygrad.dtype import (
    DType as DType,
    bfloat16 as bfloat16,
    bool_ as bool_,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from lazygrad.jit import jit as jit
from lazygrad.modes import (
    enable_grad as enable_grad,
    is_grad_enabled as is_grad_enabled,
    manual_seed as manual_seed,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from lazygrad.nn.state import load_state as load_state, save_state as save_state
from lazygrad.runtime.executor import synchronize as synchronize
from lazygrad.tensor import Tensor as Tensor
from lazygrad.tensor_grad import grad as grad
