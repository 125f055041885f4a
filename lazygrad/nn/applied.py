"""Functions as modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Applied(Module):
    """A function of tensors as a module: what else it takes are attributes, under their names.

    Attributes:
        function: what ``forward`` calls; given where the class is defined.
        unshown: arguments that ``repr`` leaves out.
    """

    function: ClassVar[Callable[..., Any]]
    unshown: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self._names = tuple(arguments)
        for name, value in arguments.items():
            setattr(self, name, value)

    def arguments(self) -> dict[str, Any]:
        """What ``forward`` gives the function beside its tensors."""
        return {name: getattr(self, name) for name in self._names}

    @public
    def forward(self, input: Tensor) -> Any:
        return type(self).function(input, **self.arguments())

    def extra_repr(self) -> str:
        shown = {name: value for name, value in self.arguments().items()
                 if name not in self.unshown and not (name == "inplace" and not value)}  # fmt: skip
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())
