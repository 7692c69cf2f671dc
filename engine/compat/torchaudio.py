"""Lets torchaudio be imported where its native library cannot be loaded.

The wheels of torchaudio on PyPI hold a library that is linked against one version of CUDA. Beside a CPU
build of torch ``import torchaudio`` therefore raises OSError, beside another CUDA RuntimeError, and so does
``from transformers import BertModel``, which imports it. Yet all that is needed of torchaudio here
(MelSpectrogram, MFCC, resample, compliance.kaldi, datasets) is pure Python, and torchaudio itself knows
how to do without the library when the file is absent.

:func:`install` makes it believe so: ``torchaudio._extension``, and nothing else, is run a second time with
its loader answering "absent" when the first run fails. With an intact torchaudio it does nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

EXTENSION = "torchaudio._extension"


def install() -> None:
    """Guards later imports of torchaudio; to be called before torchaudio or transformers is imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != EXTENSION:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        try:
            super().exec_module(module)
        except (OSError, RuntimeError):
            utils = sys.modules[f"{EXTENSION}.utils"]
            load_lib = utils._load_lib
            utils._load_lib = lambda lib: False  # type: ignore[attr-defined]
            try:
                super().exec_module(module)
            finally:
                utils._load_lib = load_lib  # type: ignore[attr-defined]
