"""A table of recordings as spreadsheets and scripts write it: its rows by column, its paths as files.

Read are UTF-8 and, with its mark, UTF-16; commas, semicolons or tabs between cells, as the header has them;
quoted cells. Blanks around cells are no part of them. What could be read in two ways is refused by its line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from stimmung.engine.errors import InputError

SEPARATORS = ",;\t"
INVISIBLE = "\ufeff\u200b\u2060"  # spaces without width, one of which is the mark of UTF-8
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line on which it ends, and its cells by column, empty where it has none."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was read. ``separator`` stands between its cells."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    separator: str

    @property
    def folder(self) -> Path:
        """What relative paths in it are relative to."""
        return self.path.parent


def bare(cell: str) -> str:
    """A cell without blanks around it, be they visible or not."""
    return cell.strip().strip(INVISIBLE).strip()


def read_table(path: Path) -> Table:
    """The table at ``path``, without rows that are blank; raises InputError naming line and remedy."""
    lines = io.StringIO(_text(path), newline="")
    header = next(_written(lines), "")
    if header.lower().strip('" \r\n')[:4] == "sep=":  # for Excel, above the header
        header = next(_written(lines), "")
    separator = max(SEPARATORS, key=lambda one: len(_cells(header, one)))
    columns = tuple(_cells(header, separator))
    before = lines.getvalue()[: lines.tell()].splitlines()
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        rows = tuple(
            _row(path, len(before) + reader.line_num, [bare(cell) for cell in cells], columns)
            for cells in reader
            if any(map(bare, cells))
        )
    except csv.Error as error:
        raise InputError(
            f"corpus '{path}' is no CSV file from line {len(before) + reader.line_num} on",
            got=str(error),
            remedy='write a cell that holds quotes in quotes, those inside it twice: "say ""no"""',
        ) from error
    return Table(path, columns, rows, separator)


def located(folder: Path, cell: str) -> Path | None:
    """The file that a cell names, None where there is none.

    The path is absolute or relative to ``folder``; Windows' separators are understood everywhere.
    """
    windows = PureWindowsPath(cell)
    for name in (cell, "" if windows.drive else windows.as_posix()):
        try:
            if name and (folder / name).is_file():
                return folder / name
        except (OSError, ValueError):  # too long or not a name at all
            continue
    return None


def _written(lines: Iterable[str]) -> Iterator[str]:
    """The lines that hold something."""
    return (line for line in lines if bare(line))


def _cells(line: str, separator: str) -> list[str]:
    return [bare(cell) for cell in next(csv.reader([line], delimiter=separator), [])]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read corpus '{path}'", got=str(error.strerror)) from error
    try:
        text = content.decode("utf-16" if content.startswith(UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_text(path, str(error)) from error
    if "\0" in text:
        raise _no_text(path, "zero bytes, as in UTF-16 without its mark")
    return text


def _no_text(path: Path, got: str) -> InputError:
    return InputError(f"corpus '{path}' is not a CSV file in UTF-8", got=got, remedy='save it as "CSV UTF-8"')


def _row(path: Path, line: int, cells: list[str], columns: tuple[str, ...]) -> Row:
    beyond = [cell for cell in cells[len(columns) :] if cell]
    if beyond:
        raise InputError(
            f"{path} line {line} has more cells than the header",
            got=f"{len(cells)}, the last '{beyond[-1]}'",
            expected=str(len(columns)),
            remedy="put cells that hold the separator into quotes",
        )
    filled = cells + [""] * (len(columns) - len(cells))
    return Row(line, dict(zip(columns, filled, strict=False)))
