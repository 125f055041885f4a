"""lazygrad: a small lazy tensor library with pluggable backends."""

from lazygrad import errors as errors
from lazygrad.config import config as config
from lazygrad.dtype import DType as DType
from lazygrad.dtype import bfloat16 as bfloat16
from lazygrad.dtype import bool_ as bool_
from lazygrad.dtype import float16 as float16
from lazygrad.dtype import float32 as float32
from lazygrad.dtype import float64 as float64
from lazygrad.dtype import int8 as int8
from lazygrad.dtype import int16 as int16
from lazygrad.dtype import int32 as int32
from lazygrad.dtype import int64 as int64
from lazygrad.dtype import uint8 as uint8
from lazygrad.dtype import uint16 as uint16
from lazygrad.dtype import uint32 as uint32
from lazygrad.dtype import uint64 as uint64
from lazygrad.modes import enable_grad as enable_grad
from lazygrad.modes import is_grad_enabled as is_grad_enabled
from lazygrad.modes import manual_seed as manual_seed
from lazygrad.modes import no_grad as no_grad
from lazygrad.modes import set_grad_enabled as set_grad_enabled
from lazygrad.runtime.executor import synchronize as synchronize
from lazygrad.tensor import Tensor as Tensor
from lazygrad.tensor_grad import grad as grad
