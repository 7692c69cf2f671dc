"""What no corpus may hold: a recording twice, a speaker in two spellings, two labels in one cell."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from stimmung.engine.errors import InputError

LONG = 100  # characters of a path that are shown
SHOWN = 3  # of many that are wrong in the same way
BETWEEN = re.compile(r"[;,|/+&]")
WEIGHT = re.compile(r"[\s:=(]+[\d.]+\s*%?\)?$")
DECIMAL = re.compile(r"[+-]?\d*,\d+")


def some(names: Iterable[str]) -> str:
    """The first few of ``names``, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def is_number(text: str) -> bool:
    """True for a finite number with a decimal point, if any."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def with_points(cells: Mapping[int, str], what: str) -> dict[int, str]:
    """Numbers by their lines, decimal commas as points; raises InputError where both are used."""
    comma = next((line for line, cell in cells.items() if DECIMAL.fullmatch(cell)), None)
    point = next((line for line, cell in cells.items() if "." in cell and is_number(cell)), None)
    if comma is not None and point is not None:
        raise InputError(
            f"{what} has decimal commas and decimal points",
            got=f"'{cells[comma]}' in line {comma} and '{cells[point]}' in line {point}",
            remedy="write all of its numbers in one way",
        )
    return {line: cell.replace(",", ".") if DECIMAL.fullmatch(cell) else cell for line, cell in cells.items()}


def _is_share(cell: str) -> bool:
    number = cell.rstrip("% ").replace(",", ".")
    return is_number(number) and ("%" in cell or not float(number).is_integer())


def refuse_several(cell: str, known: Collection[str], target: str, where: str) -> None:
    """Raises InputError for a cell that holds more than one label, how much of one, or another spelling.

    ``known`` are the labels wanted and the corpus' own names for them, none where numbers are wanted. To be
    called for a cell that is not one of them.
    """
    parts = [part.strip(" '\"[](){}") for part in BETWEEN.split(cell)]
    parts = [part for part in parts if part]
    bare = [WEIGHT.sub("", part) for part in parts]
    several = any(part in known for part in bare)
    if known and (_is_share(cell) or (len(parts) == 1 and bare[0] != parts[0] and bare[0] in known)):
        raise InputError(
            f"{where} has a number or a share in place of a label",
            got=f"{target} '{cell}'",
            expected="the label alone",
            remedy="decide on one, or take the row out of the corpus",
        )
    if len(parts) > 1 and (several or all(map(is_number, parts))):
        raise InputError(
            f"{where} has several labels in one cell",
            got=f"{target} '{cell}'",
            expected="one label for a recording",
            remedy="decide on one, or take the row out of the corpus",
        )
    other = next((name for name in known if len(name) > 1 and name.casefold() == cell.casefold()), None)
    if other is not None:
        raise InputError(
            f"{where}: {target} '{cell}' is '{other}' but for its case",
            remedy=f"write '{other}', or give it the alias '{cell}'",
        )


def refuse_spellings(what: str, speakers: Iterable[str]) -> None:
    """Raises InputError where names of speakers differ by nothing but case, blanks or leading zeros.

    They would be two speakers, and the one person behind them on both sides of a split.
    """
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for speaker in dict.fromkeys(speakers):
        plain = " ".join(unicodedata.normalize("NFKC", speaker).casefold().split())
        alike[re.sub(r"(?<![\d.])0+(?=\d)", "", plain)].append(speaker)
    found = [names for names in alike.values() if len(names) > 1]
    if found:
        raise InputError(
            f"{what} has {len(found)} speaker{'s' * (len(found) > 1)} in more than one spelling",
            got=some(" and ".join(f"'{name}'" for name in names) for names in found),
            expected="one name for each, as case, blanks and leading zeros tell nobody apart",
            remedy="spell each in one way, or give different people different names",
        )


def refuse_missing(what: str, column: str, missing: Mapping[int, str], of: int) -> None:
    """Raises InputError for rows, by their lines, that name no file."""
    if missing:
        drive = any(re.match(r"[A-Za-z]:|\\\\", cell) for cell in missing.values())
        raise InputError(
            f"{what}: {len(missing)} of {of} rows name no file that exists",
            got=some(f"line {line} column '{column}': '{cell[:LONG]}'" for line, cell in missing.items()),
            expected=f"absolute paths, or paths relative to '{Path(what).parent}'",
            remedy="paths of another machine are unknown here, make them relative"
            if drive
            else "correct them, or take those rows out",
        )


def refuse_twins(what: str, rows: Sequence[tuple[Path, str, int]]) -> None:
    """Raises InputError for a file that is listed twice: (file, label, line)."""
    listed: defaultdict[Path, list[tuple[str, int]]] = defaultdict(list)
    for file, label, line in rows:
        listed[file].append((label, line))
    twice = {file: every for file, every in listed.items() if len(every) > 1}
    if not twice:
        return
    differ = {file: every for file, every in twice.items() if len({label for label, _ in every}) > 1}
    files = f"{len(differ or twice)} file{'s' * (len(differ or twice) > 1)}"
    raise InputError(
        f"{what} gives {files} two labels" if differ else f"{what} lists {files} twice",
        got=some(
            f"'{file}' " + " and ".join(f"in line {line} ('{label}')" for label, line in every)
            for file, every in (differ or twice).items()
        ),
        expected="one row a recording",
        remedy="decide on one label each" if differ else "keep one row each",
    )
