"""An extractor that does the one wrong thing it is told to do, on segments louder than a limit."""

import os
import signal
import threading

import numpy as np
from stimmung.engine.plugin import hookimpl

HOARD = []


class Faulty:
    name, version, rate, dim = "acme-faulty", "1", 16000, 2

    def __init__(self, fault: str = "none", above: float = 0.5):
        self.fault, self.above = fault, above
        if fault == "build":
            raise RuntimeError("no licence found")

    def extract(self, segments):
        (segment,) = segments
        values = np.zeros((1, 2), np.float32)
        if np.abs(segment.samples).max(initial=0.0) <= self.above:
            return values
        if self.fault == "raise":
            raise ValueError("too loud for me")
        if self.fault == "nan":
            return values * np.nan
        if self.fault == "shape":
            return values[:, :1]
        if self.fault == "list":
            return [[0.0, 0.0]]
        if self.fault == "write":
            segment.samples[:] = 0
        if self.fault == "hang":
            threading.Event().wait()
        if self.fault == "leak":
            HOARD.append(np.ones(100 << 17))
        if self.fault == "print":
            print("noise " * 1000)
        if self.fault == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return values


@hookimpl
def stimmung_extractor():
    return Faulty
