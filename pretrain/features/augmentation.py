"""Conditions of recording and transmission: each function takes samples and returns as many.

Samples are (n,) of full scale 1 at ``rate`` Hz; what is random comes from ``random``, so the same generator
gives the same samples. Codecs are those of libsndfile: their samples depend on its version, as decoding does.
"""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy import signal
from stimmung.engine.types import Floats

Doubles = npt.NDArray[np.float64]
Kind = Literal["white", "coloured", "hum"]
Codec = Literal["opus", "mp3"]
FAINTEST = 1e-9  # what counts as silence, full scale 1
FRAME_S = 0.02
ACTIVE_DB = 30.0  # below the loudest frame: what is quieter is a pause
MU = 255  # of G.711
OPUS_KBIT_S = (6.0, 256.0)  # libsndfile's range of compression levels, from 1 to 0
MP3_KBIT_S = (8.0, 160.0)  # the same for MPEG-2, 16 to 24 kHz
MP3_DELAY = 576 + 529  # samples: LAME's encoder and the decoder's filter bank


def active_rms(samples: Floats, rate: int) -> float:
    """The root mean square of what is not a pause: frames of 20 ms within 30 dB of the loudest one.

    After the active speech level of ITU-T P.56 (2011), with a margin below the loudest frame for its
    threshold.
    """
    size = max(1, round(FRAME_S * rate))
    count = max(1, len(samples) // size)
    power = [float(np.mean(np.square(part, dtype=np.float64))) for part in np.array_split(samples, count)]
    active = [one for one in power if one >= max(power) * 10 ** (-ACTIVE_DB / 10)]
    return max(float(np.sqrt(np.mean(active))), FAINTEST)


def reverberate(
    samples: Floats, rate: int, random: np.random.Generator, *, rt60_s: float, direct_db: float
) -> Floats:
    """A room whose sound decays by 60 dB in ``rt60_s``, the direct sound ``direct_db`` above all the rest.

    The impulse response is white noise that decays exponentially: the statistical model of late reverberation
    of Polack, "La transmission de l'énergie sonore dans les salles" (1988).
    """
    length = max(2, round(rt60_s * rate))
    response = random.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    response[0] = 0
    response *= 10 ** (-direct_db / 20) / np.sqrt(np.sum(response**2))
    response[0] = 1
    return _float(signal.fftconvolve(samples, response)[: len(samples)])


def add(samples: Floats, other: Doubles | Floats, rate: int, *, snr_db: float) -> Floats:
    """The samples and another sound of that length, so loud that the speech is ``snr_db`` above it."""
    rms = float(np.sqrt(np.mean(np.square(other, dtype=np.float64))))
    level = active_rms(samples, rate) * 10 ** (-snr_db / 20)
    return _float(samples + np.asarray(other, np.float64) * (level / max(rms, FAINTEST)))


def noise(length: int, rate: int, random: np.random.Generator, kind: Kind) -> Doubles:
    """(length,) noise: white; coloured, by a pole between 0.7 and 0.97; or hum of the mains, 7 partials."""
    if kind == "hum":
        mains_hz = random.choice([50.0, 60.0])
        turns = mains_hz * np.arange(length) / rate
        partials = [np.sin(2 * np.pi * (n * turns + random.uniform())) / n for n in range(1, 8)]
        return np.asarray(np.sum(partials, axis=0), np.float64)
    white = random.standard_normal(length)
    if kind == "white":
        return white
    return np.asarray(signal.lfilter([1.0], [1.0, -random.uniform(0.7, 0.97)], white), np.float64)


def telephone(samples: Floats, rate: int, *, low_hz: float = 300.0, high_hz: float = 3400.0) -> Floats:
    """A telephone line: its band by a Butterworth filter of order 4, then μ-law with 8 bits.

    The band is that of ITU-T G.712, the companding the continuous curve of G.711 with 255 steps. The
    loudest sample uses the full range.
    """
    band = signal.butter(4, [low_hz, high_hz], "bandpass", fs=rate, output="sos")
    heard = signal.sosfilt(band, samples)
    peak = max(float(np.abs(heard).max(initial=0)), FAINTEST)
    compressed = np.log1p(MU * np.abs(heard) / peak) / np.log1p(MU)
    steps = np.round(compressed * 127) / 127
    return _float(np.sign(heard) * np.expm1(steps * np.log1p(MU)) / MU * peak)


def coded(samples: Floats, rate: int, codec: Codec, *, kbit_s: float) -> Floats:
    """Encoded at about ``kbit_s`` and decoded again, the codec's delay taken out.

    Opus (RFC 6716) in Ogg, or MPEG layer III by LAME; the nearest rate that the codec knows.
    """
    low, high = OPUS_KBIT_S if codec == "opus" else MP3_KBIT_S
    compression = float(np.clip((high - kbit_s) / (high - low), 0.0, 0.999))
    file = io.BytesIO()
    audible = np.clip(samples, -1, 1)
    if codec == "opus":
        soundfile.write(file, audible, rate, format="OGG", subtype="OPUS", compression_level=compression)
    else:
        padded = np.pad(audible, (0, MP3_DELAY))
        soundfile.write(
            file,
            padded,
            rate,
            format="MP3",
            subtype="MPEG_LAYER_III",
            compression_level=compression,
            bitrate_mode="CONSTANT",
        )
    file.seek(0)
    decoded, decoded_rate = soundfile.read(file, dtype="float32")
    if decoded_rate != rate:
        decoded = soxr.resample(decoded, decoded_rate, rate)
    heard = decoded if codec == "opus" else decoded[MP3_DELAY:]
    return _float(np.pad(heard[: len(samples)], (0, max(0, len(samples) - len(heard)))))


def tilt(samples: Floats, slope: float) -> Floats:
    """The spectrum tilted: brighter for a negative ``slope``, darker for a positive one, between -1 and 1.

    One zero, normalised to the gain 1 at low frequencies for positive and at high ones for negative slopes.
    """
    return _float(signal.lfilter([1.0, slope], [1.0 + abs(slope)], samples))


def scale(samples: Floats, level_db: float) -> Floats:
    """Louder by ``level_db``."""
    return _float(samples * 10 ** (level_db / 20))


def offset(samples: Floats, level: float) -> Floats:
    """A constant added."""
    return _float(samples + level)


def in_room(
    samples: Floats,
    rate: int,
    random: np.random.Generator,
    *,
    before_s: float,
    after_s: float,
    noise_db: float,
) -> Floats:
    """A recording between pauses, with room noise of ``noise_db`` (dB below full scale) throughout.

    The noise is white, averaged over four samples. The only function whose result is longer.
    """
    before, after = round(before_s * rate), round(after_s * rate)
    room = np.convolve(random.standard_normal(before + len(samples) + after + 3), np.full(4, 0.25), "valid")
    room *= 10 ** (noise_db / 20) / max(float(room.std()), FAINTEST)
    room[before : before + len(samples)] += samples
    return _float(room)


def _float(samples: npt.NDArray[np.floating]) -> Floats:
    return np.ascontiguousarray(samples, np.float32)
