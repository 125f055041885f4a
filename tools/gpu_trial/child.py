"""The process of a part: runs its items, from a number on, and tells of each in a line of JSON.

It stops at the first item that raises, because the device may be of no use to this process any
more; its parent goes on with the next item in a new one. Run as:

python -m gpu_trial.child MODULE NUMBER
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any, TextIO


def main() -> None:
    name, first = sys.argv[1], int(sys.argv[2])
    replies = _take_stdout()
    module = importlib.import_module(name)
    names = module.items()
    _say(replies, items=names)
    for name in names[first:]:
        try:
            result = module.run(name)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            _say(replies, item=name, result={"error": reason, "trace": traceback.format_exc()})
            return
        _say(replies, item=name, result=result)
    _say(replies, end=True)


def _take_stdout() -> TextIO:
    """Answers get the pipe for themselves; whatever a driver prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def _say(replies: TextIO, **message: Any) -> None:
    replies.write(json.dumps(message, default=str) + "\n")
    replies.flush()


if __name__ == "__main__":
    main()
