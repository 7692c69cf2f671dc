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

from .compiled import compiled, compiled_part
from .frames import Doubles, Ints
from .pitch import CANDIDATES

VOICED = np.float32(0.7)
STATES = CANDIDATES + 1
JUMP, DRIFT, SWITCH, STAY, EMPTY = 10.0, 10.0, 10.0, 1.0, 999.0


@compiled_part()
def _cost(frequency: np.float32, voicing: np.float32, log_voicing: np.float32) -> float:
    """The local cost of a candidate."""
    cost = -2 * float(log_voicing)
    if voicing < VOICED:
        cost += 8.0
    if frequency <= 0:
        cost += 2.0
    elif frequency < 100:
        cost += 1 - float(frequency) / 100
    elif frequency >= 600:
        cost += 1.2
    elif frequency > 350:
        cost += (float(frequency) - 350) / 250
    return cost


@compiled("float32[:,:] float32[:,:] float32[:,:] float64[:,:] float64[:,:] int64[:,:] int64[:]")
def _cheapest(
    frequency: Floats,
    voicing: Floats,
    log_voicing: Floats,
    log: Doubles,
    total: Doubles,
    back: Ints,
    path: Ints,
) -> None:
    """Fill ``path`` from the candidates, their ln p and their ln f, 0 where empty; the rest is scratch."""
    frames, unvoiced = path.size, STATES - 1
    for t in range(frames):
        now, before, here, there = total[t], total[t - 1 if t > 0 else 0], log[t], log[t - 1 if t > 0 else 0]
        loud = 0.0
        for i in range(STATES):
            local = loud
            if i < unvoiced:
                local = _cost(frequency[t, i], voicing[t, i], log_voicing[t, i])
                if voicing[t, i] >= VOICED:
                    loud = 8.0
            least = 0.0 if t == 0 else 1e30
            drift = 0.0
            for j in range(STATES if t > 0 else 0):
                if i == unvoiced or j == unvoiced:
                    step = STAY if i == j else SWITCH
                elif here[i] == 0 or there[j] == 0:
                    step = EMPTY
                else:
                    ratio = here[i] - there[j]
                    step = JUMP * abs(ratio) + DRIFT * abs(ratio - drift)
                    drift = ratio
                if step + before[j] < least:
                    least = step + before[j]
                    back[t, i] = j
            now[i] = least + local
    best = 0
    for i in range(STATES):
        if total[frames - 1, i] < total[frames - 1, best]:
            best = i
    for t in range(frames - 1, -1, -1):
        path[t] = best
        best = back[t, best]


def contour(frequency: Floats, voicing: Floats) -> tuple[Floats, Floats]:
    """F0 in Hz, 0 where unvoiced, and the voicing of the chosen, else of the best candidate: (frames,)."""
    frequency, voicing = np.ascontiguousarray(frequency), np.ascontiguousarray(voicing)
    log_voicing = np.log(np.clip(voicing, np.float32(0.01), np.float32(1)))
    log = np.log(np.where(frequency > 0, frequency, 1), dtype=np.float64)
    frames = len(frequency)
    total, back = np.empty((frames, STATES)), np.zeros((frames, STATES), np.int64)
    path = np.empty(frames, np.int64)
    _cheapest(frequency, voicing, log_voicing, log, total, back, path)
    place = path % CANDIDATES
    row = np.arange(frames)
    f0 = np.where(path < CANDIDATES, frequency[row, place], np.float32(0))
    return f0, voicing[row, place]
