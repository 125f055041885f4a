"""ONNX files: models that other programs wrote, run and trained further."""

from __future__ import annotations

from typing import Any

from lazygrad.nn import Module
from lazygrad.public import public


@public
def load(f: Any) -> Module:
    """A model of an ONNX file (https://onnx.ai/onnx/), as a Module.

    Its parameters are the weights of the file, under their names, so that it can be trained
    further, and its ``state_dict`` saved. Numbers without dims, integers, and what an operator
    needs to know (sizes, axes, scales) are constants. It is called with the inputs of the graph in
    their order or by name (``input_names``), and gives its output, or a tuple of several.

    It comes in ``eval`` mode, in which it computes what the file says; after ``train()`` batch
    norms take the statistics of each batch and keep running ones, and dropouts drop, as PyTorch's
    layers. Choices and loops that depend on values read them, which a jitted function refuses.

    Args:
        f: a path, an open binary file, the bytes of a file, or a ``ModelProto``.

    Raises:
        OnnxError: for operators that are not here, each with its node and version, and for a file
            that is damaged.
        MissingExtraError: without the onnx library (``pip install 'lazygrad[onnx]'``).
        FileNotFoundError: no such file.
    """
    from lazygrad.onnx.reading import model_of  # what takes long to import

    return model_of(f)
