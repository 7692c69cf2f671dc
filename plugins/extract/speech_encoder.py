"""Speech encoders of transformers: the outputs of one layer, their mean ‖ max or mean over the segment.

wav2vec 2.0 (Baevski et al. 2020), HuBERT (Hsu et al. 2021), WavLM (Chen et al. 2022) and the encoder of
Whisper (Radford et al. 2023), by name on the hub or by path. Their attention spans the whole segment, so
a row cannot be described once for all windows: this is the simple contract.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from stimmung.engine.compat import torchaudio
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.plugin import Extractor, hookimpl
from stimmung.engine.types import Floats, Segment

# torch and transformers take seconds to import and are only needed where an encoder runs.
if TYPE_CHECKING:
    from torch import Tensor

NAME = "speech_encoder"
RATE = 16000
SHORTEST = 400  # samples: the receptive field of one output of wav2vec 2.0's convolutions
WHISPER_STRIDE = (
    320  # samples to an output of Whisper's encoder: a hop of 160, halved by its second convolution
)
PROBE = 64  # values of each weight that enter the version


class SpeechEncoder:
    """Segments → the outputs of any layer of the encoder, pooled: twice as wide as one, or as wide.

    ``model``: a name on the hub such as "microsoft/wavlm-base-plus" or "openai/whisper-base", or the path
    of a folder that transformers saved. ``layer``: 0 is what enters the first transformer layer, n the
    output of the n-th; negative ones count from the end. ``pool``: "mean_max" is mean ‖ max, "mean" the mean
    alone. ``offline`` never asks the hub. The version names the layer, the pooling where it is "mean", and a
    digest of the weights, so a classifier trained on others is refused. Segments longer
    than Whisper's 30 s are read in pieces. Raises ModelError when the weights are out of reach, come as
    pickle only, or are no speech encoder's.
    """

    api = 1
    name, rate = NAME, RATE
    example: ClassVar = {"model": "facebook/wav2vec2-base", "offline": True}

    def __init__(
        self,
        model: str,
        layer: int = -1,
        offline: bool = False,
        pool: Literal["mean_max", "mean"] = "mean_max",
    ) -> None:
        self._encoder, self._prepare = load(model, offline)
        self._whisper = self._encoder.config.model_type == "whisper"
        layers = 1 + _layers(self._encoder.config)
        if not -layers <= layer < layers:
            raise ConfigError(
                f"option 'layer' of plugin '{NAME}'", got=str(layer), expected=f"{-layers} to {layers - 1}"
            )
        self._layer = layer % layers
        self._with_max = pool == "mean_max"
        self.dim = (1 + self._with_max) * int(self._encoder.config.hidden_size)
        pooled = "" if self._with_max else "-mean"
        self.version = f"1-layer{self._layer}{pooled}-{digest(self._encoder)}"

    def extract(self, segments: Sequence[Segment]) -> Floats:
        """Segments → (n, dim); each is normalised and read by itself."""
        return np.stack([self._pooled(segment.samples) for segment in segments])

    def rows(self, samples: Floats) -> Floats:
        """Samples (n,) at 16 kHz → the layer's outputs, (rows, width); a row every 20 ms."""
        import torch

        with torch.inference_mode():
            pieces = [self._read(piece) for piece in self._pieces(samples)]
            return np.asarray(torch.cat(pieces).numpy(), np.float32)

    def _pooled(self, samples: Floats) -> Floats:
        rows = self.rows(samples)
        parts = [rows.mean(axis=0), rows.max(axis=0)] if self._with_max else [rows.mean(axis=0)]
        return np.concatenate(parts)

    def _pieces(self, samples: Floats) -> Sequence[Floats]:
        if len(samples) < SHORTEST:
            samples = np.pad(samples, (0, SHORTEST - len(samples)))
        if not self._whisper:
            return [samples]
        longest = int(self._prepare.n_samples)
        return [samples[start : start + longest] for start in range(0, len(samples), longest)]

    def _read(self, samples: Floats) -> Tensor:
        inputs = self._prepare(np.array(samples), sampling_rate=RATE, return_tensors="pt")
        outputs = self._encoder(**inputs, output_hidden_states=True)
        hidden: Tensor = outputs.hidden_states[self._layer][0]
        # Whisper pads to 30 s: only the outputs that saw speech count.
        return hidden[: max(1, len(samples) // WHISPER_STRIDE)] if self._whisper else hidden


def load(model: str, offline: bool) -> tuple[Any, Any]:
    """The encoder, ready to infer, and what prepares samples for it; raises ModelError."""
    try:
        torchaudio.install()
        transformers: Any = import_module("transformers")
    except ImportError as error:
        raise ConfigError(
            f"extractor '{NAME}' needs transformers and torch",
            got=str(error),
            remedy="pip install 'stimmung[deep]'",
        ) from error
    try:
        config = transformers.AutoConfig.from_pretrained(model, local_files_only=offline)
        prepare = transformers.AutoFeatureExtractor.from_pretrained(model, local_files_only=offline)
        whole = transformers.AutoModel.from_pretrained(
            model, config=config, local_files_only=offline, use_safetensors=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"extractor '{NAME}' cannot open the speech encoder '{model}'",
            got=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
            expected="its name on the hub, or a folder with its config and weights as safetensors",
            remedy="check the name, and the network where offline is not set",
        ) from error
    if _layers(config) < 1 or getattr(prepare, "sampling_rate", None) != RATE:
        raise ModelError(
            f"'{model}' is no speech encoder at {RATE} Hz",
            got=config.model_type,
            expected="wav2vec2, hubert, wavlm, whisper or another of their kind",
        )
    encoder = whole.get_encoder() if config.model_type == "whisper" else whole
    return encoder.eval(), prepare


def digest(encoder: Any) -> str:
    """Eight digits that differ between encoders of different weights: from the first values of each."""
    seen = hashlib.sha256()
    for name, weight in sorted(encoder.state_dict().items()):
        seen.update(name.encode())
        seen.update(weight.flatten()[:PROBE].float().numpy().astype("<f4").tobytes())
    return seen.hexdigest()[:8]


def _layers(config: Any) -> int:
    return int(getattr(config, "encoder_layers", 0) or getattr(config, "num_hidden_layers", 0))


@hookimpl
def stimmung_extractor() -> type[Extractor]:
    """The extractor of this plugin."""
    return SpeechEncoder
