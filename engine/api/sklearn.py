"""Any extractor as a scikit-learn transformer: one vector a recording, or a sentence.

    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC
    from stimmung.engine import ExtractorTransformer

    make_pipeline(ExtractorTransformer("hsf"), LinearSVC()).fit(paths, labels)

The vector is what the engine makes of the whole recording, the same that ``stimmung train`` trains on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..calls.spec import PluginSpec, spec_of
from ..config.schema import PipelineConfig, PluginTable, SegmentsTable, StreamTable
from ..errors import InputError
from ..registry import build
from ..types import Floats
from .session import Audio, OpenPipeline


class ExtractorTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Recordings in, (n, dim) features out; for an extractor of texts, sentences in.

    ``extractor`` is the plugin's name, ``options`` are its own, ``rate`` (Hz) is that of arrays. ``X`` is a
    sequence of paths and arrays, each (samples,) or (samples, channels), or a matrix whose rows are
    recordings of equal length. Nothing is learnt from ``X``: the extractor is built when fitted.
    Raises InputError for audio that cannot be used and PluginError where the extractor fails.
    """

    def __init__(
        self, extractor: str = "hsf", *, options: Mapping[str, Any] | None = None, rate: int = 16000
    ) -> None:
        self.extractor = extractor
        self.options = options
        self.rate = rate

    def fit(self, X: Any, y: Any = None) -> ExtractorTransformer:  # noqa: N803 - scikit-learn's name
        """Builds the extractor and remembers the width of a matrix."""
        self._inputs(X, reset=True)
        self.__dict__.pop("_opened", None)
        self._open()
        return self

    def transform(self, X: Any) -> Floats:  # noqa: N803
        """(n, dim), a row for each recording or sentence."""
        check_is_fitted(self)
        inputs = self._inputs(X, reset=False)
        opened = self._open()
        if not isinstance(opened, OpenPipeline):
            return np.asarray(opened.encode([str(text) for text in inputs]), np.float32)
        rows = [self._vector(opened, audio) for audio in inputs]
        return np.stack(rows) if rows else np.zeros((0, len(self._names)), np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """The extractor's own names where it has any, otherwise numbers, behind its name."""
        check_is_fitted(self)
        return np.array([f"{self.extractor}.{name}" for name in self._names], dtype=object)

    def _open(self) -> Any:
        """The pipeline of the one extractor; for texts the extractor itself."""
        if not hasattr(self, "_opened"):
            plugin = build("extractor", self.extractor, dict(self.options or {}))
            facts = spec_of(self.extractor, plugin)
            names = getattr(plugin, "feature_names", lambda: range(facts.dim))
            self._names = list(names())
            text = facts.kind == "text_extractor"
            self._opened = plugin if text else OpenPipeline(self._description(facts))
        return self._opened

    def _description(self, facts: PluginSpec) -> PipelineConfig:
        return PipelineConfig(
            stream=StreamTable(rate=facts.rate),
            segments=SegmentsTable(kind="whole", shortest_s=max(1, facts.least) / facts.rate),
            extractors=[
                PluginTable(plugin=self.extractor, name=self.extractor, options=dict(self.options or {}))
            ],
        )

    def _vector(self, opened: OpenPipeline, audio: Audio) -> Floats:
        found = list(opened.features(audio, self.rate))
        if len(found) != 1:
            raise InputError(
                "a recording has to give one vector",
                got=f"{len(found)} of {audio if isinstance(audio, str | Path) else 'an array'}",
                remedy="give every recording as a file of its own, without a gap",
            )
        return found[0].values

    def _inputs(self, X: Any, *, reset: bool) -> Sequence[Any]:  # noqa: N803
        """The recordings one by one; a matrix is checked as scikit-learn checks it."""
        if _listed(X):
            return list(X)
        matrix: Sequence[Any] = validate_data(self, X, dtype="numeric", reset=reset)
        return matrix

    def __sklearn_tags__(self) -> Any:
        """Features are float32 whatever the samples were."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_names")

    def __getstate__(self) -> dict[str, Any]:
        """All but the built plugin, which is built anew where it is asked for."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_opened"}


def _listed(X: Any) -> bool:  # noqa: N803
    """True where ``X`` holds paths, sentences or arrays of any length, one by one; False for a matrix."""
    if getattr(X, "ndim", 1) != 1 or isinstance(X, str) or not isinstance(X, Iterable):
        return False
    return isinstance(next(iter(X), None), str | Path | np.ndarray)
