"""Everything that a backend needs from lazygrad; a backend imports this module and no other.

A backend is a package with a class derived from ``Backend``, registered as an entry point of the
group ``lazygrad.backends``. See CONTRIBUTING.md, "Add a backend".
"""

from lazygrad import element_types as dtype, ops, semantics
from lazygrad.codegen import composed, nest
from lazygrad.codegen.batch import Batch, Work, alone, batches, in_turn
from lazygrad.codegen.choose import loop_nest
from lazygrad.codegen.nest import LoopNest
from lazygrad.codegen.tuning import STAGES, Tuning, is_worthwhile, variations
from lazygrad.config import settings
from lazygrad.element_types import DType
from lazygrad.errors import DeviceError, InternalError
from lazygrad.folders import is_mine, private_folder
from lazygrad.kernel import contraction, expr, folding, forms, index, ranges, running
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output, buffer_names, loads, named
from lazygrad.kernel.plan import NO_PIECES, Copy, LoopCall, Piece, Reach
from lazygrad.kernel.routine import RoutineCall
from lazygrad.kernel.starts import without_starts
from lazygrad.kernel.target import Target
from lazygrad.runtime import disk, progress
from lazygrad.runtime.backend import (
    Backend,
    Call,
    Code,
    Part,
    Program,
    joint_name,
)
from lazygrad.runtime.cores import available_cores
from lazygrad.runtime.loops import pieces as pieces_of, reaches, steps_of
from lazygrad.runtime.tuner import best

__all__ = [
    "Backend", "Batch", "BufferSpec", "Call", "Code", "Copy", "DType", "DeviceError", "Expr",
    "Index", "InternalError", "Kernel", "LoopCall", "LoopNest", "NO_PIECES", "Output", "Part",
    "Piece", "Program", "Range", "Reach", "RoutineCall", "STAGES", "Target", "Tuning", "Work",
    "alone", "available_cores", "batches", "best", "buffer_names", "composed", "contraction",
    "disk", "dtype", "expr", "folding", "forms", "in_turn", "index", "is_mine", "is_worthwhile",
    "joint_name", "loads", "loop_nest", "named", "nest", "ops", "pieces_of", "private_folder",
    "progress", "ranges", "reaches", "running", "semantics", "settings", "steps_of", "variations",
    "without_starts",
]  # fmt: skip
