"""``python -m lazygrad.inspect``"""

from __future__ import annotations

import sys

from lazygrad.inspect.commands import main

if __name__ == "__main__":  # tools that make docs import all modules
    sys.exit(main())
