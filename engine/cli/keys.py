"""``stimmung keys``: who may reach a host from another machine."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Make the keys that machines need to reach each other.")
@click.argument("folder", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path))
@click.argument("names", metavar="[NAME]…", nargs=-1)
def command(folder: Path, names: tuple[str, ...]) -> None:
    """Make a pair of CURVE keys for the host, and one for each NAME of a machine that may reach it.

    Pairs that exist are kept. The host is given FOLDER: it lets in whose NAME.key lies there, so deleting
    that file shuts NAME out from the next start on. A machine needs NAME.key_secret and host.key, beside
    each other; take the former along on a way you trust, then delete it on the host.

    Example: stimmung keys keys kitchen
    """
    from ..protocol.security import make_keys

    for path in make_keys(folder, list(names)):
        click.echo(path)
