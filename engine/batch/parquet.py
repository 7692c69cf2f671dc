"""The tables of a replay as Parquet, indexed as audformat does: file, start, end.

Read with pandas, a table has that index: ``file`` is the stream's name, ``start`` and ``end`` are times from
its first sample. A label is a column of its own: ``probability.anger``, ``votes.anger``; it is null where the
row's classifier knows no such label. Features are one column an extractor, one vector a segment.
Rows are written in groups of a size that depends on the rows alone, so that equal rows give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .replayer import ReplayResult

if TYPE_CHECKING:
    import pandas as pd

INDEX = ("file", "start", "end")
GROUP_BYTES = 32_000_000  # of one row group, about
NS = 1_000_000_000

NAME = pa.dictionary(pa.int32(), pa.string())

Columns = dict[str, pa.DataType]
Row = dict[str, Any]


class Table:
    """One Parquet file, written row by row with bounded memory."""

    def __init__(self, path: Path, columns: Columns, row_bytes: int) -> None:
        self._schema = _schema(columns)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[Row] = []
        self._group = max(1, min(100_000, GROUP_BYTES // row_bytes))

    def write(self, row: Row) -> None:
        """Appends a row; columns it lacks are null."""
        self._rows.append(row)
        if len(self._rows) >= self._group:
            self._flush()

    def close(self) -> None:
        """Writes what is left, and the file's end."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


class Vectors(Table):
    """A table of vectors; they are kept as the bytes they came as until a group is full."""

    def __init__(self, path: Path, dims: Mapping[str, int]) -> None:
        columns: Columns = {name: pa.list_(pa.float32(), dim) for name, dim in dims.items()}
        super().__init__(path, columns, 4 * sum(dims.values()))
        self._dims = dims

    def _flush(self) -> None:
        if not self._rows:
            return
        index = [pa.array([row[name] for row in self._rows], self._schema.field(name).type) for name in INDEX]
        vectors = [self._column(name, dim) for name, dim in self._dims.items()]
        self._writer.write_table(pa.Table.from_arrays(index + vectors, schema=self._schema))
        self._rows = []

    def _column(self, name: str, dim: int) -> pa.Array:
        nothing = bytes(4 * dim)
        joined = b"".join(row.get(name, nothing) for row in self._rows)
        missing = pa.array([name not in row for row in self._rows], pa.bool_())
        return pa.FixedSizeListArray.from_arrays(
            pa.array(np.frombuffer(joined, "<f4")), type=pa.list_(pa.float32(), dim), mask=missing
        )


class Tables:
    """states, predictions, errors and, if there are any, features; a context that closes them.

    ``labels`` are those of all classifiers, ``dims`` the length of each extractor's vectors, empty where
    features are not asked for, ``rate`` that of the pipeline in Hz.
    """

    def __init__(self, folder: Path, labels: Sequence[str], dims: Mapping[str, int], rate: int) -> None:
        self._rate = rate
        row_bytes = 200 + 20 * len(labels)
        self._states = Table(folder / "states.parquet", _state_columns(labels), row_bytes)
        self._predictions = Table(folder / "predictions.parquet", _prediction_columns(labels), row_bytes)
        self._errors = Table(folder / "errors.parquet", {"kind": NAME, "error": pa.string()}, 500)
        self._features = Vectors(folder / "features.parquet", dims) if dims else None

    def add(self, item: ReplayResult) -> None:
        """Appends all that came of one file."""
        for state in item.states:
            self._states.write(_state_row(state))
        for prediction in item.predictions:
            self._predictions.write(_prediction_row(prediction))
        for error in item.errors:
            times = {
                key: round(error[f"{name}_s"] * NS)
                for key, name in (("start", "start"), ("end", "stop"))
                if f"{name}_s" in error
            }
            self._errors.write(
                {"file": error["stream"], **times, "kind": error["kind"], "error": error["error"]}
            )
        if self._features is not None:
            for row in self._segments(item):
                self._features.write(row)

    def close(self) -> None:
        """Ends every file."""
        for table in (self._states, self._predictions, self._errors, self._features):
            if table is not None:
                table.close()

    def _segments(self, item: ReplayResult) -> Iterator[Row]:
        """A row for each run of vectors of the same segment."""
        row: Row = {}
        segment = None
        for entry in item.features:
            if (entry.start, entry.stop) != segment or entry.extractor in row:
                if row:
                    yield row
                segment = entry.start, entry.stop
                row = _index(item.stream, *segment, self._rate)
            row[entry.extractor] = entry.values
        if row:
            yield row

    def __enter__(self) -> Tables:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def state_table(records: Sequence[Row]) -> pd.DataFrame:
    """Records of states as the table that pandas reads from ``states.parquet``."""
    return _frame([_state_row(state) for state in records], _state_columns(_labels(records)))


