"""``stimmung compare``: a paired test between two evaluations."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec


@click.command(short_help="Test whether one evaluated system is better than another.")
@click.argument("first", type=click.Path(path_type=Path, file_okay=False))
@click.argument("second", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(first: Path, second: Path, as_json: bool) -> None:
    """Test whether the second system is better than the first, on the same recordings of the same protocol.

    The interval resamples whole speakers; p is that of a permutation test that exchanges the systems' results
    speaker by speaker.

    Example: stimmung compare reports/hsf reports/sample_cnn
    """
    from ..evaluation.significance import compare

    found = compare(first, second)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    low, high = found["difference_ci95"]
    one, other = found["values"]
    click.echo(
        f"{found['figure'].upper()} {found['first']} {one:.3f}, {found['second']} {other:.3f}: difference "
        f"{found['difference']:+.3f} (95 % interval {low:+.3f} to {high:+.3f}), p = {found['p']:.4f} over "
        f"{found['speakers']} speakers, {found['n']} recordings"
    )
