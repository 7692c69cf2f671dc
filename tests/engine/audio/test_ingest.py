"""The same audio gives the same samples and the same clock, however it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stimmung.engine.audio.dc import DcBlocker
from stimmung.engine.audio.ingest import Intake, read_audio
from stimmung.engine.errors import InputError
from stimmung.engine.plugin import Feed
from stimmung.engine.types import AudioFrame, Chunk, Floats

RATES = (8_000, 11_025, 16_000, 16_001, 22_050, 44_100, 48_000, 96_000)


def noise(samples: int, channels: int = 1, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (samples, channels)).astype(np.float32)


def tone(rate: int, seconds: float, hz: float) -> Floats:
    time_s = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)[:, None]


def take_in(chunks: Sequence[Chunk], rate: int = 16_000, *, keep_dc: bool = True) -> list[AudioFrame]:
    intake = Intake("s", rate, keep_dc=keep_dc)
    return [frame for chunk in chunks for frame in intake.push(chunk)] + intake.finish()


def cut(samples: Floats, rate: int, sizes: Sequence[int]) -> list[Chunk]:
    edges = [0, *np.cumsum(sizes).tolist()]
    pieces = [samples[a:b] for a, b in pairwise(edges)]
    return [Chunk(piece, rate) for piece in [*pieces, samples[edges[-1] :]]]


def joined(frames: Sequence[AudioFrame]) -> Floats:
    return np.concatenate([np.empty(0, np.float32), *(frame.samples for frame in frames)])


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from(RATES),
    channels=st.sampled_from((1, 2, 8)),
    length=st.integers(0, 9_000),
    sizes=st.lists(st.integers(0, 2_000), max_size=12),
    seed=st.integers(0, 99),
)
def test_any_chunking_gives_bit_identical_samples(
    rate: int, channels: int, length: int, sizes: list[int], seed: int
) -> None:
    samples = noise(length, channels, seed)
    for keep_dc in (True, False):
        whole = joined(take_in([Chunk(samples, rate)], keep_dc=keep_dc))
        np.testing.assert_array_equal(joined(take_in(cut(samples, rate, sizes), keep_dc=keep_dc)), whole)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("chunk_ms", [10, 100])
def test_chunks_of_10_ms_and_100_ms_equal_one_piece(rate: int, chunk_ms: int) -> None:
    samples = noise(rate * 2, 2)
    size = rate * chunk_ms // 1000
    pieces = take_in(cut(samples, rate, [size] * (len(samples) // size)))
    np.testing.assert_array_equal(joined(pieces), joined(take_in([Chunk(samples, rate)])))


def test_the_layout_of_the_array_in_memory_makes_no_difference() -> None:
    samples = noise(4_800, 8)
    column_major = Chunk(np.asfortranarray(samples), 48_000)
    np.testing.assert_array_equal(joined(take_in([column_major])), joined(take_in([Chunk(samples, 48_000)])))


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from(RATES), length=st.integers(0, 5_000), out=st.sampled_from((8_000, 16_000, 22_050))
)
def test_the_length_is_the_duration_rounded_to_the_nearest_sample(rate: int, length: int, out: int) -> None:
    frames = take_in([Chunk(noise(length), rate)], out)
    assert sum(frame.span.length for frame in frames) == (2 * length * out + rate) // (2 * rate)


def test_frames_follow_each_other_without_a_hole() -> None:
    frames = take_in(cut(noise(48_000), 48_000, [1_000] * 48))
    assert frames[0].span.start == 0
    assert all(a.span.stop == b.span.start for a, b in pairwise(frames))
    assert all(frame.span.length == len(frame.samples) for frame in frames)


def test_audio_at_the_pipelines_rate_passes_through_unchanged_where_dc_is_kept() -> None:
    samples = noise(5_000)
    np.testing.assert_array_equal(joined(take_in([Chunk(samples, 16_000)])), samples[:, 0])


def test_frames_are_read_only_and_do_not_share_the_sources_memory() -> None:
    samples = noise(1_600)
    frame = take_in([Chunk(samples, 16_000)])[0]
    assert not frame.samples.flags.writeable
    assert not np.shares_memory(frame.samples, samples)


def test_channels_are_averaged() -> None:
    samples = np.tile(np.float32([0.5, -0.25]), (100, 1))
    np.testing.assert_array_equal(joined(take_in([Chunk(samples, 16_000)])), np.full(100, 0.125, np.float32))


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_keeps_its_pitch_phase_and_level(rate: int) -> None:
    got = joined(take_in([Chunk(tone(rate, 1, 440), rate)]))
    inner = slice(1_600, -1_600)
    np.testing.assert_allclose(got[inner], tone(16_000, 1, 440)[inner, 0], atol=1e-4)


def test_what_lies_above_half_the_rate_does_not_come_back_as_an_alias() -> None:
    got = joined(take_in([Chunk(tone(48_000, 1, 9_000), 48_000)]))
    assert np.abs(got[1_600:-1_600]).max() < 1e-5


def test_eight_channels_at_96_khz_are_mixed_and_resampled() -> None:
    mono = tone(96_000, 0.5, 440)
    got = joined(take_in([Chunk(np.repeat(mono, 8, axis=1), 96_000)]))
    np.testing.assert_allclose(got[1_600:-1_600], tone(16_000, 0.5, 440)[1_600:-1_600, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("rate", "limit_ms"), [(16_000, 0), (44_100, 45), (48_000, 45), (96_000, 45), (8_000, 120)]
)
def test_a_sample_is_known_within_the_documented_delay(rate: int, limit_ms: int) -> None:
    intake, size = Intake("s", 16_000), rate // 100
    known, worst_ms = 0, 0.0
    for heard in range(size, rate * 3, size):
        known += sum(frame.span.length for frame in intake.push(Chunk(np.zeros((size, 1), np.float32), rate)))
        worst_ms = max(worst_ms, (heard / rate - known / 16_000) * 1000)
    assert worst_ms <= limit_ms + 0.2


@pytest.mark.parametrize("native", [8_000, 16_000, 44_100, 48_000])
def test_a_gap_is_a_jump_of_the_clock_by_the_same_time(native: int) -> None:
    start = native * 5 // 2
    frames = take_in([Chunk(noise(native), native), Chunk(noise(native), native, start=start)])
    after = [frame for frame in frames if frame.span.start >= 40_000]
    before = frames[: -len(after)]
    assert (before[0].span.start, before[-1].span.stop) == (0, 16_000)
    assert (after[0].span.start, after[-1].span.stop) == (40_000, 56_000)


@pytest.mark.parametrize("keep_dc", [True, False])
def test_audio_on_either_side_of_a_gap_knows_nothing_of_the_other(keep_dc: bool) -> None:
    first, second = noise(4_410, seed=1) + 0.1, noise(4_410, seed=2)
    frames = take_in([Chunk(first, 44_100), Chunk(second, 44_100, start=441_000)], keep_dc=keep_dc)
    alone = [joined(take_in([Chunk(part, 44_100)], keep_dc=keep_dc)) for part in (first, second)]
    np.testing.assert_array_equal(joined(frames), np.concatenate(alone))


@settings(max_examples=100, deadline=None)
@given(native=st.sampled_from(RATES), hours=st.integers(1, 100), odd=st.integers(0, 1_000))
def test_the_clock_is_exact_after_hours_and_gaps(native: int, hours: int, odd: int) -> None:
    start = native * 3_600 * hours + odd
    frames = take_in([Chunk(noise(100), native), Chunk(noise(native // 10), native, start=start)])
    late = [frame for frame in frames if frame.span.start > 16_000]
    assert late[0].span.start == 16_000 * 3_600 * hours + (2 * odd * 16_000 + native) // (2 * native)
    assert late[-1].span.stop == (2 * (start + native // 10) * 16_000 + native) // (2 * native)


def test_a_source_that_counts_every_chunk_has_no_gaps() -> None:
    samples = noise(48_000)
    counted = [Chunk(samples[at : at + 480], 48_000, start=at) for at in range(0, 48_000, 480)]
    np.testing.assert_array_equal(joined(take_in(counted)), joined(take_in([Chunk(samples, 48_000)])))


def test_no_chunks_and_empty_chunks_give_no_frames() -> None:
    assert take_in([]) == []
    assert take_in([Chunk(noise(0), 48_000), Chunk(noise(0), 48_000)]) == []


def refuse(*chunks: Chunk) -> str:
    with pytest.raises(InputError) as caught:
        take_in(chunks)
    message = str(caught.value)
    assert "\n" not in message
    assert "'s'" in message
    return message


def test_a_chunk_that_overlaps_the_last_is_refused() -> None:
    message = refuse(Chunk(noise(100), 16_000), Chunk(noise(100), 16_000, start=99))
    assert "sample 99" in message
    assert "sample 100 or later" in message


def test_a_rate_that_changes_is_refused() -> None:
    message = refuse(Chunk(noise(16_000), 16_000), Chunk(noise(100), 8_000))
    assert "8000 Hz and 1 channels" in message
    assert "at 1.000 s" in message


def test_a_number_of_channels_that_changes_is_refused() -> None:
    assert "16000 Hz and 2 channels" in refuse(Chunk(noise(100), 16_000), Chunk(noise(100, 2), 16_000))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sample_that_is_no_number_is_named_with_its_place(value: float, channels: int) -> None:
    samples = noise(16_000, channels)
    samples[4_000, -1] = value
    message = refuse(Chunk(noise(16_000, channels), 16_000), Chunk(samples, 16_000))
    assert "at 1.250 s (sample 20000)" in message
    assert str(value) in message


def test_float_audio_over_full_scale_is_accepted_and_kept() -> None:
    samples = np.full((100, 1), 1.5, np.float32)
    assert joined(take_in([Chunk(samples, 16_000)])).max() == np.float32(1.5)


def test_integers_that_were_never_scaled_are_refused_with_the_remedy() -> None:
    assert "divide integer samples by their full scale" in refuse(Chunk(noise(100) * 32_768, 16_000))


@pytest.mark.parametrize("rate", [0, -1, 100, 10_000_000])
def test_a_rate_that_no_speech_has_is_refused(rate: int) -> None:
    assert f"{rate} Hz" in refuse(Chunk(noise(10), rate))


def test_samples_without_a_channel_axis_are_refused() -> None:
    assert "(samples, channels)" in refuse(Chunk(noise(10)[:, 0], 16_000))


def test_read_audio_hears_what_a_pipeline_hears() -> None:
    samples = noise(44_100, 2)
    whole = read_audio(Feed("s", iter(cut(samples, 44_100, [777] * 50))), 16_000)
    np.testing.assert_array_equal(whole, joined(take_in([Chunk(samples, 44_100)], keep_dc=False)))


def test_read_audio_fills_a_gap_with_silence() -> None:
    chunks = [Chunk(noise(100), 16_000), Chunk(noise(100), 16_000, start=300)]
    samples = read_audio(Feed("s", iter(chunks)), 16_000)
    assert len(samples) == 400
    assert not samples[100:300].any()
    assert samples[1:100].all()
    assert samples[301:].all()


@pytest.mark.parametrize("rate", RATES)
def test_dc_is_gone_from_the_first_sample_on_at_any_rate(rate: int) -> None:
    constant = np.full((rate, 1), 0.1, np.float32)
    assert np.abs(joined(take_in([Chunk(constant, rate)], keep_dc=False))).max() < 1e-6


@pytest.mark.parametrize("rate", RATES)
def test_speech_on_dc_is_speech_without_it(rate: int) -> None:
    voice = tone(rate, 2, 120)
    plain, shifted = (joined(take_in([Chunk(one, rate)], keep_dc=False)) for one in (voice, voice + 0.1))
    np.testing.assert_allclose(shifted, plain, atol=1e-6)


def test_a_voice_is_left_as_it_is_once_its_first_tenth_of_a_second_is_over() -> None:
    voice = tone(16_000, 4, 120)
    got = joined(take_in([Chunk(voice, 16_000)], keep_dc=False))
    assert np.abs(got - voice[:, 0])[1_600:].max() < 0.5 * 0.03
    assert np.abs(got - voice[:, 0])[48_000:].max() < 0.5 * 0.01


def test_a_constant_that_sets_in_later_decays_within_a_second() -> None:
    samples = np.zeros((48_000, 1), np.float32)
    samples[16_000:] = 0.1
    got = joined(take_in([Chunk(samples, 16_000)], keep_dc=False))
    assert not got[:16_000].any()
    assert np.abs(got[32_000:]).max() < 2e-4


def test_silence_stays_exactly_zero() -> None:
    assert not joined(take_in([Chunk(np.zeros((8_000, 1), np.float32), 48_000)], keep_dc=False)).any()


def test_dc_decays_as_a_high_pass_of_1_hz_lets_it() -> None:
    samples = np.zeros(32_000, np.float32)
    blocker = DcBlocker(16_000)
    blocker.remove(samples)
    decay = np.exp(-2 * np.pi * np.arange(1, 16_001) / 16_000)
    np.testing.assert_allclose(blocker.remove(samples[:16_000] + 0.5), 0.5 * decay, atol=1e-4)
