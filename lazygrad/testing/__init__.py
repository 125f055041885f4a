"""For backends and extensions: the conformance suite, the NumPy reference, gradient checks."""

from lazygrad.testing.gradcheck import check_grads as check_grads
