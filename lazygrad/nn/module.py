"""Module: parameters, buffers and submodules under the names of their attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from lazygrad import dtype as dt
from lazygrad.errors import GradError, ModuleError
from lazygrad.nn.conversion import convert
from lazygrad.nn.loading import LoadReport, load_into
from lazygrad.nn.parameter import Parameter
from lazygrad.nn.show import show_module
from lazygrad.public import public
from lazygrad.tensor import Tensor

M = TypeVar("M", bound="Module")


class Module:
    """Base class of layers and models: set attributes in ``__init__``, compute in ``forward``.

    An attribute that is a ``Parameter``, a ``Module`` or a registered buffer belongs to the
    module, whenever it was set. Names are attribute paths, as in PyTorch: ``"conv1.weight"``.
    NumPy arrays among the arguments of a call become Tensors.

    Raises:
        ModuleError: for a member that is set before ``super().__init__()`` was called.
    """

    training: bool = True

    def __init__(self) -> None:
        self.__dict__["_buffers_saved"] = {}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every model defines it."""
        raise NotImplementedError(f"[nn] {type(self).__name__} does not define forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        if np.ndarray in map(type, given):
            device = self._device_for(given)
            args = tuple([_converted(value, device) for value in args])
            kwargs = {name: _converted(value, device) for name, value in kwargs.items()}
        return self.forward(*args, **kwargs)

    def _device_for(self, given: tuple[Any, ...]) -> str | None:
        """Where arrays belong that come with ``given``: beside its Tensors, or the module's."""
        known = (*given, *self.parameters(), *self.buffers())
        return next((value.device for value in known if isinstance(value, Tensor)), None)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter | Module):
            self._require_init(name)
        current = self.__dict__.get(name)
        if isinstance(current, Parameter) and not isinstance(value, Parameter | None):
            raise GradError(
                f"[nn] {type(self).__name__}.{name} is a Parameter, and {type(value).__name__} "
                "would not be trained: set a Parameter, or change its value with .assign(value)"
            )
        self.__dict__[name] = value

    # -- what belongs to it -------------------------------------------------------------------

    @public
    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set attribute ``name``; None leaves the place empty."""
        self._check_name(name)
        setattr(self, name, param)

    @public
    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Set attribute ``name`` to a Tensor that is not trained but belongs to the state.

        With ``persistent=False`` it moves with the module but is not saved.
        """
        self._check_name(name)
        self._buffer_names[name] = persistent
        setattr(self, name, tensor)

    @public
    def add_module(self, name: str, module: Module | None) -> None:
        """Set attribute ``name``; None leaves the place empty."""
        self._check_name(name)
        setattr(self, name, module)

    register_module = add_module

    @property
    def _buffer_names(self) -> dict[str, bool]:
        """Registered buffers, and whether each is saved."""
        names: dict[str, bool] = self.__dict__.get("_buffers_saved", {})
        return names

    def _require_init(self, name: str) -> None:
        if "_buffers_saved" not in self.__dict__:
            kind = type(self).__name__
            raise ModuleError(
                f"[nn] {kind}.{name} is set before {kind} is a Module: call super().__init__() "
                f"first in {kind}.__init__"
            )

    def _check_name(self, name: str) -> None:
        self._require_init(name)
        taken = hasattr(self, name) and name not in self.__dict__
        if not name or "." in name or taken:
            raise ModuleError(
                f"[nn] {name!r} cannot name a member of {type(self).__name__}: it is empty, "
                "contains a dot, or is an attribute of the class"
            )

    def _own_parameters(self) -> Iterator[tuple[str, Tensor]]:
        for name, value in self.__dict__.items():
            if isinstance(value, Parameter):
                yield name, value

    def _own_buffers(self) -> Iterator[tuple[str, Tensor]]:
        for name in self._buffer_names:
            value = self.__dict__.get(name)
            if value is not None:
                yield name, value

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, each once."""
        seen: set[int] = set()
        for name, value in self.__dict__.items():
            if isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator[Module]:
        """The modules directly below, each once."""
        for _, module in self.named_children():
            yield module

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, parents first."""
        seen = set() if memo is None else memo
        if id(self) in seen:
            return
        if remove_duplicate:
            seen.add(id(self))
        yield prefix, self
        for name, value in self.__dict__.items():
            if isinstance(value, Module):
                yield from value.named_modules(seen, _join(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, parents first, each once."""
        for _, module in self.named_modules():
            yield module

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Trained Tensors with their names; one that has two names comes once."""
        return self._members(Module._own_parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """Trained Tensors, each once."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Registered buffers with their names."""
        return self._members(Module._own_buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Registered buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _members(
        self,
        own: Callable[[Module], Iterator[tuple[str, Tensor]]],
        prefix: str,
        recurse: bool,
        remove_duplicate: bool,
    ) -> Iterator[tuple[str, Tensor]]:
        seen: set[int] = set()
        owners = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in owners:
            for name, tensor in own(module):
                if remove_duplicate and id(tensor) in seen:
                    continue
                seen.add(id(tensor))
                yield _join(path, name), tensor

    @public
    def get_submodule(self, target: str) -> Module:
        """The module at path ``target``; "" is this one."""
        found: Any = self
        for name in filter(None, target.split(".")):
            found = found.__dict__.get(name)
            if not isinstance(found, Module):
                known = ", ".join(path for path, _ in self.named_modules() if path)
                raise ModuleError(f"[nn] no module {target!r}; there are: {known}")
        return found

    # -- state --------------------------------------------------------------------------------

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Parameters and persistent buffers by name: a snapshot that later steps do not change.

        With ``keep_vars`` the live Tensors themselves.
        """
        found: dict[str, Tensor] = {}
        for path, module in self.named_modules(prefix=prefix.rstrip("."), remove_duplicate=False):
            for name, tensor in (*module._own_parameters(), *module._own_buffers()):
                if module._buffer_names.get(name, True):
                    found[_join(path, name)] = tensor if keep_vars else tensor.detach()
        return found

    @public
    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadReport:
        """Take over the values of ``state_dict`` (Tensors or NumPy arrays) by name.

        Values are brought to the dtype and device that the module has. Nothing changes if
        anything does not fit.

        Raises:
            CheckpointError: names that are missing or unexpected (unless ``strict=False``), and
                every shape that differs.
        """
        return load_into(type(self).__name__, self.state_dict(keep_vars=True), state_dict, strict)

    # -- modes and conversions ----------------------------------------------------------------

    @public
    def train(self: M, mode: bool = True) -> M:
        """Training mode: dropout drops, batch norm uses and updates batch statistics."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Evaluation mode."""
        return self.train(False)

    @public
    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call ``fn`` on every module below, then on this one: for initialisation."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    @public
    def to(self: M, *args: Any, device: str | None = None, dtype: Any = None) -> M:
        """Move parameters and buffers: ``to("GPU")``, ``to("float16")``, ``to("GPU",
        lazygrad.float16)``, ``to(tensor)``. Integers keep their dtype, handles stay the same."""
        for arg in args:
            if isinstance(arg, Tensor):
                device, dtype = arg.device, arg.dtype
            elif isinstance(arg, str) and arg not in dt.BY_NAME:
                device = arg
            else:
                dtype = arg
        convert([*self.parameters(), *self.buffers()], device, dtype)
        return self

    @public
    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Train the parameters, or freeze them."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    @public
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with ``set_to_none=False`` make them zeros."""
        for param in self.parameters():
            if set_to_none:  # without reading it: a traced step then does not depend on it
                param.grad = None
            elif param.grad is not None:
                param.grad = Tensor.zeros_like(param.grad)

    # -- printing -----------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """The arguments to show between the parentheses of ``repr``."""
        return ""

    def __repr__(self) -> str:
        return show_module(self)


def _converted(value: Any, device: str | None) -> Any:
    return Tensor(value, device=device) if isinstance(value, np.ndarray) else value


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
