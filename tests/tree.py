"""The folders of the tree, in which order they import each other, and the picture of that in docs/layout.md.

``make layout``, which is ``python tests/tree.py``, draws the picture anew; tests/test_structure.py holds the
order, and that the picture is the one the imports give.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "layout.md"
BEGIN, END = "<!-- drawn by make layout -->\n", "<!-- /drawn -->\n"
LAYERS = ("samples", "engine", "plugins", "pretrain")
# Lowest first: a module imports from its own folder and from those before it, also where only types are.
ORDER = {
    "engine": (
        "types errors plugin registry compat config models calls protocol workers transport audio streaming "
        "storage runtime batch export monitor bench api devtools check cli"
    ),
    "plugins": "source detect transcribe extract classify sink",
    "pretrain": (
        "versions corpora recipes statistics encoders features reports training evaluation experiments train "
        "bench cli"
    ),
}


def sources(*folders: str) -> Iterator[Path]:
    """Every Python file below the folders."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def modules(part: str) -> dict[str, Path]:
    """The modules and packages of a part of the tree by name, relative to the part; "" is the part itself."""
    found = {}
    for path in sources(part):
        names = path.relative_to(ROOT / part).with_suffix("").parts
        found[".".join(names[:-1] if names[-1] == "__init__" else names)] = path
    return found


def graph(part: str, of: str | None = None) -> dict[str, set[str]]:
    """Which modules of ``of``, by default the part itself, each module of a part imports, wherever in it."""
    known, found = modules(of or part), {}
    for module, path in modules(part).items():
        prefix = f"stimmung.{of or part}."
        names = {name.removeprefix(prefix) for name in imports(path) if name.startswith(prefix)}
        found[module] = {name for name in names if name in known} - ({module, ""} if of is None else {""})
    return found


def imports(path: Path) -> Iterator[str]:
    """The modules a module imports from, or imports, by their absolute names."""
    package = ["stimmung", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [
                *(package[: len(package) - node.level + 1] if node.level else ()),
                *filter(None, [node.module]),
            ]
            for alias in node.names:
                name = ".".join([*base, alias.name])
                yield name if exists(name) else ".".join(base)


def exists(name: str) -> bool:
    """True for a module or a package of the tree."""
    path = ROOT.joinpath(*name.split(".")[1:])
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def folder(module: str) -> str:
    """The folder of a module, or the module itself where it is in none."""
    return module.partition(".")[0]


def edges(part: str, of: str | None = None) -> set[tuple[str, str]]:
    """The pairs of a folder of ``part`` and another that one of its modules imports from."""
    return {
        (folder(module), folder(name))
        for module, names in graph(part, of).items()
        for name in names
        if of is not None or folder(module) not in ("", folder(name))
    }


def drawn() -> str:
    """The generated part of the page: what each folder is for, and which folders import which."""
    engine, plugins, pretrain = (ORDER[part].split() for part in ORDER)
    above = {
        (f"{part}/{one}", other) for part in ("plugins", "pretrain") for one, other in edges(part, "engine")
    }
    users = [f"{part}/{one}" for part in ("plugins", "pretrain") for one in ORDER[part].split()]
    return "\n".join(
        [
            *("### engine", _jobs("engine"), _matrix(engine, engine, edges("engine"))),
            *("### plugins", _jobs("plugins"), _matrix(plugins, plugins, edges("plugins"))),
            *("### pretrain", _jobs("pretrain"), _matrix(pretrain, pretrain, edges("pretrain"))),
            *("### What plugins and pretrain import of the engine", _matrix(users, engine, above)),
        ]
    )


def _jobs(part: str) -> str:
    """A table of the folders and their docstrings' first lines."""
    lines = [f"\n| | {part}/ | its one job |", "|---|---|---|"]
    for number, name in enumerate(ORDER[part].split(), 1):
        path = ROOT / part / f"{name}.py"
        shown = path.name if path.is_file() else f"{name}/"
        source = path if path.is_file() else ROOT / part / name / "__init__.py"
        told = (ast.get_docstring(ast.parse(source.read_text())) or "").partition("\n")[0]
        lines.append(f"| {number} | `{shown}` | {told} |")
    return "\n".join([*lines, ""])


def _matrix(rows: list[str], columns: list[str], marked: set[tuple[str, str]]) -> str:
    """A line per row, an ``x`` under every column that it imports; ``■`` is the row itself."""
    square = rows == columns
    heads = columns if square else [one for one in columns if one in {other for _, other in marked}]
    numbers: Mapping[str, int] = {name: number for number, name in enumerate(columns, 1)}
    names = [f"{numbers[one]:>2} {one}" if square else one for one in rows]
    width = max(map(len, names))
    lines = ["\n```", " ".join([" " * width, *(f"{numbers[one]:>2}" for one in heads)])]
    for name, one in zip(names, rows, strict=True):
        cells = (
            " ■" if square and one == other else " x" if (one, other) in marked else " ·" for other in heads
        )
        lines.append(" ".join([f"{name:<{width}}", *cells]))
    return "\n".join([*lines, "```", ""])


def shown() -> str:
    """The generated part of the page as it is committed."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def draw() -> None:
    """Writes the generated part of the page anew."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + drawn() + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    draw()
