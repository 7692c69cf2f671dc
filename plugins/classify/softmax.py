"""Layers of sigmoids and a softmax over one extractor's features: the head of a plain system.

Joint Representation (Luo et al. 2018), section 3.1: 128 and 32 units over the CRNN; section 3.3: 128 over
both scales of the multi-CRNN. It is ``fusion_mlp`` with one branch, under a name of its own.
"""

from __future__ import annotations

from stimmung.engine.plugin import Classifier, hookimpl

from .fusion_mlp import Head

NAME = "softmax"
FILE = "softmax.safetensors"


class Softmax(Head):
    """The classifier of a model folder that ``stimmung train`` filled; raises ModelError."""

    name = NAME
    file = FILE


@hookimpl
def stimmung_classifier() -> type[Classifier]:
    """The classifier of this plugin."""
    return Softmax
