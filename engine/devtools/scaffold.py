"""Writes the first version of somebody's plugin: a package that installs, runs and passes its tests."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path
from string import Template

from ..errors import ConfigError

KINDS = ("extractor", "frame-extractor", "text-extractor", "classifier", "transcriber", "source", "sink")
TRY_IT = {
    "source": "stimmung run --source {name}:5",
    "sink": "stimmung run --source sample --sink {name}:path=states.tsv",
}
# Template → where it goes in the package.
PLACES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "plugin.py": "{module}/__init__.py",
    "pipeline.toml": "pipeline.toml",
    "test_plugin.py": "tests/test_{module}.py",
}


def write_plugin(name: str, kind: str, parent: Path) -> list[Path]:
    """Writes the package ``parent/name`` with a plugin of that kind; the files, in order.

    Raises ConfigError for a name that is no distribution's, or a folder that is there already.
    """
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise ConfigError(
            f"'{name}' cannot be a plugin's name",
            expected="lower-case words joined by hyphens",
            remedy="choose one like acme-pitch",
        )
    folder = parent / name
    if folder.exists():
        raise ConfigError(f"'{folder}' is there already", remedy="choose another name or folder")
    facts = {
        "name": name,
        "kind": kind,
        "module": module,
        "cls": "".join(word.capitalize() for word in name.split("-")),
        "target": name.split("-")[-1],
        "spec": f"{name}:2" if kind == "source" else "sample",
        "try_it": TRY_IT.get(kind, "stimmung run --source sample --pipeline pipeline.toml").format(name=name),
    }
    written = []
    for template, text in _templates(kind).items():
        path = folder / PLACES[template].format(module=module)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(text).substitute(facts), encoding="utf-8")
        written.append(path)
    return written


def _templates(kind: str) -> dict[str, str]:
    """The templates of a kind, by the name of the file each becomes."""
    found = {}
    for part in ("common", kind):
        for entry in sorted((resources.files(__package__) / "templates" / part).iterdir(), key=str):
            found[entry.name.removesuffix(".txt")] = entry.read_text(encoding="utf-8")
    return found
