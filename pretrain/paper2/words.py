"""What the second paper's page says beside its figures."""

from __future__ import annotations

INTRODUCTION = """\
# Joint Representation: figures

Written by `stimmung report paper2`; do not edit. The systems are those of Luo, Zou and Huang 2018, *Joint
Representation Learning for Robust Feature Extraction in Speech Emotion Recognition*. Its corpora are
licensed, ours can be had by anybody, so figures stand beside each other to be read, not to be ranked. UA
is unweighted average recall and WA accuracy of whole recordings in %, each tested by a network that never
heard the speaker, in brackets the 95 % interval of a bootstrap of whole speakers over all seeds; ECE is
the expected calibration error.

"""
ORDER = """\
"""
HOW = """\
## How it was measured

- EmoDB: four emotions of ten speakers, one speaker left out at a time. RAVDESS: eight emotions of 24
  actors, the six speaker-disjoint folds published with EmoBox.
- Seeds decide the networks' first weights, the order of recordings, dropout, masks, and which two
  training speakers watch. The linear machine has one optimum, so one seed says all.
- Within a fold nothing is chosen by its test speakers: two of the training speakers decide when to stop
  and calibrate, then the network is trained on all of the training speakers for as long.
- The recipes' other settings (units, rate, dropout, masks, rank of the functionals) were found on EmoDB
  while its test figures were in view, so EmoDB's figures flatter HSF-CRNN somewhat. None was chosen on
  RAVDESS: it runs EmoDB's recipes with its own labels. Any choice from now on is made on inner
  development speakers.
- Networks are trained on whole recordings and windows of 1, 2 and 3 s, the linear machine too on EmoDB,
  on whole recordings alone on RAVDESS. Windows are cut every half length; a recording that is shorter
  than a window is heard whole. “After the vote” is what is believed when a recording ends: the majority
  of the windows in the last {vote_s:g} s.
- “stream”: functionals normalised by what has been heard of the speaker before, each speaker's recordings
  in five random orders, averaged.
- Functionals are kept on disk by what decides them, so a second seed or system extracts none; masked
  spectra are drawn anew in every epoch and never stored. Each fold's result is kept when it is there: the
  same command goes on after an interruption.
"""
