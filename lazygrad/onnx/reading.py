"""From a file to a model."""

from __future__ import annotations

import os
from typing import Any

from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, OnnxError
from lazygrad.onnx.graph import read
from lazygrad.onnx.model import Model
from lazygrad.onnx.types import library


def model_of(f: Any) -> Model:
    """The model of a file, its bytes, or a ModelProto."""
    onnx = library()
    proto = _proto(f)
    if not proto.HasField("graph"):
        raise OnnxError("[onnx.load] it is no ONNX file: it has no graph")
    if proto.functions:
        from onnx import inliner

        proto = inliner.inline_local_functions(proto)
    versions = {opset.domain: opset.version for opset in proto.opset_import}
    versions.setdefault("", onnx.defs.onnx_opset_version())
    return Model(read(proto.graph, versions))


def _proto(f: Any) -> Any:
    onnx = library()
    if isinstance(f, onnx.ModelProto):
        return f
    from google.protobuf.message import DecodeError  # as onnx has imported it

    try:
        if isinstance(f, bytes):
            return onnx.load_model_from_string(f)
        if isinstance(f, str | os.PathLike) or hasattr(f, "read"):
            return onnx.load_model(f)
    except DecodeError as error:
        raise OnnxError(f"[onnx.load] {shown(f)} is no ONNX file, or damaged: {error}") from None
    wanted = "a path, an open file, bytes or a ModelProto"
    raise ArgumentError(f"[onnx.load] f must be {wanted}, got {shown(f)}")
