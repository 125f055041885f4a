"""Module: parameters, buffers and submodules under the names of their attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lazygrad.arguments import CLASSES
from lazygrad.errors import GradError, ModuleError
from lazygrad.nn import conversion, tree
from lazygrad.nn.hooks import Hook, Hooks, RemovableHandle
from lazygrad.nn.loading import LoadReport, load_into
from lazygrad.nn.members import Members
from lazygrad.nn.missing import no_attribute
from lazygrad.nn.parameter import Parameter
from lazygrad.nn.show import show_module
from lazygrad.nn.tree import joined
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

M = TypeVar("M", bound="Module")


class Module:
    """Base class of layers and models: set attributes in ``__init__``, compute in ``forward``.

    An attribute that is a ``Parameter``, a ``Module`` or a registered buffer belongs to the
    module, whenever it was set. Names are attribute paths, as in PyTorch: ``"conv1.weight"``.
    NumPy arrays among the arguments of a call become Tensors.

    Raises:
        ModuleError: for a member that is set before ``super().__init__()`` was called.

    >>> class Model(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
    ...         self.scale = nn.Parameter(lazygrad.ones(8))
    ...     def forward(self, x):
    ...         return self.layers(x) * self.scale
    >>> model = Model()
    >>> model(lazygrad.zeros(5, 4)).shape, [name for name, _ in model.named_parameters()]
    ((5, 8), ['scale', 'layers.0.weight', 'layers.0.bias'])
    """

    training: bool = True
    _stand_ins: frozenset[str] = frozenset()  # names of parameters that other tensors stand for

    def __init__(self) -> None:
        self.__dict__["_buffers_saved"] = {}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every model defines it.

        >>> nn.Linear(2, 3).forward(lazygrad.zeros(1, 2)).shape
        (1, 3)
        """
        raise NotImplementedError(f"[nn] {type(self).__name__} does not define forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        if np.ndarray in map(type, given):
            device = self._device_for(given)
            args = tuple([_converted(value, device) for value in args])
            kwargs = {name: _converted(value, device) for name, value in kwargs.items()}
        hooks: Hooks | None = self.__dict__.get("_hooks")
        return self.forward(*args, **kwargs) if hooks is None else hooks.call(self, args, kwargs)

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

    if not TYPE_CHECKING:  # which would take every name for one that is there

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(self, name)

    # -- what belongs to it -------------------------------------------------------------------

    @public
    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set attribute ``name``; None leaves the place empty.

        >>> module = nn.Module()
        >>> module.register_parameter("scale", nn.Parameter(lazygrad.ones(2)))
        >>> module.scale.shape, list(module.state_dict())
        ((2,), ['scale'])
        """
        self._check_name(name)
        setattr(self, name, param)

    @public
    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Set attribute ``name`` to a Tensor that is not trained but belongs to the state.

        With ``persistent=False`` it moves with the module but is not saved.

        >>> module = nn.Module()
        >>> module.register_buffer("steps", Tensor(0))
        >>> module.register_buffer("mask", lazygrad.ones(2), persistent=False)
        >>> list(module.state_dict()), list(module.parameters())
        (['steps'], [])
        """
        self._check_name(name)
        self._buffer_names[name] = persistent
        setattr(self, name, tensor)

    @public
    def add_module(self, name: str, module: Module | None) -> None:
        """Set attribute ``name``; None leaves the place empty.

        >>> module = nn.Module()
        >>> module.add_module("head", nn.Linear(2, 2))
        >>> module.head
        Linear(in_features=2, out_features=2, bias=True)
        """
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
        taken = hasattr(type(self), name) and name not in self.__dict__
        if not name or "." in name or taken:
            raise ModuleError(
                f"[nn] {name!r} cannot name a member of {type(self).__name__}: it is empty, "
                "contains a dot, or is an attribute of the class"
            )

    def _own_modules(self) -> Iterator[tuple[str, Module]]:
        for name, value in self.__dict__.items():
            if isinstance(value, Module):
                yield name, value

    def _own_parameters(self) -> Iterator[tuple[str, Tensor]]:
        stand_ins = self._stand_ins
        for name, value in self.__dict__.items():
            if isinstance(value, Parameter) or name in stand_ins:
                yield name, value

    def _own_buffers(self) -> Iterator[tuple[str, Tensor]]:
        for name in self._buffer_names:
            value = self.__dict__.get(name)
            if value is not None:
                yield name, value

    @property
    def _modules(self) -> Members:
        return Members(self, lambda name, value: isinstance(value, Module))

    @property
    def _parameters(self) -> Members:
        return Members(
            self, lambda name, value: isinstance(value, Parameter) or name in self._stand_ins
        )

    @property
    def _buffers(self) -> Members:
        return Members(self, lambda name, value: name in self._buffer_names)

    named_children, children = tree.named_children, tree.children
    named_modules, modules = tree.named_modules, tree.modules
    named_parameters, parameters = tree.named_parameters, tree.parameters
    named_buffers, buffers = tree.named_buffers, tree.buffers
    get_submodule, set_submodule = tree.get_submodule, tree.set_submodule
    get_parameter, get_buffer = tree.get_parameter, tree.get_buffer

    # -- hooks --------------------------------------------------------------------------------

    @public
    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before each ``forward``; what it returns, other than None,
        are the arguments instead. With ``with_kwargs``: ``hook(module, args, kwargs)``, which
        returns both.

        >>> layer = nn.ReLU()
        >>> hook = layer.register_forward_pre_hook(lambda module, args: (args[0] - 1,))
        >>> layer(Tensor([3.0])).tolist()
        [2.0]
        """
        return RemovableHandle(self._own_hooks().before, Hook(hook, with_kwargs), prepend)

    @public
    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:  # fmt: skip
        """Call ``hook(module, args, result)`` after each ``forward``; what it returns, other than
        None, is the result instead. With ``with_kwargs``: ``hook(module, args, kwargs, result)``;
        with ``always_call`` also where ``forward`` raised, with the result None.

        >>> shapes, layer = [], nn.Linear(2, 3)
        >>> def seen(module, args, result):
        ...     shapes.append(result.shape)
        >>> with layer.register_forward_hook(seen):
        ...     _ = layer(lazygrad.zeros(5, 2))
        >>> shapes
        [(5, 3)]
        """
        made = Hook(hook, with_kwargs, always_call)
        return RemovableHandle(self._own_hooks().after, made, prepend)

    def _own_hooks(self) -> Hooks:
        self._require_init("hooks")
        hooks: Hooks = self.__dict__.setdefault("_hooks", Hooks())
        return hooks

    # -- state --------------------------------------------------------------------------------

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Parameters and persistent buffers by name, detached: views, as in PyTorch, which later
        steps change, and which change the module. ``copy.deepcopy`` keeps what they hold now.

        With ``keep_vars`` the Tensors themselves.

        >>> layer = nn.Linear(2, 1)
        >>> state = layer.state_dict()
        >>> _ = state["bias"].fill_(7)
        >>> layer.bias.tolist()
        [7.0]
        """
        found: dict[str, Tensor] = {}
        for path, module in self.named_modules(prefix=prefix.rstrip("."), remove_duplicate=False):
            for name, tensor in (*module._own_parameters(), *module._own_buffers()):
                if module._buffer_names.get(name, True):
                    found[joined(path, name)] = tensor if keep_vars else tensor.detach()
        return found

    @public
    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> LoadReport:
        """Take over the values of ``state_dict`` (Tensors or NumPy arrays) by name.

        Values are brought to the dtype and device that the module has; with ``assign`` the module
        takes those of the values. Nothing changes if anything does not fit.

        Raises:
            CheckpointError: names that are missing or unexpected (unless ``strict=False``), and
                every shape that differs.

        >>> layer = nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": np.ones((1, 2)), "bias": Tensor([0.5])})
        <All keys matched successfully>
        >>> layer.weight.tolist()
        [[1.0, 1.0]]
        """
        own = self.state_dict(keep_vars=True)
        return load_into(type(self).__name__, own, state_dict, strict, assign)

    # -- modes --------------------------------------------------------------------------------

    @public
    def train(self: M, mode: bool = True) -> M:
        """Training mode: dropout drops, batch norm uses and updates batch statistics.

        >>> model = nn.Sequential(nn.Dropout(0.5)).train(False)
        >>> model[0].training
        False
        """
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Evaluation mode.

        >>> nn.Dropout(0.5).eval()(lazygrad.ones(3)).tolist()
        [1.0, 1.0, 1.0]
        """
        return self.train(False)

    @public
    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call ``fn`` on every module below, then on this one: for initialisation.

        >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        >>> _ = model.apply(lambda m: nn.init.zeros_(m.bias) if isinstance(m, nn.Linear) else None)
        >>> model[0].bias.tolist()
        [0.0, 0.0]
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def share_memory(self: M) -> M:
        """Accepted as PyTorch's: processes do not share memory here.

        >>> layer = nn.Linear(2, 1)
        >>> layer.share_memory() is layer
        True
        """
        return self

    @public
    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Train the parameters, or freeze them.

        >>> layer = nn.Linear(2, 1).requires_grad_(False)
        >>> layer(lazygrad.zeros(1, 2)).requires_grad
        False
        """
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    @public
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with ``set_to_none=False`` make them zeros.

        >>> layer = nn.Linear(2, 1)
        >>> layer(lazygrad.ones(1, 2)).sum().backward()
        >>> layer.zero_grad()
        >>> layer.weight.grad is None
        True
        """
        for param in self.parameters():
            if set_to_none:  # without reading it: a traced step then does not depend on it
                param.grad = None
            elif param.grad is not None:
                param.grad = Tensor.zeros_like(param.grad)

    # -- conversions --------------------------------------------------------------------------

    to, cpu, cuda, type = conversion.to, conversion.cpu, conversion.cuda, conversion.type
    float, double = conversion.float, conversion.double
    half, bfloat16 = conversion.half, conversion.bfloat16

    # -- printing -----------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """The arguments to show between the parentheses of ``repr``.

        >>> nn.Linear(2, 1).extra_repr()
        'in_features=2, out_features=1, bias=True'
        """
        return ""

    def __repr__(self) -> str:
        return show_module(self)


CLASSES["Module"] = Module  # what annotations in modules below mean


def _converted(value: Any, device: str | None) -> Any:
    return Tensor(value, device=device) if isinstance(value, np.ndarray) else value
