"""Any speech encoder of transformers is an extractor; tried on small ones of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stimmung.engine.check import examine
from stimmung.engine.compat import torchaudio
from stimmung.engine.config.schema import describe
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.registry import build
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Features, Segment, Span
from support import RATE, cut, every, syllables

pytest.importorskip("torch", reason="needs stimmung[deep]")
pytest.importorskip("transformers", reason="needs stimmung[deep]")
torchaudio.install()

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": (8, 8, 8, 8, 8, 8, 8),
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A folder for each architecture, as save_pretrained leaves it."""
    import torch
    import transformers as t

    torch.manual_seed(0)
    whisper = t.WhisperConfig(
        d_model=16, encoder_layers=3, encoder_attention_heads=2, encoder_ffn_dim=24, decoder_layers=1,
        decoder_attention_heads=2, decoder_ffn_dim=24, vocab_size=60, pad_token_id=0, bos_token_id=1,
        eos_token_id=2, decoder_start_token_id=3,
    )  # fmt: skip
    wave = t.Wav2Vec2FeatureExtractor(do_normalize=True)
    made: dict[str, tuple[Any, Any]] = {
        "wav2vec2": (t.Wav2Vec2Model(t.Wav2Vec2Config(**SMALL)), wave),
        "hubert": (t.HubertModel(t.HubertConfig(**SMALL)), wave),
        "wavlm": (t.WavLMModel(t.WavLMConfig(**SMALL)), wave),
        "whisper": (t.WhisperModel(whisper), t.WhisperFeatureExtractor()),
    }
    folder = tmp_path_factory.mktemp("encoders")
    for name, (model, prepare) in made.items():
        model.save_pretrained(folder / name)
        prepare.save_pretrained(folder / name)
    return {name: str(folder / name) for name in made}


def encoder(model: str, **options: Any) -> Any:
    return build("extractor", "speech_encoder", {"model": model, "offline": True, **options})


def segment(seconds: float) -> Segment:
    samples = syllables(seconds)
    return Segment("s", 0, Span(0, len(samples), RATE), samples)


@pytest.mark.parametrize("name", ["wav2vec2", "hubert", "wavlm", "whisper"])
def test_every_architecture_gives_a_row_every_20_ms(name: str, folders: dict[str, str]) -> None:
    plugin = encoder(folders[name])
    assert plugin.rows(syllables(2.0)).shape == (100 if name == "whisper" else 99, 16)
    assert plugin.extract([segment(1.0), segment(2.0)]).shape == (2, plugin.dim) == (2, 32)


@pytest.mark.parametrize("name", ["wavlm", "whisper"])
def test_both_families_keep_the_contract(name: str, folders: dict[str, str]) -> None:
    findings = list(examine("speech_encoder", {"model": folders[name], "offline": True}, timed=False))
    assert [found.error or found.skipped for found in findings if found.error or found.skipped] == []
    assert len(findings) > 6


def test_the_layer_chosen_is_the_one_transformers_gives(folders: dict[str, str]) -> None:
    import torch
    from transformers import AutoModel

    samples = syllables(1.0)
    normal = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    model = AutoModel.from_pretrained(folders["wavlm"]).eval()
    with torch.inference_mode():
        hidden = model(torch.from_numpy(normal)[None], output_hidden_states=True).hidden_states
    for layer in (0, 2, -1):
        rows = encoder(folders["wavlm"], layer=layer).rows(samples)
        assert rows == pytest.approx(hidden[layer][0].numpy(), abs=1e-4)
        vector = encoder(folders["wavlm"], layer=layer).extract([segment(1.0)])[0]
        assert vector == pytest.approx(np.concatenate([rows.mean(axis=0), rows.max(axis=0)]), abs=1e-6)


def test_the_mean_alone_is_half_of_mean_and_max_and_another_version(folders: dict[str, str]) -> None:
    both, mean = encoder(folders["wavlm"]), encoder(folders["wavlm"], pool="mean")
    assert (mean.dim, both.dim) == (16, 32)
    np.testing.assert_array_equal(mean.extract([segment(1.0)]), both.extract([segment(1.0)])[:, :16])
    assert mean.version != both.version
    with pytest.raises(ConfigError, match="pool"):
        encoder(folders["wavlm"], pool="max")


def test_whisper_hears_no_padding_and_reads_on_after_30_s(folders: dict[str, str]) -> None:
    plugin = encoder(folders["whisper"])
    assert len(plugin.rows(syllables(2.0))) == 100
    assert len(plugin.rows(syllables(31.0))) == 1500 + 50


def test_other_weights_and_other_layers_are_other_versions(folders: dict[str, str], tmp_path: Path) -> None:
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    first = encoder(folders["hubert"])
    assert encoder(folders["hubert"]).version == first.version
    assert encoder(folders["hubert"], layer=1).version != first.version
    model = AutoModel.from_pretrained(folders["hubert"])
    with torch.no_grad():
        next(model.parameters()).add_(0.01)
    model.save_pretrained(tmp_path)
    AutoFeatureExtractor.from_pretrained(folders["hubert"]).save_pretrained(tmp_path)
    assert encoder(str(tmp_path)).version != first.version


def test_it_runs_in_a_pipeline(folders: dict[str, str]) -> None:
    table = {"plugin": "speech_encoder", "model": folders["wav2vec2"], "offline": True, "layer": 2}
    with Host(describe({"extractors": [table]}, "the test")) as host:
        outputs = list(host.stream("s", features=True).play(cut(syllables(4.0), every(1600))))
    assert [output.values.shape for output in outputs if isinstance(output, Features)] == [(32,)] * 4


def test_what_is_no_speech_encoder_is_one_line(folders: dict[str, str], tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1)).save_pretrained(tmp_path)
    for model in (str(tmp_path / "nobody"), str(tmp_path)):
        with pytest.raises(ModelError, match="speech encoder") as caught:
            encoder(model)
        assert "\n" not in str(caught.value)
    with pytest.raises(
        ConfigError, match="option 'layer' of plugin 'speech_encoder', got 4, expected -4 to 3"
    ):
        encoder(folders["wav2vec2"], layer=4)
