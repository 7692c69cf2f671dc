"""Any file or folder libsndfile reads becomes streams; what cannot be read is named in one line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from stimmung.engine.errors import InputError
from stimmung.engine.types import Floats
from stimmung.plugins.source.file import READ_FRAMES, FileSource

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes noise to a file below ``tmp_path``: (name, samples, rate, channels) → its path."""

    def write(name: str, length: int = 16_000, rate: int = 16_000, channels: int = 1) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(0).uniform(-0.5, 0.5, (length, channels))
        soundfile.write(path, samples, rate, format=None if path.suffix else "WAV")
        return path

    return write


def read(path: Path | str, chunk_ms: float | None = None) -> list[Floats]:
    (feed,) = FileSource(str(path), chunk_ms=chunk_ms).feeds()
    return [chunk.samples for chunk in feed.chunks]


def refuse(path: Path | str) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au", "caf", "w64"])
def test_a_file_of_any_format_gives_what_soundfile_reads(write: Write, suffix: str) -> None:
    path = write(f"a.{suffix}", channels=2)
    got = np.concatenate(read(path))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, soundfile.read(path, dtype="float32")[0], atol=1e-6)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("chunk_ms", [0.1, 10, 100, 7_000])
def test_the_chunk_size_never_changes_a_sample(write: Write, suffix: str, chunk_ms: float) -> None:
    path = write(f"a.{suffix}", length=READ_FRAMES + 5_000)
    np.testing.assert_array_equal(np.concatenate(read(path, chunk_ms)), np.concatenate(read(path)))


def test_chunks_have_the_size_asked_for(write: Write) -> None:
    sizes = [len(samples) for samples in read(write("a.wav", length=1_700), chunk_ms=50)]
    assert sizes == [800, 800, 100]


def test_the_chunks_carry_rate_and_channels(write: Write) -> None:
    (feed,) = FileSource(str(write("a.flac", rate=96_000, channels=8))).feeds()
    chunk = next(feed.chunks)
    assert (chunk.rate, chunk.samples.shape[1], chunk.start) == (96_000, 8, None)


def test_a_folder_gives_every_audio_file_below_it_in_order(write: Write, tmp_path: Path) -> None:
    for name in ("b.wav", "a/z.flac", "a/y.WAV", "c.ogg", ".hidden/d.wav", "._c.ogg.wav"):
        write(name, length=100)
    (tmp_path / "notes.txt").write_text("not audio")
    assert [feed.stream for feed in FileSource(str(tmp_path)).feeds()] == [
        "a/y.WAV",
        "a/z.flac",
        "b.wav",
        "c.ogg",
    ]


def test_one_file_is_named_as_it_was_given(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write("sub/a.wav").parent.parent)
    (feed,) = FileSource("./sub/../sub/a.wav").feeds()
    assert feed.stream == "./sub/../sub/a.wav"


@pytest.mark.parametrize("name", ["pcm:rate=8000.wav", "-.wav", "a b,c=d#1.wav", "tcp:x", "grüße 你好.wav"])
def test_no_file_name_is_taken_for_anything_else(write: Write, name: str) -> None:
    assert len(np.concatenate(read(write(name)))) == 16_000


def test_a_name_that_is_not_utf8_gives_a_stream_name_that_is(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.wav"
    try:
        soundfile.write(path, np.zeros(100), 16_000)
    except (OSError, soundfile.SoundFileError):
        pytest.skip("this file system takes UTF-8 names only")
    (feed,) = FileSource(str(tmp_path)).feeds()
    assert feed.stream == "\\xff.wav"
    assert sum(len(chunk.samples) for chunk in feed.chunks) == 100


def test_a_file_is_opened_when_its_chunks_are_asked_for(write: Write) -> None:
    path = write("a.wav")
    (feed,) = FileSource(str(path)).feeds()
    path.unlink()
    with pytest.raises(InputError, match="cannot be opened, got No such file"):
        next(feed.chunks)


def test_text_named_wav_is_called_text(tmp_path: Path) -> None:
    path = tmp_path / "text.wav"
    path.write_text("dear diary\n")
    assert "is not audio that can be read, got text that starts 'dear diary" in refuse(path)


@pytest.mark.parametrize("name", ["bytes.wav", "bytes.raw", "bytes"])
def test_other_bytes_are_shown_in_hex(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(bytes(range(200, 256)) * 20)
    assert "bytes c8 c9 ca" in refuse(path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.flac"
    path.touch()
    assert "is empty, got 0 bytes" in refuse(path)


@pytest.mark.parametrize("suffix", ["wav", "aiff"])
def test_a_file_without_samples_is_refused(write: Write, suffix: str) -> None:
    assert "holds no samples" in refuse(write(f"none.{suffix}", length=0))


@pytest.mark.parametrize("suffix", ["flac", "wav", "mp3", "aiff"])
@pytest.mark.parametrize("kept", [0.4, 0.8])
def test_a_truncated_file_is_reported_after_what_is_left(write: Write, suffix: str, kept: float) -> None:
    path = write(f"cut.{suffix}", length=10 * READ_FRAMES)
    whole = soundfile.read(path, dtype="float32", always_2d=True)[0]
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    (feed,) = FileSource(str(path)).feeds()
    delivered: list[Floats] = []
    message = r"is truncated or damaged, got .* s that can be decoded, expected 40\.96 s"
    with pytest.raises(InputError, match=message):
        delivered.extend(chunk.samples for chunk in feed.chunks)
    got = np.concatenate(delivered)
    assert len(whole) * (kept - 0.15) < len(got) < len(whole)
    np.testing.assert_allclose(got[:-5_000], whole[: len(got) - 5_000], atol=1e-3)


@pytest.mark.parametrize("length", [0x7FFF_FFFF, 0xFFFF_FFFF])
def test_a_wav_whose_writer_could_not_know_the_length_is_whole(write: Write, length: int) -> None:
    path = write("piped.wav")
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = length.to_bytes(4, "little")
    path.write_bytes(data)
    assert len(np.concatenate(read(path))) == 16_000


def test_a_missing_path_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        FileSource(str(tmp_path / "gone.wav"))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read_says_so(write: Write) -> None:
    path = write("secret.wav")
    path.chmod(0)
    assert "Permission denied" in refuse(path)


def test_a_folder_without_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to hear")
    with pytest.raises(InputError, match=r"holds no audio, expected files that end in .*\.flac"):
        list(FileSource(str(tmp_path)).feeds())


def test_one_bad_file_does_not_stop_the_next(write: Write, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("not audio")
    write("b.wav")
    bad, good = FileSource(str(tmp_path)).feeds()
    with pytest.raises(InputError):
        next(bad.chunks)
    assert sum(len(chunk.samples) for chunk in good.chunks) == 16_000
