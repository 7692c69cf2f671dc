"""A finished run on the page: its recordings with their states, and their audio where it still is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..audio.ingest import Intake
from ..config.schema import PipelineConfig
from ..errors import InputError, nearest
from ..export.intervals import Recording, Run
from ..runtime.host import open_source
from .collector import BINS_HZ, Envelope, hello_of
from .hub import ENDED, Hub

KEPT = {"state": 20_000}  # as many as the page draws: five and a half hours at one a second
BINS = 60 * BINS_HZ  # of the waveform in one message
Row = dict[str, Any]


class View:
    """The first recordings of a run, or those named, told to ``hub``; raises InputError where there are none.

    ``shown`` lists them, ``unheard`` those whose audio is no longer where the replay found it, and ``more``
    counts those that are not shown.
    """

    def __init__(self, folder: Path, streams: Sequence[str] = ()) -> None:
        run = Run(folder, "states")
        account = msgspec.json.decode((folder / "run.json").read_bytes())
        if "targets" not in account:
            raise InputError(f"'{folder}' does not say what it recognised", remedy="replay it once more")
        self.hub = Hub(KEPT)
        self.shown: list[str] = []
        self.unheard: list[str] = []
        self.more = 0
        self._table = msgspec.convert(account["pipeline"], PipelineConfig).stream
        self._errors = _errors(folder)
        self.hub.publish(hello_of(msgspec.convert(account["pipeline"], PipelineConfig), account["targets"]))
        self._fill(run, streams)

    def _fill(self, run: Run, streams: Sequence[str]) -> None:
        known = []
        for recording in self._recordings(run):
            known.append(recording.stream)
            if len(self.shown) < ENDED and (not streams or recording.stream in streams):
                self._tell(recording)
            elif not streams:
                self.more += 1
        for stream in streams:
            if stream not in known:
                raise InputError(
                    f"no recording of the run is called '{stream}'", remedy=nearest(stream, known)
                )
        if not self.shown:
            raise InputError("the run has no recording", remedy="replay some")

    def _recordings(self, run: Run) -> Iterator[Recording]:
        """Those with states, then those that came to nothing but errors."""
        silent = dict.fromkeys(self._errors)
        for recording in run:
            silent.pop(recording.stream, None)
            yield recording
        for stream in silent:
            yield Recording(stream, self._table.rate, {})

    def _tell(self, recording: Recording) -> None:
        stream, errors = recording.stream, self._errors.get(recording.stream, [])
        rows = [row for own in recording.targets.values() for row in own]
        heard_s = max((row["stop_s"] for row in rows), default=0.0)
        about = {"kind": "stream", "stream": stream, "began": None, "heard_s": heard_s}
        self.hub.publish({**about, "phase": "live", "error": ""})
        for message in self._audio(stream):
            self.hub.publish(message)
        for row in sorted(rows, key=lambda row: (row["stop"], row["start"])):
            self.hub.publish(row)
        failure = ""
        for row in errors:
            if "start_s" in row:
                fault = {"kind": "fault", "plugin": row["kind"], "reason": row["kind"], "error": row["error"]}
                times = {name: row[name] for name in ("start_s", "stop_s")}
                self.hub.publish({**fault, "stream": stream, **times})
            else:
                failure = row["error"]
        self.hub.publish({**about, "phase": "failed" if failure else "ended", "error": failure})
        self.shown.append(stream)

    def _audio(self, stream: str) -> Iterator[Row]:
        """The waveform in messages of about a minute, as far as it can be read."""
        if not Path(stream).is_file():
            self.unheard.append(stream)
            return
        pending: Row = {}
        try:
            for start, low, high in self._bins(stream):
                expected = pending and round(pending["start_s"] * BINS_HZ) + len(pending["low"])
                if pending and (start != expected or len(pending["low"]) >= BINS):
                    yield pending
                    pending = {}
                if not pending:
                    own = {"kind": "audio", "stream": stream, "start_s": start / BINS_HZ}
                    pending = {**own, "step_s": 1 / BINS_HZ, "low": [], "high": []}
                pending["low"] += low
                pending["high"] += high
        except InputError:
            pass
        if pending:
            yield pending

    def _bins(self, stream: str) -> Iterator[tuple[int, list[int], list[int]]]:
        intake = Intake(stream, self._table.rate, keep_dc=self._table.dc == "keep")
        envelope = Envelope(self._table.rate)
        (feed,) = open_source(stream).feeds()
        for chunk in feed.chunks:
            for frame in intake.push(chunk):
                yield from envelope.add(frame.span.start, frame.samples)
        for frame in intake.finish():
            yield from envelope.add(frame.span.start, frame.samples)


def _errors(folder: Path) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    with (folder / "errors.jsonl").open("rb") as file:
        for line in file:
            row = msgspec.json.decode(line)
            found[row["stream"]].append(row)
    return found
