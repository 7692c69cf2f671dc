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
Joint learning over the functionals gains most, as in the paper. Whether it gains anything beyond a linear
machine over the same functionals, “HSF + SVM → HSF-CRNN”, so few speakers cannot tell where p is large.
The two scales of the multi-CRNN see the same spectra, of which some hundred recordings of nine speakers
may have little more to give to a second network.

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
  while its test figures were in view, so EmoDB's figures flatter HSF-CRNN somewhat. On RAVDESS that recipe
  came to 42 % on the test actors of the first fold, whose training was ended there. Its settings for RAVDESS
  (`ravdess_hsf_crnn.toml`: no windows, one layer over more functionals, more decay and dropout) were then
  chosen among thirteen by five of the twenty training actors of the first fold, trained on the other
  fifteen. The other networks run EmoDB's recipes on RAVDESS, without windows.
- Recordings of RAVDESS begin and end with a second of silence. All systems hear them from 0.1 s before the
  first speech to 0.1 s after the last (`trim_s`), by the detector `webrtc`. The systems of functionals are
  also trained on copies at 0.9 and 1.1 times the speed (`speeds`), and tested on none. Both were chosen by
  the twenty training actors of the first fold, each of four groups of them tested by a model of the other
  three (`stimmung evaluate RECIPE --corpus CSV --protocol groups:4`, the CSV listing their recordings). UA
  in % there:

  | trained on | HSF + SVM | HSF-CRNN |
  |---|---|---|
  | recordings | 58.3 | 57.3 |
  | and copies | 60.6 | 58.1 |
  | and copies, `whole = 0.34`, `epochs = 40` | – | 59.6 |
  | the same, trimmed | 63.8 | 60.9 |

  On these 1200 recordings nothing else helped HSF-CRNN by more than chance may: more directions (59.4), and
  those at half the rate for longer (58.9), the whole fall of the rate within 20 epochs (59.0), other sizes of
  branches (61.3), windows of 1 s (57.6). Copies and twice as many epochs at a quarter of the rate take the
  plain CRNN there from 33.1 to 38.4, at three times the cost; its figures here are without.
- All of these actors are tested in the other folds, by networks that never heard them but with settings that
  they helped to choose. The four of the first fold helped to choose none, so their own figure stands below
  the table of RAVDESS; that another recipe was wanted at all, their 42 % had said.
- On EmoDB networks and the linear machine are trained on whole recordings and on windows of 1, 2 and 3 s, on
  RAVDESS on whole recordings alone, so its windows are beyond what the systems were made for. Windows are
  cut every half length; a recording that is shorter than a window is heard whole. “After the vote” is what
  is believed when a recording ends: the majority of the windows in the last {vote_s:g} s.
- “stream”: functionals normalised by what has been heard of the speaker before, each speaker's recordings
  in five random orders, averaged. How much the population counts was set with the test figures in view;
  [Normalising](normalising.md) says what comes of choosing it by training speakers alone.
- Functionals are kept on disk by what decides them, so a second seed or system extracts none; masked
  spectra are drawn anew in every epoch and never stored. Each fold's result is kept when it is there: the
  same command goes on after an interruption.
"""
