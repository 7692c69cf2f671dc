"""Speech features of the first layers of Whisper's encoder (Radford et al. 2023), by ONNX Runtime.

Its attention sees all it is given, so audio is read in blocks of a fixed length, each by itself: a row of
features is a function of the samples of its block alone, to the last bit, whatever is read beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stimmung.engine.errors import ConfigError
from stimmung.engine.models.cards import open_model
from stimmung.engine.models.weights import holds_no
from stimmung.engine.plugin import FrameExtractor, hookimpl
from stimmung.engine.types import Floats

from .log_mel import HOP, RATE, log_mel

NAME = "whisper_encoder"
FILE = "encoder.onnx"
STRIDE = 2 * HOP  # samples to an output: the second convolution halves the rate of the spectrum
POSITIONS = "positions"  # the key of the file's metadata: outputs a block has at most
BLOCKS_HOP = 16000
SHORTEST = 3200
LEAST = 6400  # samples: shorter blocks are filled with zeros up to here


class WhisperEncoder:
    """Speech → a row a second, the mean output of a block of two seconds → 512 features a segment.

    ``model`` is a shipped model or a folder that ``stimmung convert whisper`` filled. A block of at least
    0.2 s that is shorter than two seconds gives one row. The version ends in the weights' checksum: a
    classifier runs on the very weights it was trained with. Raises ModelError.
    """

    api = 1
    name, rate = NAME, RATE
    hop, shortest = BLOCKS_HOP, SHORTEST

    def __init__(self, model: str = "whisper_base_3") -> None:
        path, card = open_model(model, NAME, FILE)
        self._session = open_session(path)
        metadata = self._session.get_modelmeta().custom_metadata_map
        try:
            self._bands = int(self._session.get_inputs()[0].shape[1])
            self.dim = int(self._session.get_outputs()[0].shape[2])
            self.support = STRIDE * int(metadata[POSITIONS])
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise holds_no("encoder of Whisper", path, error) from error
        self.channels = self.dim
        self.version = f"1+{card.files[FILE][:12]}"

    def describe(self, samples: Floats) -> Floats:
        """(n,) → (rows, channels): row k reads block ``[k * hop, k * hop + support)``.

        One row of all of it when ``shortest`` ≤ n < ``support``, none when n is less.
        """
        if SHORTEST <= len(samples) < self.support:
            return self._row(samples)[np.newaxis]
        starts = range(0, len(samples) - self.support + 1, self.hop)
        rows = [self._row(samples[start : start + self.support]) for start in starts]
        return np.stack(rows) if rows else np.empty((0, self.channels), np.float32)

    def summarise(self, rows: Sequence[Floats]) -> Floats:
        """The mean of each segment's rows, (n, dim)."""
        return np.stack([one.mean(axis=0) for one in rows])

    def _row(self, block: Floats) -> Floats:
        filled = np.pad(block, (0, max(0, LEAST - len(block))))
        mel = log_mel(filled, self._bands)
        outputs = -(-mel.shape[2] // 2)
        heard = min(outputs, -(-len(block) // STRIDE))  # the others saw zeros alone
        pooling = np.zeros((1, 1, outputs), np.float32)
        pooling[..., :heard] = 1 / heard
        # One block a call: results of a batch depend on its size in the last bits.
        row: Floats = self._session.run(None, {"mel": mel, "pooling": pooling})[0][0, 0]
        return row


def open_session(file: Path | bytes) -> Any:
    """The encoder of a file, or of its bytes, to be run by one thread; raises ModelError."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(
            f"extractor '{NAME}' needs ONNX Runtime", got=str(error), remedy="pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    model = file if isinstance(file, bytes) else str(file)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base of their own
        where = Path("bytes") if isinstance(file, bytes) else file
        raise holds_no("encoder of Whisper", where, error) from error


@hookimpl
def stimmung_extractor() -> type[FrameExtractor]:
    """The extractor of this plugin."""
    return WhisperEncoder
