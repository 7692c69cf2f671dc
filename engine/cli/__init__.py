"""The command line: one file a command, each imported only when it is called.

Results go to standard output, logs to standard error. Exit codes: 0 success, 1 the run failed, 2 bad
usage or configuration. Commands of other packages join through the entry-point group
``stimmung.commands``.
"""

from __future__ import annotations

import importlib
import sys
from importlib import metadata

import click

from ..errors import StimmungError
from .log_setup import set_up

COMMANDS = {
    "run": ("stimmung.engine.cli.run", "Print the rolling emotion states of a source, live."),
    "monitor": ("stimmung.engine.cli.monitor", "Show the rolling emotion states of live streams on a page."),
    "replay": ("stimmung.engine.cli.replay", "Replay files or folders into tables of states."),
    "view": ("stimmung.engine.cli.view", "Show the recordings of a run with their states, on a page."),
    "export": ("stimmung.engine.cli.export", "Write a run for ELAN, Praat, RTTM, WebVTT, CSV or audformat."),
    "plugins": ("stimmung.engine.cli.plugins", "List the installed plugins, or check them."),
    "new-plugin": ("stimmung.engine.cli.new_plugin", "Write the package of a new plugin."),
    "pipelines": ("stimmung.engine.cli.pipelines", "List the pipelines that ship, or show one."),
    "models": ("stimmung.engine.cli.models", "List the models, or show one's card."),
    "speakers": ("stimmung.engine.cli.speakers", "List the speakers who are remembered, or forget some."),
    "doctor": ("stimmung.engine.cli.doctor", "Say what is installed and what is missing, and how to get it."),
    "push": ("stimmung.engine.cli.push", "Send what a source hears to a host on another machine."),
    "worker": ("stimmung.engine.cli.worker", "Serve a plugin for a host on another machine."),
    "keys": ("stimmung.engine.cli.keys", "Make the keys that machines need to reach each other."),
    "bench": ("stimmung.engine.cli.bench", "Measure speed, buses and memory on this machine."),
}
GROUP = "stimmung.commands"


class Commands(click.Group):
    """Commands by name, none imported before it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(entry.name for entry in metadata.entry_points(group=GROUP))]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        command: click.Command | None = None
        if name in COMMANDS:
            command = importlib.import_module(COMMANDS[name][0]).command
        for entry in metadata.entry_points(group=GROUP, name=name):
            command = entry.load()
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, line) for name, (_, line) in COMMANDS.items()]
        for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
            rows.append((entry.name, entry.load().get_short_help_str(limit=90)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, args)
        except click.UsageError:
            from ..errors import nearest

            raise click.UsageError(
                f"no command is called '{args[0]}'; {nearest(args[0], self.list_commands(context))}"
            ) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stimmung")
@click.option("-v", "--verbose", is_flag=True, help="Log what the host does, to standard error.")
@click.option("--log-json", is_flag=True, help="Log lines of JSON instead of text.")
def group(verbose: bool, log_json: bool) -> None:
    """Recognise emotion in speech: stream audio through plugins, get rolling emotion states.

    Example: stimmung run --source sample
    """
    set_up(verbose=verbose, structured=log_json)


def main() -> None:
    """Entry point: a StimmungError is one line on standard error and its exit code, never a traceback."""
    try:
        group(prog_name="stimmung")
    except StimmungError as error:
        click.echo(f"stimmung: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
