"""One stream from a source's chunks to what comes of them: its intake and its pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..audio.ingest import Intake
from ..errors import InputError
from ..types import Chunk, Output
from .info import StreamInfo
from .pipeline import Pipeline


class Stream:
    """Chunks of any kind in, predictions and states out. ``settled`` is called when it is over."""

    def __init__(self, intake: Intake, pipeline: Pipeline, settled: Callable[[], None] | None = None) -> None:
        self.intake, self.pipeline, self._settled = intake, pipeline, settled

    def push(self, chunk: Chunk) -> Iterator[Output]:
        """What has become final with this chunk; InputError when it is unfit."""
        for frame in self.intake.push(chunk):
            yield from self.pipeline.push(frame)

    def pump(self, timeout_s: float = 0.0) -> Iterator[Output]:
        """What has become final since, after waiting for at most ``timeout_s``."""
        yield from self.pipeline.pump(timeout_s)

    def end(self) -> Iterator[Output]:
        """Ends the stream where it is: its tail is cut. What is due still is pumped until it is over."""
        self.pipeline.end(self.intake.finish())
        yield from self.pump()

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
        """Ends the stream where it is, and waits for every answer still due."""
        yield from self._to_the_end()
        self.settle(whole=False)

    def finish(self) -> Iterator[Output]:
        """Ends the stream with its audio, and waits; InputError when that was unfit or too short."""
        yield from self._to_the_end()
        self.settle(whole=True)

    def _to_the_end(self) -> Iterator[Output]:
        yield from self.end()
        while not self.pipeline.over:
            yield from self.pump(0.1)

    def settle(self, *, whole: bool) -> None:
        """The last of a stream that is over; InputError when its audio was unfit.

        So it is when the audio, where that is ``whole``, was too short for a single segment.
        """
        if self._settled is not None:
            self._settled()  # also where the end of the audio was unfit
        self.pipeline.close()
        if whole and self.pipeline.segments == 0:
            self._refuse_short()

    @property
    def info(self) -> StreamInfo:
        """What observers are told of the stream."""
        pipeline = self.pipeline
        return StreamInfo(pipeline.stream, pipeline.description.stream.rate, pipeline.ledger)

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
