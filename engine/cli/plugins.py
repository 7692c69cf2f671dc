"""``stimmung plugins``: what is installed, where it comes from, whether it loads and keeps its contract."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

from ..errors import StimmungError, UnknownPluginError, nearest
from ..plugin import API
from ..registry import installed, origin, provides

UNBROKEN = (
    1000  # columns where there is no terminal: a plugin keeps to one line, so that lines can be searched
)


@click.command(short_help="List the installed plugins, or check them.")
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--check", "checked", is_flag=True, help="Run the conformance suite over them.")
def command(names: tuple[str, ...], checked: bool) -> None:
    """List the installed plugins: name, role, distribution, api, health, and what each is.

    With --check every plugin is built and put through the conformance suite; what could not be built
    here is said. Exits with 1 if one does not load or breaks its contract.

    \b
    Examples:
      stimmung plugins
      stimmung plugins --check hsf svm
    """
    known = installed()
    for name in names:
        if name not in known:
            raise UnknownPluginError(
                f"no plugin is called '{name}'", remedy=f"{nearest(name, known)} See stimmung plugins"
            )
    chosen = [*dict.fromkeys(names)] or list(known)
    sys.exit(1 if (check if checked else show)(chosen) else 0)


def show(names: list[str]) -> bool:
    """Prints a row for each role of each plugin; True if one is broken."""
    table = Table("plugin", "role", "from", "api", "health", "what it is", box=None, pad_edge=False)
    broken = False
    for name in names:
        entry = installed()[name]
        try:
            classes = provides(entry)
        except StimmungError as error:
            broken = True
            table.add_row(name, "–", origin(entry), "–", "broken", str(error))
            continue
        for role, kind in classes.items():
            api = str(getattr(kind, "api", API))
            table.add_row(name, role, origin(entry), api, "loads", _first_line(kind))
    console = Console()
    if not console.is_terminal:
        console.width = UNBROKEN
    console.print(table)
    return broken


def check(names: list[str]) -> bool:
    """Prints a line for each role of each plugin and one for each failure; True if there was one."""
    from ..check import Finding, examine

    failed = False
    for name in names:
        findings: dict[str, list[Finding]] = {}
        try:
            for finding in examine(name):
                findings.setdefault(finding.role, []).append(finding)
        except StimmungError as error:
            failed = True
            click.echo(f"{name}: broken\n  {error}")
        for role, found in findings.items():
            errors = [finding for finding in found if finding.error]
            skipped = [finding.skipped for finding in found if finding.skipped]
            passed = len(found) - len(errors) - len(skipped)
            verdict = f"not checked: {skipped[0]}" if skipped else f"{passed} of {len(found)} checks passed"
            click.echo(f"{name} ({role}, {origin(installed()[name])}): {verdict}")
            for finding in errors:
                click.echo(f"  {finding.check}: {finding.error}")
            failed = failed or bool(errors)
    return failed


def _first_line(kind: type[object]) -> str:
    """What a plugin says of itself: the first line of its class's docstring, or else of its module's."""
    said = kind.__doc__ or sys.modules[kind.__module__].__doc__ or "(says nothing of itself)"
    return said.strip().splitlines()[0]
