"""What a page opens by a click, packed: a step of hundreds of kernels has many megabytes of it."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode, b64encode
from typing import Any


def packed(content: Any) -> str:
    """Content as text for a script of a page, which browsers unpack themselves."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def unpacked(text: str) -> Any:
    """What ``packed`` was given."""
    return json.loads(gzip.decompress(b64decode(text)))
