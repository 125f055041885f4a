"""What mkdocs inserts into pages, and the pages of the reference."""

from __future__ import annotations

import pkgutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tables of the tests

import lazygrad.functional
from docs.chapters import PAGES, drawn
from tests.names.table import summary

HELPERS = ("arguments", "keys", "maps", "recurrence", "ufuncs")  # no functions for users
PARTS = {
    "Tensor": "lazygrad.tensor_class",
    "What is in place": "lazygrad.inplace",
    "Values on the host": "lazygrad.values",
    "Derivatives": "lazygrad.backward",
    "Modes": "lazygrad.modes",
    "Random numbers": "lazygrad.generator",
    "Devices": "lazygrad.runtime.devices",
    "Transforms of functions": "lazygrad.func",
    "Implicit layers": "lazygrad.implicit",
    "Derivatives, as in torch.autograd": "lazygrad.autograd",
    "jit": "lazygrad.jit",
    "ONNX files": "lazygrad.onnx",
    "Saving and loading": "lazygrad.serialization.files",
    "Modules": "lazygrad.nn",
    "Initial values": "lazygrad.nn.init",
    "Gradients and parameters": "lazygrad.nn.utils",
    "Sequences": "lazygrad.nn.utils.rnn",
    "State": "lazygrad.nn.state",
    "Optimizers": "lazygrad.optim",
    "Learning rates": "lazygrad.optim.lr_scheduler",
    "Averages of weights": "lazygrad.optim.swa_utils",
    "Mixed precision": "lazygrad.amp",
    "Data": "lazygrad.data",
    "Transforms of images": "lazygrad.data.transforms",
    "Distributions": "lazygrad.distributions",
    "Settings": "lazygrad.config",
    "Looking inside": "lazygrad.inspect",
    "Errors": "lazygrad.errors",
}


def parts() -> dict[str, dict[str, str]]:
    """The modules of the reference by their titles, in two groups."""
    families = [m.name for m in pkgutil.iter_modules(lazygrad.functional.__path__)]
    known = [name for name in families if name not in HELPERS]
    functions = {name.replace("_", " "): f"lazygrad.functional.{name}" for name in known}
    return {"Functions": functions, "Classes and modules": PARTS}


def page_of(module: str) -> str:
    return f"reference/{module.removeprefix('lazygrad.').replace('.', '-')}.md"


def on_config(config: Any) -> Any:
    """A page for each module, in the navigation."""
    groups = [
        {group: [{title: page_of(module)} for title, module in modules.items()]}
        for group, modules in parts().items()
    ]
    config.nav.append({"Reference": ["reference.md", *groups]})
    return config


def on_files(files: Files, config: Any) -> Files:
    """The pages of the reference, and the pictures that pages draw."""
    for page in sorted(PAGES.rglob("*.md")):
        with TemporaryDirectory() as folder:
            for name, picture in drawn(page, Path(folder)).items():
                place = (page.parent / name).relative_to(PAGES).as_posix()
                files.append(File.generated(config, place, content=picture))
    for modules in parts().values():
        for title, module in modules.items():
            text = f"# {title[0].upper()}{title[1:]}\n\n::: {module}\n"
            files.append(File.generated(config, page_of(module), content=text))
    return files


def on_page_markdown(markdown: str, **context: Any) -> str:
    return markdown.replace("<!-- names -->", names()).replace("<!-- reference -->", contents())


def names() -> str:
    """A table a kind: how many names are here, and what is said of the others."""
    found = []
    for owner, (here, others) in summary().items():
        found.append(f"### {owner}\n\n{here} names are here. The others:\n")
        found.append("| name | instead, or why not |\n| --- | --- |")
        for why, listed in others.items():
            found.append(f"| {', '.join(f'`{name}`' for name in listed)} | {why} |")
        found.append("")
    return "\n".join(found)


def contents() -> str:
    """What there is, with links."""
    return "\n\n".join(
        f"## {group}\n\n" + "\n".join(f"- [{t}]({page_of(m)})" for t, m in modules.items())
        for group, modules in parts().items()
    )
