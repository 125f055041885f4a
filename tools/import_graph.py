"""Every import of a source tree, read with `ast`: nothing is executed.

Imports inside functions count like those at the top of a file, and so do calls of
`importlib.import_module` and `__import__` with a constant name, for they are where cycles hide.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One name that one line of one module imports."""

    module: str  # dotted name of the importing module
    path: Path
    line: int
    target: str  # the module it reaches: dotted, with a trailing name only if that is a module
    typing_only: bool  # under `if TYPE_CHECKING:`, so never executed


def modules_below(folder: Path) -> dict[str, Path]:
    """Dotted module name -> file, for every module of the package in `folder`."""
    modules = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        modules[".".join(parts)] = path
    return modules


def read_imports(modules: dict[str, Path], known: Container[str]) -> list[Import]:
    """The imports of `modules`; `from a import b` reaches `a.b` where that is a known module."""
    found = []
    for module, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        typing_lines = set(_typing_only_nodes(tree))
        for node in ast.walk(tree):
            for target in _targets(node, module, path.name == "__init__.py", known):
                only = id(node) in typing_lines
                found.append(Import(module, path, getattr(node, "lineno", 1), target, only))
    return found


def _typing_only_nodes(tree: ast.AST) -> Iterator[int]:
    """The identity of every node in the body of an `if TYPE_CHECKING:`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            for statement in node.body:
                yield from (id(inner) for inner in ast.walk(statement))


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _targets(node: ast.AST, module: str, is_package: bool, known: Container[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, module, is_package)
        for alias in node.names:
            name = f"{base}.{alias.name}"
            yield name if name in known else base
    elif isinstance(node, ast.Call) and _called_name(node) in ("import_module", "__import__"):
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    """The module that a `from` names, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    keep = len(parts) - node.level + (1 if is_package else 0)
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def _called_name(node: ast.Call) -> str:
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
