"""Handle: what a Tensor is underneath, a name for a Node that can be bound to another one, with
what the node says of it.

What only reads and rebinds (traces, replays, what waits) knows this class and not Tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad import ops
from lazygrad.element_types import DType
from lazygrad.graph import Node, node
from lazygrad.runtime.devices import Device
from lazygrad.shape import Shape

if TYPE_CHECKING:
    from lazygrad.aliases import Alias


class Handle:
    """A mutable name for a node.

    Attributes:
        _node: what it is bound to outside of traces.
        _epoch: the number of the trace in which it was made, 0 outside.
        _grad: what ``grad`` gives outside of traces.
        _alias: how it shows a memory that others show too, in PyTorch; None if none ever did.
    """

    __slots__ = ("__weakref__", "_alias", "_epoch", "_grad", "_node")

    _node: Node
    _epoch: int
    _grad: Handle | None
    _alias: Alias | None

    @property
    def shape(self) -> Shape:
        """Sizes of the dims, a tuple.

        >>> lazygrad.zeros(2, 3).shape
        (2, 3)
        """
        return self._node.shape

    @property
    def ndim(self) -> int:
        """Number of dims.

        >>> lazygrad.zeros(2, 3).ndim, Tensor(1.0).ndim
        (2, 0)
        """
        return len(self._node.shape)

    @property
    def dtype(self) -> DType:
        """Of its elements.

        >>> Tensor([1, 2]).dtype, Tensor([1.0]).dtype, Tensor([True]).dtype
        (lazygrad.int64, lazygrad.float32, lazygrad.bool)
        """
        return self._node.dtype

    @property
    def itemsize(self) -> int:
        """Bytes of one element.

        >>> lazygrad.zeros(2, 3, dtype="float16").itemsize
        2
        """
        return self._node.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements.

        >>> lazygrad.zeros(2, 3, dtype="float16").nbytes
        12
        """
        return self._node.size * self._node.dtype.itemsize

    @property
    def device(self) -> Device:
        """The name of its backend, with PyTorch's ``type``: "cpu" or "cuda".

        >>> Tensor([1.0], device="cpu").device, Tensor([1.0], device="cpu").device.type
        ('CPU', 'cpu')
        """
        return Device(self._node.device)

    @property
    def is_cuda(self) -> bool:
        """Whether it is on the GPU, which PyTorch calls cuda.

        >>> Tensor([1.0], device="cpu").is_cuda
        False
        """
        return self.device.type == "cuda"


def value_node(value: Node) -> Node:
    """The value of a leaf that requires a gradient; other nodes are their own."""
    return value.src[0] if value.op is ops.VARIABLE else value


def as_before(before: Node, value: Node) -> Node:
    """``value`` as what ``before`` was: a leaf with the same identity, or a plain value."""
    return node(ops.VARIABLE, (value,), before.arg) if before.op is ops.VARIABLE else value
