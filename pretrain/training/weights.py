"""What each row counts for in a training on several corpora: a large one must not drown a small one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
POWER = 0.5  # of a corpus' number of rows: 1 would let the largest rule, 0 the smallest count as much


def row_weights(
    corpora: Sequence[str], labels: Sequence[str], weight: Mapping[str, float] | None = None
) -> Doubles:
    """(n,) weights of mean 1 for rows of these ``corpora`` with these ``labels``.

    All rows of a corpus together count √n times its ``weight`` (1 where none is given), and in it every class
    counts the same.
    """
    names, corpus = np.unique(np.asarray(corpora), return_inverse=True)
    _, label = np.unique(np.asarray(labels), return_inverse=True)
    count = np.zeros((len(names), int(label.max()) + 1))
    np.add.at(count, (corpus, label), 1)
    total = count.sum(axis=1) ** POWER * [(weight or {}).get(str(name), 1.0) for name in names]
    of_class = total / (count > 0).sum(axis=1)
    weights = of_class[corpus] / count[corpus, label]
    return np.asarray(weights / weights.mean(), np.float64)
