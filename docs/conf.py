"""How Sphinx builds these pages; the page of built-in plugins is written from the plugins as they are."""

from __future__ import annotations

import inspect
from importlib import metadata
from typing import Any

from stimmung.engine.registry import ROLES, installed, origin, provides

project = "Stimmung"
author = "the authors of Stimmung"
version = release = metadata.version("stimmung")
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Stimmung"
html_show_copyright = False
exclude_patterns = ["snippets"]

MARK = "<!-- built-in plugins -->"


def setup(app: Any) -> None:
    """Sphinx calls this: pages pass through :func:`fill` as they are read."""
    app.connect("source-read", fill)


def fill(app: Any, name: str, source: list[str]) -> None:
    """Puts the tables in place of the mark."""
    source[0] = source[0].replace(MARK, built_in()) if MARK in source[0] else source[0]


def built_in() -> str:
    """A section for each role, with the docstring and the options of each plugin that ships."""
    sections = []
    for role in ROLES:
        found = []
        for name, entry in installed().items():
            classes = provides(entry) if origin(entry).startswith("stimmung ") else {}
            if role in classes:
                found.append(_plugin(name, classes[role], skip=role in ("source", "transcriber")))
        if found:
            sections.append(f"## {role.capitalize()}s\n\n" + "\n\n".join(found))
    return "\n\n".join(sections)


def _plugin(name: str, kind: type[Any], *, skip: bool) -> str:
    parameters = [*inspect.signature(kind).parameters.values()][int(skip) :]
    options = [f"| `{p.name}` | `{_typed(p)}` | {_default(p)} |" for p in parameters]
    table = (
        "\n".join(["| option | type | default |", "|---|---|---|", *options]) if options else "No options."
    )
    # Docstrings are reStructuredText.
    return f"### {name}\n\n```{{eval-rst}}\n{inspect.cleandoc(kind.__doc__ or '')}\n```\n\n{table}"


def _typed(parameter: inspect.Parameter) -> str:
    return str(parameter.annotation).replace("|", "or")


def _default(parameter: inspect.Parameter) -> str:
    return "must be given" if parameter.default is parameter.empty else f"`{parameter.default!r}`"
