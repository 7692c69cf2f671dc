"""Where audio enters: chunks of any size, rate and channels become mono frames on the stream's clock.

The samples depend on the audio alone, never on how it was cut into chunks. A constant part, DC, is
removed (:mod:`.dc`). Audio already at the pipeline's rate is not resampled. Otherwise soxr does it (linear
phase; ripple below 0.1 dB up to 7 kHz and aliases below -110 dB for 48 kHz to 16 kHz), fed with blocks of
10 ms whatever arrives. A resampled sample is known this long after it was heard, at the latest:

    44.1, 48 and 96 kHz 41 ms · 22.05 kHz 42 ms · 11.025 kHz 85 ms · 8 kHz 118 ms · the pipeline's rate 0 ms
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from ..errors import InputError
from ..plugin import Feed
from ..types import AudioFrame, Chunk, Floats, Span, read_only
from .dc import DcBlocker

LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000  # Hz: below, no formants are left; above, no device exists
LARGEST = 10.0  # +20 dB over full scale: more is integer samples that were never scaled, or a fault
QUALITY = "MQ"  # HQ answers 96 kHz twice as late, for a difference far below 16-bit noise


class Intake:
    """One stream's chunks → its frames: (n, channels) at any rate → (n,) at ``rate`` Hz.

    Channels are averaged, and DC is removed unless ``keep_dc``. Sample ``p`` of the source's clock is sample
    ``round(p * rate / native)`` of the stream's, exactly, so the two never drift apart, and a gap that the
    source reports (a chunk that starts later than the last one ended) is a jump of the stream's clock by the
    same time.

    Raises InputError, naming the stream and the sample, when a chunk overlaps the last one, when
    rate or channels change, and when a sample is NaN, infinite or beyond ±10 (full scale is ±1).
    """

    def __init__(self, stream: str, rate: int, *, keep_dc: bool = False) -> None:
        self.stream = stream
        self.rate = rate
        self.keep_dc = keep_dc
        self._native = 0
        self._channels = 0
        self._position = 0  # on the source's clock: where the next chunk is expected
        self._stretch: _Stretch | None = None

    def push(self, chunk: Chunk) -> Iterator[AudioFrame]:
        """The frames that ``chunk`` completes; none while the resampler has too little to go on.

        What stands before an unfit sample has been given when the error is raised, so that where a
        stream ends does not depend on the size of its chunks.
        """
        start = self._position if chunk.start is None else chunk.start
        self._check_format(chunk)
        self._check_order(start)
        if start > self._position:
            yield from self.finish()
        fit = fit_samples(chunk.samples)
        self._position = start + fit
        if self._stretch is None:
            self._stretch = _Stretch(start, self._native, self.rate, keep_dc=self.keep_dc)
        at = self._stretch.clock
        yield from self._frames(at, self._stretch.push(_mono(chunk.samples[:fit])))
        if fit < len(chunk.samples):
            self._refuse(chunk.samples[fit])

    def finish(self) -> list[AudioFrame]:
        """The frames still in the resampler, after the last chunk."""
        if self._stretch is None:
            return []
        stretch, self._stretch = self._stretch, None
        at = stretch.clock
        return self._frames(at, stretch.finish())

    def _frames(self, at: int, samples: Floats) -> list[AudioFrame]:
        if not len(samples):
            return []
        return [AudioFrame(self.stream, Span(at, at + len(samples), self.rate), read_only(samples))]

    def _check_order(self, start: int) -> None:
        if start < self._position:
            raise InputError(
                f"the audio of stream '{self.stream}' overlaps itself",
                got=f"a chunk that starts at sample {start}",
                expected=f"sample {self._position} or later",
                remedy="a source must deliver its chunks in order, each once",
            )

    def _check_format(self, chunk: Chunk) -> None:
        if chunk.samples.ndim != 2 or not chunk.samples.shape[1]:
            raise InputError(
                f"stream '{self.stream}' delivered a chunk of the wrong shape",
                got=str(chunk.samples.shape),
                expected="(samples, channels)",
            )
        got = chunk.rate, chunk.samples.shape[1]
        if not self._native:
            if not LOWEST_RATE <= chunk.rate <= HIGHEST_RATE:
                raise InputError(
                    f"the sampling rate of stream '{self.stream}' is unusable",
                    got=f"{chunk.rate} Hz",
                    expected=f"{LOWEST_RATE} to {HIGHEST_RATE} Hz",
                    remedy="check the header of the file or the settings of the device",
                )
            self._native, self._channels = got
        if got != (self._native, self._channels):
            raise InputError(
                f"the format of stream '{self.stream}' changes at {self._position / self._native:.3f} s",
                got=f"{got[0]} Hz and {got[1]} channels",
                expected=f"{self._native} Hz and {self._channels} channels as before",
                remedy="make it two streams, or convert it to one format",
            )

    def _refuse(self, unfit: Floats) -> None:
        """Raises for the (channels,) at the present position."""
        value = float(unfit[~(np.abs(unfit) <= LARGEST)][0])
        remedy = "repair or cut the recording there"
        if np.isfinite(value):
            remedy = "divide integer samples by their full scale, 32768 for 16 bits"
        raise InputError(
            f"stream '{self.stream}' is not audio at {self._position / self._native:.3f} s"
            f" (sample {self._position})",
            got=f"{value:g}",
            expected=f"finite samples within ±{LARGEST:g}, full scale being ±1",
            remedy=remedy,
        )


def read_audio(feed: Feed, rate: int) -> Floats:
    """All of a feed at once, (n,) at ``rate`` Hz, exactly as a pipeline hears it; a gap is silence."""
    intake = Intake(feed.stream, rate)
    frames = [frame for chunk in feed.chunks for frame in intake.push(chunk)] + intake.finish()
    samples = np.zeros(frames[-1].span.stop if frames else 0, np.float32)
    for frame in frames:
        samples[frame.span.start : frame.span.stop] = frame.samples
    return read_only(samples)


class _Stretch:
    """Audio without a gap, from sample ``start`` of the source's clock, resampled if it must be."""

    def __init__(self, start: int, native: int, rate: int, *, keep_dc: bool) -> None:
        self.native, self.rate = native, rate
        self.clock = self._on_stream(start)  # the next sample to come, on the stream's clock
        self.stop = start  # the next sample to arrive, on the source's clock
        self.resampler: soxr.ResampleStream | None = None
        if native != rate:
            self.resampler = soxr.ResampleStream(native, rate, 1, dtype="float32", quality=QUALITY)
        self.blocker = None if keep_dc else DcBlocker(native)
        self.block = native // 100
        self.held = np.empty(0, np.float32)

    def push(self, samples: Floats) -> Floats:
        self.stop += len(samples)
        if self.blocker is not None:
            samples = self.blocker.remove(samples)
        if self.resampler is None:
            return self._deliver([samples])
        self.held = np.concatenate([self.held, samples])
        return self._deliver([self.resampler.resample_chunk(block) for block in self._blocks()])

    def finish(self) -> Floats:
        if self.resampler is None:
            return np.empty(0, np.float32)
        # A block of silence more than there is, so that rounding at either end never leaves a sample short.
        tail = np.concatenate([self.held, np.zeros(self.block, np.float32)])
        samples = self.resampler.resample_chunk(tail, last=True)
        return self._deliver([samples[: max(0, self._on_stream(self.stop) - self.clock)]])

    def _on_stream(self, position: int) -> int:
        """The sample of the stream's clock nearest to one of the source's: whole numbers, so no drift."""
        return (2 * position * self.rate + self.native) // (2 * self.native)

    def _blocks(self) -> Iterator[Floats]:
        whole = len(self.held) - len(self.held) % self.block
        held, self.held = self.held[:whole], self.held[whole:]
        for at in range(0, whole, self.block):
            yield held[at : at + self.block]

    def _deliver(self, parts: list[Floats]) -> Floats:
        samples = np.concatenate(parts) if parts else np.empty(0, np.float32)
        self.clock += len(samples)
        return samples


def fit_samples(samples: Floats) -> int:
    """How many samples stand before the first that is NaN, infinite or too large in any channel."""
    if not samples.size or max(samples.max(), -samples.min()) <= LARGEST:  # False for NaN too
        return len(samples)
    return int(np.argmin((np.abs(samples) <= LARGEST).all(axis=1)))


def _mono(samples: Floats) -> Floats:
    """The mean of the channels, added in order and in double precision: (n, channels) → (n,).

    Not ``mean(axis=1)``: the order in which numpy adds depends on how the array lies in memory.
    """
    if samples.shape[1] == 1:
        return samples[:, 0].astype(np.float32, copy=False)
    total = samples[:, 0].astype(np.float64)
    for channel in range(1, samples.shape[1]):
        total += samples[:, channel]
    mean: Floats = (total / samples.shape[1]).astype(np.float32)
    return mean
