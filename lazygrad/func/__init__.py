"""Transforms of functions: derivatives, batching, pure functions, loops. Names and arguments are
those of ``torch.func`` wherever it has them."""

from lazygrad.func.associative import associative_scan as associative_scan
from lazygrad.func.branches import cond as cond
from lazygrad.func.checkpointing import checkpoint as checkpoint
from lazygrad.func.custom import (
    custom_jvp as custom_jvp,
    custom_vjp as custom_vjp,
    stop_gradient as stop_gradient,
)
from lazygrad.func.forward import jvp as jvp, linearize as linearize
from lazygrad.func.gradients import (
    grad as grad,
    grad_and_value as grad_and_value,
    value_and_grad as value_and_grad,
    vjp as vjp,
)
from lazygrad.func.jacobians import hessian as hessian, jacfwd as jacfwd, jacrev as jacrev
from lazygrad.func.loops import (
    fori_loop as fori_loop,
    scan as scan,
    while_loop as while_loop,
)
from lazygrad.func.modules import (
    functional_call as functional_call,
    stack_module_state as stack_module_state,
)
from lazygrad.func.purify import purify as purify
from lazygrad.func.vmap import vmap as vmap
from lazygrad.pytree import register_pytree_node as register_pytree_node

__all__ = [
    "grad", "grad_and_value", "value_and_grad", "vjp", "jvp", "linearize",
    "jacrev", "jacfwd", "hessian", "stop_gradient", "custom_vjp", "custom_jvp", "checkpoint",
    "vmap", "scan", "fori_loop", "while_loop", "cond", "associative_scan",
    "functional_call", "stack_module_state", "purify", "register_pytree_node",
]  # fmt: skip
