"""The process of one program, `python -m sanitizer.child PROGRAM`: runs it, and prints what it
compiled as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from lazygrad.runtime import memory

from .programs import PROGRAMS
from .texts import Seen, changed


def main() -> None:
    # Memory as large as what it holds, and never used again: there, no access goes unseen.
    memory.GRANULE, memory.KEEP = 1, 0
    seen = Seen()
    with changed(seen.count):
        PROGRAMS[sys.argv[1]].run()
    print(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main()
