"""Tensors given to other libraries and to other processes, and taken from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad import element_types as dt, host
from lazygrad.arguments import shown
from lazygrad.bridge import bind_new, wrap
from lazygrad.errors import DtypeError, GradError, SharingError
from lazygrad.functional import creation
from lazygrad.public import public
from lazygrad.runtime.registry import check_device
from lazygrad.values import value

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

CPU = (1, 0)  # DLPack's name of the host's memory


# -- arrays ----------------------------------------------------------------------------------------


def array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
    """NumPy's protocol: an array of its own, or with ``copy=False`` one that shows the tensor's
    value and is read only (https://numpy.org/doc/stable/user/basics.interoperability.html).

    Raises:
        SharingError: with ``copy=False``, where there is no value of this dtype in the host's
            memory.

    >>> import numpy as np
    >>> shown = Tensor([1.0, 2.0], device="CPU").__array__(copy=False)
    >>> shown.flags.writeable
    False
    """
    if copy is False:
        return _shared(self, dtype, "array")
    found = self.numpy()
    return found if dtype is None else found.astype(dtype, copy=False)


def dlpack(
    self: Tensor, *, stream: Any = None, max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None, copy: bool | None = None,
) -> Any:  # fmt: skip
    """DLPack's protocol: a copy in the host's memory, for ``np.from_dlpack``,
    ``torch.from_dlpack`` and others; with ``copy=False`` the value itself, read only.

    Args:
        stream: accepted: what is copied to the host is complete.
        max_version, dl_device: as of NumPy's arrays.

    Raises:
        GradError: for a tensor with derivative history, as in PyTorch.
        DtypeError: for bfloat16, which NumPy cannot hand over.
        SharingError: with ``copy=False``, where the value is not in the host's memory, or who asks
            knows of nothing that is read only.
    """
    if self.requires_grad:
        raise GradError(
            "[dlpack] a tensor that requires a gradient is not handed over; detach() it"
        )
    if self.dtype is dt.bfloat16:
        raise DtypeError("[dlpack] bfloat16 cannot be handed over; give x.float()")
    if copy is False:
        if max_version is None or max_version < (1, 0):
            raise SharingError(
                "[dlpack] copy=False: what is read only is handed over from version 1.0 of the "
                "protocol on; say max_version=(1, 0), or leave it out"
            )
        found = _shared(self, None, "dlpack")
    else:
        found = self.numpy()
    return found.__dlpack__(max_version=max_version, dl_device=dl_device)


def _shared(self: Tensor, dtype: Any, op: str) -> np.ndarray[Any, Any]:
    found = value(self).shared()
    if found is None or dtype not in (None, found.dtype):
        raise SharingError(
            f"[{op}] a {self.dtype.name} tensor on {self.device} is copied"
            f"{'' if dtype is None else f' to an array of {np.dtype(dtype)}'}; leave out copy=False"
        )
    return found


def dlpack_device(self: Tensor) -> tuple[int, int]:
    """DLPack's protocol: where ``__dlpack__`` gives the values."""
    return CPU


@public
def from_dlpack(ext_tensor: Any, *, device: str | None = None, copy: bool | None = None) -> Tensor:
    """A tensor of what another library holds in the host's memory (PyTorch, JAX, NumPy, ...).

    Args:
        device: where the tensor is; the default device if not given.
        copy: values are copied always; with False, that is an error.

    Raises:
        DtypeError: for what is no array of numbers, or not in the host's memory.
        SharingError: with ``copy=False``.

    >>> lazygrad.from_dlpack(np.array([1.0, 2.0], dtype=np.float32)).tolist()
    [1.0, 2.0]
    """
    if copy is False:
        raise SharingError("[from_dlpack] values are copied always; leave out copy=False")
    if not hasattr(ext_tensor, "__dlpack__"):
        raise DtypeError(f"[from_dlpack] takes what has __dlpack__(), got {shown(ext_tensor)}")
    return wrap(creation.leaf_of(ext_tensor, None, device))


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of a tensor, for libraries that know no protocol yet.

    >>> type(lazygrad.utils.dlpack.to_dlpack(Tensor([1.0]))).__name__
    'PyCapsule'
    """
    return dlpack(tensor)


# -- copies ----------------------------------------------------------------------------------------


def deepcopy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A leaf of its own with the same value, ``requires_grad`` and ``grad``.

    Raises:
        GradError: for the result of a recorded operation, as in PyTorch.
    """
    if not self.is_leaf:
        raise GradError(
            "[deepcopy] only leaves can be copied with copy.deepcopy(), not the result of a "
            f"recorded operation of shape {self.shape}; use detach() or clone()"
        )
    copied = _leaf(type(self), creation.leaf_of(self, None, None), self.requires_grad)
    if self.grad is not None:
        copied.grad = creation.tensor(self.grad)
    memo[id(self)] = copied
    return copied


def reduce(self: Tensor, protocol: Any = 2) -> tuple[Any, ...]:
    """For pickle: a leaf of the same values on the same device. What led to them is left out."""
    values, device = self.detach().numpy(), str(self.device)
    return _rebuilt, (type(self), values, self.dtype, device, self.requires_grad)


def _rebuilt(kind: Any, values: Any, dtype: Any, device: str, requires_grad: bool) -> Tensor:
    return _leaf(kind, host.leaf_of(values, dtype, check_device(device)), requires_grad)


def _leaf(kind: Any, made: Any, requires_grad: bool) -> Tensor:
    """A tensor of class ``kind``, whose constructor does not run."""
    leaf: Tensor = object.__new__(kind)
    bind_new(leaf, made)
    leaf.requires_grad_(requires_grad)
    return leaf
