"""torchaudio without its native library can be imported; with it, nothing changes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

GUARD = "import stimmung.engine.compat.torchaudio as guard; guard.install(); guard.install()\n"


def python(code: str, path: Path | None = None) -> str:
    """What a fresh interpreter prints, the modules in ``path`` before all others."""
    found = os.pathsep.join(filter(None, [str(path or ""), os.environ.get("PYTHONPATH", "")]))
    environment = os.environ | {"PYTHONPATH": found, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@pytest.fixture
def torchaudio(tmp_path: Path) -> Path:
    """A folder with a torchaudio whose library fails as the variable FAILURE says."""
    extension = tmp_path / "torchaudio" / "_extension"
    extension.mkdir(parents=True)
    (tmp_path / "torchaudio" / "__init__.py").write_text("from . import _extension\n")
    (extension / "utils.py").write_text(
        "import os\n"
        "def _load_lib(lib):\n"
        "    failure = os.environ.get('FAILURE')\n"
        "    if failure: raise getattr(__import__('builtins'), failure)(lib)\n"
        "    return True\n"
    )
    (extension / "__init__.py").write_text("from .utils import _load_lib\nAVAILABLE = _load_lib('native')\n")
    return tmp_path


TELL = (
    "import torchaudio._extension as e, torchaudio._extension.utils as u\n"
    "print(e.AVAILABLE, type(e.__spec__.loader).__mro__[0].__name__, u._load_lib.__name__)"
)


def test_an_intact_torchaudio_is_left_as_it_is(torchaudio: Path) -> None:
    assert python(GUARD + TELL, torchaudio) == "True _Loader _load_lib"


@pytest.mark.parametrize("failure", ["OSError", "RuntimeError"])
def test_a_library_that_cannot_be_loaded_counts_as_absent(
    torchaudio: Path, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILURE", failure)
    assert python(TELL, torchaudio) == f"{failure}: native"
    assert python(GUARD + TELL, torchaudio) == "False _Loader _load_lib"


def test_any_other_fault_of_torchaudio_is_not_hidden(
    torchaudio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILURE", "NameError")
    assert python(GUARD + TELL, torchaudio) == "NameError: native"


def test_without_torchaudio_its_absence_is_reported_as_ever(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['torchaudio'] = None\n"
    assert python(GUARD + hide + "import torchaudio").startswith("ModuleNotFoundError")


@pytest.mark.skipif(find_spec("torchaudio") is None, reason="torchaudio is not installed (extra 'deep')")
def test_the_real_torchaudio_computes_a_mel_spectrogram_and_mfcc() -> None:
    code = (
        "import torch, torchaudio\n"
        "sound = torch.sin(torch.arange(16000) / 10)\n"
        "mel = torchaudio.transforms.MelSpectrogram(16000, n_mels=40)(sound)\n"
        "kaldi = torchaudio.compliance.kaldi.fbank(sound[None], num_mel_bins=23)\n"
        "half = torchaudio.functional.resample(sound, 16000, 8000)\n"
        "print(*map(tuple, (mel.shape, kaldi.shape, half.shape)))"
    )
    assert python(GUARD + code) == "(40, 81) (98, 23) (8000,)"


@pytest.mark.skipif(
    find_spec("torchaudio") is None or find_spec("transformers") is None,
    reason="torchaudio or transformers is not installed (extra 'deep')",
)
def test_bert_can_be_imported_beside_torchaudio() -> None:
    assert python(GUARD + "from transformers import BertModel; print(BertModel.__name__)") == "BertModel"
