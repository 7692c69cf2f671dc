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

from .frames import Ints
from .pitch import CANDIDATES

VOICED = 0.7
STATES = CANDIDATES + 1
JUMP, DRIFT, SWITCH, STAY, EMPTY = 10.0, 10.0, 10.0, 1.0, 999.0


def local_cost(frequency: Floats, voicing: Floats) -> Floats:
    """(frames, 6) twice → (frames, 7)."""
    cost = np.zeros((len(frequency), STATES), np.float32)
    p = np.clip(voicing, 0.01, 1)
    range_cost = np.interp(frequency, [0, 100, 350, 600], [1, 0, 0, 1])
    range_cost = np.where(frequency >= 600, 1.2, np.where(frequency <= 0, 2.0, range_cost))
    cost[:, :-1] = 2 * (4 * (p < VOICED) - np.log(p)) + range_cost
    cost[:, -1] = 8 * (voicing >= VOICED).any(axis=1)
    return cost


def transition_cost(frequency: Floats) -> Floats:
    """From state j of frame t to state i of frame t + 1: (frames - 1, i, j)."""
    cost = np.full((len(frequency) - 1, STATES, STATES), SWITCH, np.float32)
    cost[:, -1, -1] = STAY
    empty = frequency <= 0
    log = np.log(np.where(empty, 1, frequency))
    ratio = log[1:, :, None] - log[:-1, None, :]
    change = np.abs(np.diff(log[:-1, None, :], axis=2))
    voiced = JUMP * np.abs(ratio)
    voiced[:, :, 0] *= 1 + DRIFT / JUMP
    voiced[:, :, 1:] += DRIFT * change
    cost[:, :-1, :-1] = np.where(empty[1:, :, None] | empty[:-1, None, :], EMPTY, voiced)
    return cost


def decode(frequency: Floats, voicing: Floats) -> Ints:
    """The state of every frame on the cheapest path, (frames,); CANDIDATES means unvoiced."""
    local, step = local_cost(frequency, voicing), transition_cost(frequency)
    total = local[0]
    back = np.empty((len(step), STATES), np.int64)
    for t in range(len(step)):
        into = step[t] + total
        back[t] = into.argmin(axis=1)
        total = into.min(axis=1) + local[t + 1]
    path = np.empty(len(frequency), np.int64)
    path[-1] = total.argmin()
    for t in range(len(step) - 1, -1, -1):
        path[t] = back[t, path[t + 1]]
    return path


def contour(frequency: Floats, voicing: Floats) -> tuple[Floats, Floats]:
    """F0 in Hz, 0 where unvoiced, and the voicing of the chosen (else of the best) candidate; (frames,) each."""
    path = decode(frequency, voicing)
    frames = np.arange(len(path))
    voiced = path < CANDIDATES
    place = np.where(voiced, path, 0)
    f0 = np.where(voiced, frequency[frames, place], np.float32(0))
    return f0, voicing[frames, place]
