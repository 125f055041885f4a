"""Names that modules do not have: what to use instead."""

from __future__ import annotations

from lazygrad.errors import ModuleError
from lazygrad.names import closest

_BACKWARD = "read derivatives of what a module gives by lazygrad.autograd.grad(loss, [result])"
_STATE = "override state_dict() or load_state_dict()"
INSTEAD = {
    "register_backward_hook": _BACKWARD,
    "register_full_backward_hook": _BACKWARD,
    "register_full_backward_pre_hook": _BACKWARD,
    "register_state_dict_pre_hook": _STATE,
    "register_state_dict_post_hook": _STATE,
    "register_load_state_dict_pre_hook": _STATE,
    "register_load_state_dict_post_hook": _STATE,
    "get_extra_state": "register_buffer() what belongs to the state",
    "set_extra_state": "register_buffer() what belongs to the state",
    "to_empty": "make the module on that device, with device=",
    "compile": "use lazygrad.jit on the function that calls it",
    "xpu": 'use to("GPU")',
    "ipu": 'use to("GPU")',
    "mtia": 'use to("GPU")',
}


def no_attribute(module: object, name: str) -> ModuleError:
    """The error for a name that is looked up in vain."""
    if name.startswith("__"):  # Python asks for these often
        return ModuleError(name)
    known = [attribute for attribute in dir(module) if not attribute.startswith("_")]
    near = closest(name, known)
    hint = INSTEAD.get(name) or (f"did you mean {near}?" if near else "")
    text = f"[nn] {type(module).__name__} has no attribute {name!r}"
    return ModuleError(f"{text}; {hint}" if hint else text)
