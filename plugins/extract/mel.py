"""Triangular filters, of which every mel filter bank is made."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def triangles(bins: Doubles, corners: Doubles) -> Doubles:
    """The weight of every bin of a spectrum in every band: a triangle of height 1.

    Parameters
    ----------
    bins : (bins,)
        Frequencies of the bins, on the scale on which the sides of the triangles are straight: Hz or mel.
    corners : (bands + 2,)
        On the same scale, ascending: band b rises from corner b to b + 1 and falls to b + 2.

    Returns
    -------
    (bins, bands)
    """
    position, width = bins[:, np.newaxis], np.diff(corners)
    rising = (position - corners[:-2]) / width[:-1]
    falling = (corners[2:] - position) / width[1:]
    return np.maximum(0.0, np.minimum(rising, falling))
