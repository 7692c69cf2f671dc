"""``stimmung corpora``: the layouts that are read, how to obtain each, and what a folder holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
from stimmung.engine.errors import InputError

from ..corpora.layouts import LAYOUTS, recognise


@click.command(short_help="List the corpora that are read and how to obtain each, or look into one.")
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
def command(folder: Path | None) -> None:
    """List the layouts of corpora that are read and how to obtain each, or tell what a folder holds.

    A folder with a corpus.csv (file, speaker, a column for each target) is read by that first.

    \b
    Examples:
      stimmung corpora
      stimmung corpora downloads/emodb
    """
    if folder is not None:
        _look_into(folder)
        return
    click.echo("corpus.csv   a table: file, speaker, a column for each target")
    for layout in LAYOUTS:
        click.echo(f"{layout.name:<12} {layout.title}")
        click.echo(f"{'':<12} obtain: {layout.obtain}")
        click.echo(f"{'':<12} licence: {layout.licence}")


def _look_into(folder: Path) -> None:
    layout = recognise(folder)
    if layout is None:
        raise InputError(
            f"'{folder}' follows no layout",
            expected=", ".join(layout.name for layout in LAYOUTS),
            remedy="see stimmung corpora, or write a corpus.csv",
        )
    recordings = layout.read(folder)
    speakers = len({r.speaker for r in recordings}) if layout.speakers_published else "unpublished"
    click.echo(f"{layout.name}: {len(recordings)} recordings, speakers: {speakers}")
    for target in sorted({target for recording in recordings for target in recording.labels}):
        counts = Counter(r.labels[target] for r in recordings if target in r.labels)
        shown = ", ".join(f"{label} {count}" for label, count in counts.most_common(10))
        click.echo(f"{target or 'label'}: {shown}{' …' if len(counts) > 10 else ''}")
    parts = Counter(r.partition for r in recordings if r.partition)
    if parts:
        click.echo("partitions: " + ", ".join(f"{name} {count}" for name, count in sorted(parts.items())))
