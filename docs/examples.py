"""What the reference shows of a module: what is defined there, with its examples as code."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Module, Object

EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*(?:\n\n>>> .*(?:\n.+)*)*", re.MULTILINE)


class Examples(Extension):
    """Fences the lines from ``>>>`` to the next empty one; leaves out what a module imports, unless
    it is from its own parts."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring:
            text = obj.docstring.value
            obj.docstring.value = EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", text)

    def on_module_members(self, *, mod: Module, **kwargs: Any) -> None:
        for name, member in list(mod.members.items()):
            if member.is_alias and not member.target_path.startswith(f"{mod.path}."):
                del mod.members[name]
