"""The names of the 65 contours and of the 6373 functionals, in the published order.

A feature is called ``<contour>_sma[_de][band]_<functional>``.
"""

from __future__ import annotations

VOICED = ("F0final", "voicingFinalUnclipped", "jitterLocal", "jitterDDP", "shimmerLocal", "logHNR")
ENERGY = ("audspec_lengthL1norm", "audspecRasta_lengthL1norm", "pcm_RMSenergy", "pcm_zcr")
SPECTRAL = (
    *(f"audSpec_Rfilt[{band}]" for band in range(26)),
    *(f"pcm_fftMag_fband{band}" for band in ("250-650", "1000-4000")),
    *(f"pcm_fftMag_spectralRollOff{share}.0" for share in (25, 50, 75, 90)),
    *(
        f"pcm_fftMag_{name}"
        for name in (
            "spectralFlux",
            "spectralCentroid",
            "spectralEntropy",
            "spectralVariance",
            "spectralSkewness",
            "spectralKurtosis",
            "spectralSlope",
            "psySharpness",
            "spectralHarmonicity",
        )
    ),
    *(f"mfcc[{coefficient}]" for coefficient in range(1, 15)),
)

PERCENTILES = (
    "quartile1",
    "quartile2",
    "quartile3",
    "iqr1-2",
    "iqr2-3",
    "iqr1-3",
    "percentile1.0",
    "percentile99.0",
    "pctlrange0-1",
)
EXTREMES = ("range", "maxPos", "minPos")
MOMENTS = ("stddev", "skewness", "kurtosis")
SEGMENTS = ("meanSegLen", "maxSegLen", "minSegLen", "segLenStddev")
TIMES = (*(f"upleveltime{level}" for level in (25, 50, 75, 90)), "risetime", "leftctime")
PREDICTION = ("lpgain", *(f"lpc{i}" for i in range(5)))
REGRESSION = ("linregc1", "linregc2", "linregerrQ", "qregc1", "qregc2", "qregc3", "qregerrQ", "centroid")
PEAKS = (
    "meanPeakDist",
    "peakDistStddev",
    "peakRangeAbs",
    "peakRangeRel",
    "peakMeanAbs",
    "peakMeanMeanDist",
    "peakMeanRel",
    "minRangeRel",
    "meanRisingSlope",
    "stddevRisingSlope",
    "meanFallingSlope",
    "stddevFallingSlope",
)

SHAPE = (*EXTREMES, *PERCENTILES, *MOMENTS, *SEGMENTS, *TIMES, *PREDICTION)
VOICED_SET = (
    *("amean", "flatness", "posamean", "rqmean"),
    *EXTREMES,
    *REGRESSION,
    *PERCENTILES,
    *MOMENTS,
    *TIMES,
    *PREDICTION,
)
F0_SET = ("nnz", *SEGMENTS)
LEVEL_SET = ("amean", "flatness", "rqmean", *PEAKS, *REGRESSION)
DELTA_SET = ("flatness", "posamean", "rqmean", *PEAKS)


def contour_names(names: tuple[str, ...], suffix: str) -> list[str]:
    """``mfcc[1]`` with suffix ``_sma`` is ``mfcc_sma[1]``."""
    split = [name.partition("[") for name in names]
    return [f"{stem}{suffix}{bracket}{band}" for stem, bracket, band in split]


def feature_names() -> list[str]:
    """All 6373, in order."""
    smooth, delta = "_sma", "_sma_de"
    blocks = [
        (contour_names(ENERGY, smooth) + contour_names(ENERGY, delta), SHAPE),
        (contour_names(SPECTRAL, smooth) + contour_names(SPECTRAL, delta), SHAPE),
        (contour_names(VOICED, smooth) + contour_names(VOICED, delta), VOICED_SET),
        ([contour_names(VOICED[:1], smooth)[0] + "_ff0"], F0_SET),
        (contour_names(ENERGY + SPECTRAL, smooth), LEVEL_SET),
        (contour_names(ENERGY + SPECTRAL, delta), DELTA_SET),
    ]
    return [
        f"{contour}_{functional}"
        for contours, functionals in blocks
        for contour in contours
        for functional in functionals
    ]
