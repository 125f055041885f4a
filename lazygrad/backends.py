"""torch.backends: switches of PyTorch's libraries, which are accepted and change nothing here."""

from __future__ import annotations

from lazygrad.names import lookup


class Switches:
    """Attributes that can be set and read; ``available`` says whether the library is there.

    >>> lazygrad.backends.cudnn.benchmark = True
    >>> lazygrad.backends.cudnn.is_available()
    False
    """

    def __init__(self, available: bool = False) -> None:
        self._available = available
        self.enabled = available
        self.benchmark = False
        self.deterministic = True
        self.allow_tf32 = False

    def is_available(self) -> bool:
        """Whether the library is there: none is needed."""
        return self._available

    is_built = is_available


cudnn, mps, mkl, mkldnn = Switches(), Switches(), Switches(), Switches()


class _Cuda(Switches):
    def __init__(self) -> None:
        super().__init__()
        self.matmul = Switches()


cuda = _Cuda()

__getattr__ = lookup("backends", "torch.backends", globals())
