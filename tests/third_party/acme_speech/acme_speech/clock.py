"""A transcriber and a detector that do the one wrong thing they are told to do, when they are told."""

import os
import signal
import threading

import numpy as np
from stimmung.engine.errors import InputError
from stimmung.engine.plugin import hookimpl
from stimmung.engine.types import Sentence, Word, Words

RATE = 16000
HOARD = []


def act(fault: str) -> None:
    if fault == "raise":
        raise RuntimeError("out of order")
    if fault == "hang":
        threading.Event().wait()
    if fault == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "leak":
        HOARD.append(np.ones(100 << 17))
    if fault == "unfit":
        raise InputError("the transcript is torn")


class Clock:
    """Says a sentence at the end of every second, with one more exclamation mark for each it has heard."""

    name, rate = "acme-clock", RATE

    def __init__(self, origin, fault: str = "none", seconds: list[int] = ()):
        if fault == "refuse" and origin is None:
            raise InputError("no recording to hear")
        self.fault, self.seconds, self.heard, self.said = fault, seconds, 0, []

    def hear(self, start, samples):
        second, stop = start // RATE, start + len(samples)
        if second in self.seconds:
            act(self.fault)
        self.heard += 1
        self.said = [Word(start, stop, f"{second}", 0.5)]
        return [Sentence(start, stop, f"this is second {second}" + "!" * (self.heard % 4))]

    def finish(self):
        return []

    def words(self):
        said, self.said = tuple(self.said), []
        return Words(said, (), said[-1].stop if said else 0)


class Ear:
    """Hears speech in every second second of what it has heard."""

    name, rate, hop = "acme-clock", RATE, RATE // 10

    def __init__(self, fault: str = "none", blocks: list[int] = ()):
        self.fault, self.blocks, self.hops, self.asked = fault, blocks, 0, 0

    def detect(self, samples):
        self.asked += 1
        if self.asked - 1 in self.blocks:
            act(self.fault)
        hops = self.hops + np.arange(len(samples) // self.hop)
        self.hops += len(hops)
        return hops // 10 % 2 == 0


@hookimpl
def stimmung_transcriber():
    return Clock


@hookimpl
def stimmung_detector():
    return Ear
