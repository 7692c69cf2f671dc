"""Raw PCM on standard input is delivered as it arrives, whole samples at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
from stimmung.engine.errors import ConfigError, InputError
from stimmung.plugins.source.pcm import PcmSource


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The writing end of a pipe whose reading end is standard input."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield writer


def feed_all(pipe: int, data: bytes) -> None:
    os.write(pipe, data)
    os.close(pipe)


def collect(source: PcmSource) -> np.ndarray:
    (feed,) = source.feeds()
    return np.concatenate([chunk.samples for chunk in feed.chunks])


@pytest.mark.parametrize(("format", "dtype", "scale"), [("s16le", "<i2", 2**15), ("s32le", "<i4", 2**31)])
def test_integers_are_scaled_to_full_scale_one(pipe: int, format: str, dtype: str, scale: int) -> None:
    numbers = np.array([0, scale // 2, -scale, scale - 1], dtype)
    feed_all(pipe, numbers.tobytes())
    got = collect(PcmSource("-", format=format))
    np.testing.assert_array_equal(got[:, 0], (numbers / scale).astype(np.float32))


def test_floats_pass_unchanged(pipe: int) -> None:
    numbers = np.array([0.25, -1.5, 1e-9], "<f4")
    feed_all(pipe, numbers.tobytes())
    np.testing.assert_array_equal(collect(PcmSource("pcm:format=f32le"))[:, 0], numbers)


def test_channels_are_taken_apart(pipe: int) -> None:
    feed_all(pipe, np.arange(6, dtype="<i2").tobytes())
    got = collect(PcmSource("pcm:channels=3"))
    np.testing.assert_array_equal(got * 2**15, [[0, 1, 2], [3, 4, 5]])


def test_what_is_there_is_delivered_before_more_arrives(pipe: int) -> None:
    (feed,) = PcmSource("-").feeds()
    for numbers in ([1, 2, 3], [4]):
        os.write(pipe, np.array(numbers, "<i2").tobytes())  # and the pipe stays open
        np.testing.assert_array_equal(next(feed.chunks).samples[:, 0] * 2**15, numbers)
    os.close(pipe)
    assert list(feed.chunks) == []


def test_a_sample_that_arrives_in_halves_is_put_together(pipe: int) -> None:
    (feed,) = PcmSource("pcm:format=f32le,channels=2").feeds()
    data = np.array([0.5, -0.5, 0.25, 1], "<f4").tobytes()
    os.write(pipe, data[:9])
    np.testing.assert_array_equal(next(feed.chunks).samples, [[0.5, -0.5]])
    os.write(pipe, data[9:])
    np.testing.assert_array_equal(next(feed.chunks).samples, [[0.25, 1]])
    os.close(pipe)


def test_half_a_sample_at_the_end_is_reported_after_all_the_others(pipe: int) -> None:
    feed_all(pipe, np.array([7, 8], "<i2").tobytes() + b"\x01")
    (feed,) = PcmSource("-").feeds()
    np.testing.assert_array_equal(next(feed.chunks).samples[:, 0] * 2**15, [7, 8])
    with pytest.raises(InputError, match="inside a sample, got 1 bytes too many, expected a multiple of 2"):
        next(feed.chunks)


def test_chunks_have_the_size_asked_for(pipe: int) -> None:
    feed_all(pipe, np.zeros(1_700, "<i2").tobytes())
    (feed,) = PcmSource("pcm:rate=16000", chunk_ms=50).feeds()
    assert [len(chunk.samples) for chunk in feed.chunks] == [800, 800, 100]


def test_the_spec_wins_over_the_keyword(pipe: int) -> None:
    feed_all(pipe, bytes(8))
    (feed,) = PcmSource("pcm:rate=8000", rate=44_100, channels=2).feeds()
    chunk = next(feed.chunks)
    assert (chunk.rate, chunk.samples.shape) == (8_000, (2, 2))


def test_no_input_at_all_is_no_audio_and_no_error(pipe: int) -> None:
    os.close(pipe)
    (feed,) = PcmSource("-").feeds()
    assert list(feed.chunks) == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("pcm:rat=8000", "did you mean 'rate'"),
        ("pcm:rate=8k", "option 'rate' of source 'pcm', got '8k', expected a whole number above 0"),
        ("pcm:channels=0", "expected a whole number above 0"),
        ("pcm:format=mp3", "got 'mp3', expected s16le, s32le, f32le"),
        ("pcm:rate", "got '', expected a whole number"),
        ("other", "reads standard input"),
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused(spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PcmSource(spec)


def test_a_terminal_is_no_source_of_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, other = os.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(ConfigError, match="got a terminal"):
            next(PcmSource("-").feeds())
    os.close(other)
