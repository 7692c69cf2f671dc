"""One stream from a source's chunks to what comes of them: its intake and its pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .errors import InputError
from .intake import Intake
from .pipeline import Pipeline
from .types import Chunk, Output


class Stream:
    """Chunks of any kind in, predictions and states out."""

    def __init__(self, intake: Intake, pipeline: Pipeline) -> None:
        self.intake, self.pipeline = intake, pipeline

    def push(self, chunk: Chunk) -> Iterator[Output]:
        """What has become final with this chunk; InputError when it is unfit."""
        for frame in self.intake.push(chunk):
            yield from self.pipeline.push(frame)

    def pump(self) -> list[Output]:
        """What has become final since."""
        return self.pipeline.pump()

    def play(self, chunks: Iterable[Chunk]) -> Iterator[Output]:
        """All that comes of ``chunks``; InputError when they are unfit.

        What came of the audio before the fault has been given by then.
        """
        try:
            for chunk in chunks:
                yield from self.push(chunk)
        except InputError:
            yield from self.close()
            raise
        yield from self.finish()

    def close(self) -> Iterator[Output]:
        """Ends the stream where it is: its tail is cut and every answer still due is waited for."""
        for frame in self.intake.finish():
            yield from self.pipeline.push(frame)
        yield from self.pipeline.finish()

    def finish(self) -> Iterator[Output]:
        """Ends the stream; InputError when it was too short for a single segment."""
        yield from self.close()
        if self.pipeline.segments == 0:
            self._refuse_short()

    @property
    def heard_s(self) -> float:
        """Seconds of audio taken so far."""
        heard = self.pipeline.ledger.edge("audio", "samples").received
        return heard / self.pipeline.description.stream.rate

    def _refuse_short(self) -> None:
        shortest_s = self.pipeline.description.segments.shortest_s
        raise InputError(
            f"'{self.pipeline.stream}' is too short for a single segment",
            got=f"{self.heard_s:.2f} s",
            expected=f"at least {shortest_s:g} s without a gap",
            remedy="record more, or lower [segments] shortest_s",
        )
