"""``python -m lazygrad.inspect``"""

from __future__ import annotations

import sys

from lazygrad.inspect.commands import main

sys.exit(main())
