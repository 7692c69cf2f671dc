"""The F0 contour: the cheapest path through the candidates of all frames of a segment.

States are the six candidates and *unvoiced*. With p the voicing (0.01 to 1) and f the frequency:

* a candidate costs 2 (-ln p + 4 [p < 0.7]) + w(f), where w falls from 1 to 0 over 0–100 Hz and rises
  from 0 to 1 over 350–600 Hz (1.2 above; 2 for an empty place);
* unvoiced costs 8 if any candidate reaches p ≥ 0.7, else nothing;
* from candidate j to candidate i: 10 |r| + 10 |r - r'|, r = ln(f_i / f_j) and r' the same for candidate
  j - 1 (0 for the first); 999 to or from an empty place;
* voiced to unvoiced and back: 10; unvoiced to unvoiced: 1.

The published configuration decides at most 30 frames late; here a whole segment is decided at once.
Reference: Eyben 2016, section 2.2.11.3.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .compiled import compiled
from .frames import Doubles, Ints
from .pitch import CANDIDATES

VOICED = 0.7
STATES = CANDIDATES + 1
JUMP, DRIFT, SWITCH, STAY, EMPTY = 10.0, 10.0, 10.0, 1.0, 999.0


def local_cost(frequency: Floats, voicing: Floats) -> Doubles:
    """(frames, 6) twice → (frames, 7)."""
    cost = np.zeros((len(frequency), STATES))
    p = np.clip(voicing, 0.01, 1)
    range_cost = np.interp(frequency, [0, 100, 350, 600], [1, 0, 0, 1])
    range_cost = np.where(frequency >= 600, 1.2, np.where(frequency <= 0, 2.0, range_cost))
    cost[:, :-1] = 2 * (4 * (p < VOICED) - np.log(p)) + range_cost
    cost[:, -1] = 8 * (voicing >= VOICED).any(axis=1)
    return cost


@compiled
def _cheapest(local: Doubles, log: Doubles, total: Doubles, back: Ints, path: Ints) -> None:
    """Fill ``path`` from local costs (frames, 7) and ln f (frames, 6), 0 where empty; the rest is scratch."""
    frames, unvoiced = path.size, STATES - 1
    for i in range(STATES):
        total[0, i] = local[0, i]
    for t in range(1, frames):
        for i in range(STATES):
            least = 1e30
            before = 0.0
            for j in range(STATES):
                if i == unvoiced or j == unvoiced:
                    step = STAY if i == j else SWITCH
                elif log[t, i] == 0 or log[t - 1, j] == 0:
                    step = EMPTY
                else:
                    ratio = log[t, i] - log[t - 1, j]
                    step = JUMP * abs(ratio) + DRIFT * abs(ratio - before)
                    before = ratio
                if step + total[t - 1, j] < least:
                    least = step + total[t - 1, j]
                    back[t, i] = j
            total[t, i] = least + local[t, i]
    best = 0
    for i in range(STATES):
        if total[frames - 1, i] < total[frames - 1, best]:
            best = i
    for t in range(frames - 1, -1, -1):
        path[t] = best
        best = back[t, best]


def contour(frequency: Floats, voicing: Floats) -> tuple[Floats, Floats]:
    """F0 in Hz, 0 where unvoiced, and the voicing of the chosen, else of the best candidate: (frames,)."""
    local = local_cost(frequency, voicing)
    log = np.log(np.where(frequency > 0, frequency, 1), dtype=np.float64)
    path = np.empty(len(local), np.int64)
    _cheapest(local, log, np.empty_like(local), np.zeros(local.shape, np.int64), path)
    frames = np.arange(len(path))
    voiced = path < CANDIDATES
    place = np.where(voiced, path, 0)
    f0 = np.where(voiced, frequency[frames, place], np.float32(0))
    return f0, voicing[frames, place]