def prediction_table(records: Sequence[Row]) -> pd.DataFrame:
    """Records of predictions as the table that pandas reads from ``predictions.parquet``."""
    return _frame([_prediction_row(own) for own in records], _prediction_columns(_labels(records)))


def _labels(records: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(label for own in records for label in own["probabilities"]))


def _frame(rows: list[Row], columns: Columns) -> pd.DataFrame:
    return pa.Table.from_pylist(rows, schema=_schema(columns)).to_pandas()


def _schema(columns: Columns) -> pa.Schema:
    index: Columns = {"file": pa.string(), "start": pa.duration("ns"), "end": pa.duration("ns")}
    return pa.schema(list({**index, **columns}.items()), metadata=_pandas({**index, **columns}))


def _state_columns(labels: Sequence[str]) -> Columns:
    return {
        "target": NAME,
        "status": NAME,
        "reason": NAME,
        "label": NAME,
        "confidence": pa.float64(),
        "voters": pa.int32(),
        **{f"votes.{label}": pa.int32() for label in labels},
        **{f"probability.{label}": pa.float64() for label in labels},
    }


def _prediction_columns(labels: Sequence[str]) -> Columns:
    own: Columns = {"target": NAME, "label": NAME, "distance": pa.float64()}
    return own | {f"probability.{label}": pa.float64() for label in labels}


def _state_row(state: Row) -> Row:
    own = {name: state[name] for name in ("status", "confidence", "voters")}
    own["reason"] = state.get("reason")  # what an older run kept has none
    return {**_common_row(state), **own, **_spread("votes", state["votes"])}


def _prediction_row(prediction: Row) -> Row:
    return {**_common_row(prediction), "distance": prediction.get("distance")}


def _common_row(record: Row) -> Row:
    return {
        **_index(record["stream"], record["start"], record["stop"], record["rate"]),
        "target": record["target"],
        "label": record["label"],
        **_spread("probability", record["probabilities"]),
    }


def _index(stream: str, start: int, stop: int, rate: int) -> Row:
    return {"file": stream, "start": nanoseconds(start, rate), "end": nanoseconds(stop, rate)}


def _spread(prefix: str, values: Mapping[str, float]) -> Row:
    return {f"{prefix}.{label}": value for label, value in values.items()}


def nanoseconds(samples: int, rate: int) -> int:
    """Nanoseconds, to the nearest: whole numbers, so that no time drifts."""
    return (2 * samples * NS + rate) // (2 * rate)


def _pandas(columns: Columns) -> dict[str, str]:
    """What makes pandas take the first columns for the index."""
    described = [
        {
            "name": name,
            "field_name": name,
            "pandas_type": "timedelta" if name in ("start", "end") else "object",
            "numpy_type": "timedelta64[ns]" if name in ("start", "end") else "object",
            "metadata": None,
        }
        for name in columns
        if name in INDEX
    ]
    return {"pandas": json.dumps({"index_columns": list(INDEX), "column_indexes": [], "columns": described})}
