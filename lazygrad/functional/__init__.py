"""The public functions, each written once: functions of Tensors with PyTorch's names, signatures
and meaning, one file a family.

They read handles, build graph with one call of ``lazygrad.lang`` and wrap what it gives. Tensor's
methods, ``lazygrad.nn.functional`` and the names of the package are these functions.
"""
