"""Everything that a backend needs from lazygrad; a backend imports this module and no other.

A backend is a package with a class derived from ``Backend``, registered as an entry point of the
group ``lazygrad.backends``. See CONTRIBUTING.md, "Add a backend".
"""

from lazygrad import dtype, ops
from lazygrad.codegen import nest
from lazygrad.codegen.batch import Batch, Work, alone, batches
from lazygrad.codegen.choose import loop_nest
from lazygrad.codegen.nest import LoopNest
from lazygrad.config import settings
from lazygrad.dtype import DType
from lazygrad.errors import DeviceError, InternalError
from lazygrad.kernel import contraction, expr, index
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output, loads
from lazygrad.kernel.target import Target
from lazygrad.runtime import disk
from lazygrad.runtime.backend import Backend, Call, Code, Program, joint_name

__all__ = [
    "Backend", "Batch", "BufferSpec", "Call", "Code", "DType", "DeviceError", "Expr", "Index",
    "InternalError", "Kernel", "LoopNest", "Output", "Program", "Range", "Target", "Work",
    "alone", "batches", "contraction", "disk", "dtype", "expr", "index", "joint_name", "loads",
    "loop_nest", "nest", "ops", "settings",
]  # fmt: skip
