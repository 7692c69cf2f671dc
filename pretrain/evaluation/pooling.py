"""One answer for each recording that has several rows, such as one for each of its turns."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..features.extraction import FeatureTable

Numbers = TypeVar("Numbers", np.float32, np.float64)


def pooled(rows: FeatureTable, values: npt.NDArray[Numbers]) -> tuple[FeatureTable, npt.NDArray[Numbers]]:
    """Rows without features, of which each recording has one for the whole, and the mean values of each.

    ``values`` is (…, n, k), such as probabilities: those of a recording's rows are averaged, each weighted by
    its seconds of speech, or equally where these are unknown. Windows stay as they are.
    """
    whole = np.flatnonzero(rows.whole)
    _, first, group = np.unique(rows.item[whole], return_index=True, return_inverse=True)
    if len(first) == len(whole):
        return replace(rows, features=[], copies=()), values
    group_of = np.arange(len(rows.item))
    group_of[whole] = whole[first][group]
    speech_s = rows.speech_s if len(rows.speech_s) else np.ones(len(rows.item))
    weight = np.where(speech_s > 0, speech_s, 1e-6)
    total = np.bincount(group_of, weight, len(weight)).astype(np.float64)
    sums = np.zeros_like(values, np.float64)
    np.add.at(np.moveaxis(sums, -2, 0), group_of, np.moveaxis(values * weight[:, np.newaxis], -2, 0))
    kept = np.unique(group_of)
    spoken = replace(rows, speech_s=total, features=[], copies=()).among(
        np.isin(np.arange(len(weight)), kept)
    )
    return spoken, (sums[..., kept, :] / total[kept, np.newaxis]).astype(values.dtype)
