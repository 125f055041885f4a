"""What the reference shows of a module: what is public there, with its examples as code."""

from __future__ import annotations

import builtins
import inspect
import re
import sys
from types import ModuleType
from typing import Any

from griffe import Extension, Module, Object

EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*(?:\n\n>>> .*(?:\n.+)*)*", re.MULTILINE)
# What values of these types say of themselves is nothing about the attribute that holds one.
TYPES = [found for found in vars(builtins).values() if isinstance(found, type)]
ABOUT_TYPES = {inspect.getdoc(found) for found in TYPES}


class Examples(Extension):
    """Fences the lines from ``>>>`` to the next empty one; leaves out what a module imports, unless
    it is from its own parts or in its ``__all__``."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, Object] = {}  # in packages, by their paths

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring:
            text = obj.docstring.value
            obj.docstring.value = EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", text)
            if obj.is_attribute and text.strip() in ABOUT_TYPES:
                obj.docstring = None

    def on_module_members(self, *, mod: Module, **kwargs: Any) -> None:
        public = _there(mod).get("__all__", ())
        for name, member in list(mod.members.items()):
            if not member.is_alias:
                self.made[member.path] = member
            elif not member.target_path.startswith(f"{mod.path}.") and name not in public:
                del mod.members[name]

    def on_package(self, *, pkg: Module, **kwargs: Any) -> None:
        for module in pkg.modules.values():
            self._as_seen(module)

    def _as_seen(self, module: Module) -> None:
        """Without what is not public; a function hides a file of its name, as it does for users."""
        there = _there(module)
        public = there.get("__all__", there)
        for name, member in list(module.members.items()):
            if member.is_alias or not member.is_module:
                if name not in public:
                    del module.members[name]
            elif isinstance(there.get(name, member), ModuleType | Module):
                self._as_seen(member)
            elif name in member.members or member.path in self.made:
                module.members[name] = member.members.get(name) or self.made[member.path]


def _there(module: Module) -> dict[str, Any]:
    """What a module holds."""
    return vars(sys.modules.get(module.path, module))
