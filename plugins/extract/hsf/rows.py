"""What one descriptor row holds, and how a segment's rows become contours again.

A row sees 960 samples and holds, in this order:

* 26 log mel bands, RMS energy and 15 spectral descriptors of each of the five 20 ms frames inside it;
* zero-crossing rate and Gauss-weighted RMS of the 60 ms;
* six pitch candidates in Hz, and their voicing;
* its first 160 samples, in which the segment's pitch periods are sought.

Everything that looks at neighbouring frames happens afterwards, on the rows of one segment.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from . import auditory, cepstrum, contours, energy, names, pitch, spectrum, viterbi, voice_quality
from .frames import HOP, LONG, LOOKAHEAD, SHORT, slide

SHORT_CHANNELS = auditory.BANDS + 1 + 15
FLUX = auditory.BANDS + 1 + 6
SHORT_BLOCK = SHORT_CHANNELS * (LOOKAHEAD + 1)
EDGES = np.cumsum([SHORT_BLOCK, 2, pitch.CANDIDATES, pitch.CANDIDATES, HOP])
CHANNELS = int(EDGES[-1])
SILENCE_RMS = 0.001
TILE = 128


def describe(samples: Floats) -> Floats:
    """(n,) → (rows, CHANNELS): row k is a function of ``samples[160 k : 160 k + 960]`` alone."""
    rows = np.empty((max((samples.size - LONG) // HOP + 1, 0), CHANNELS), np.float32)
    for first in range(0, len(rows), TILE):
        tile = rows[first : first + TILE]
        _fill(tile, samples[first * HOP : (first + len(tile) - 1) * HOP + LONG])
    return rows


def _fill(rows: Floats, samples: Floats) -> None:
    block, frame, frequency, voicing, wave = np.split(rows, EDGES[:-1], axis=1)
    long = slide(samples, LONG)
    short = _short_frames(samples)
    for ahead in range(LOOKAHEAD + 1):
        here = slice(ahead * SHORT_CHANNELS, (ahead + 1) * SHORT_CHANNELS)
        block[:, here] = short[ahead : ahead + len(rows)]
    block[:, FLUX - SHORT_CHANNELS] = 0
    crossed = np.append(0, np.cumsum(energy.crossings(samples)))
    start = np.arange(len(rows)) * HOP
    frame[:, 0] = (crossed[start + LONG - 2] - crossed[start]) / LONG
    windowed = long * pitch.WINDOW
    frame[:, 1] = energy.rms(windowed)
    frequency[:], voicing[:] = pitch.candidates(pitch.magnitude(windowed))
    wave[:] = long[:, :HOP]


def _short_frames(samples: Floats) -> Floats:
    frames = slide(samples, SHORT)
    magnitude = spectrum.magnitude(frames)
    return np.concatenate(
        [auditory.log_bands(magnitude), energy.rms(frames)[:, None], spectrum.descriptors(magnitude)], 1
    )


def _voiced(rows: Floats) -> Floats:
    """F0, voicing, jitter local and DDP, shimmer, log HNR before smoothing: (6, rows)."""
    _, frame, frequency, voicing, wave = np.split(rows, EDGES[:-1], axis=1)
    f0, voice = viterbi.contour(frequency, voicing)
    loud = frame[:, 1] > SILENCE_RMS
    f0, voice = f0 * loud, voice * loud
    return np.stack([f0, voice, *voice_quality.contours(f0, np.array(wave).reshape(-1))])


def _short(rows: Floats) -> Floats:
    """All short frames of the segment, four more than rows, (channels, frames); flux in its own frame."""
    short = np.empty((SHORT_CHANNELS, len(rows) + LOOKAHEAD), np.float32)
    short[:, : len(rows)] = rows[:, :SHORT_CHANNELS].T
    short[:, len(rows) :] = rows[-1, SHORT_CHANNELS:SHORT_BLOCK].reshape(LOOKAHEAD, SHORT_CHANNELS).T
    short[FLUX, 1:], short[FLUX, 0] = short[FLUX, :-1].copy(), 0
    return short


def assemble(rows: Floats) -> contours.Contours:
    """The contours of one segment, from its rows."""
    bands, rms, spectral = np.split(_short(rows), [auditory.BANDS, auditory.BANDS + 1])
    level = auditory.relative(bands)
    plain, filtered = auditory.loudness(level), auditory.loudness(auditory.rasta(level))
    raw = np.empty((len(names.ENERGY + names.SPECTRAL), bands.shape[1]), np.float32)
    np.mean(plain, axis=0, out=raw[0])
    np.mean(filtered, axis=0, out=raw[1])
    raw[2] = rms
    raw[3, : len(rows)], raw[3, len(rows) :] = rows[:, SHORT_BLOCK], rows[-1, SHORT_BLOCK]
    raw[4:] = np.concatenate([filtered, spectral, cepstrum.mfcc(bands)])
    voiced, dense, count = contours.smooth_voiced(_voiced(rows))
    return contours.Contours(len(rows), contours.smooth_with_delta(raw), voiced, dense, count)
