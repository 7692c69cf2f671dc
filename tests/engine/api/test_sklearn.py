"""Extractors behave as scikit-learn expects of a transformer, and give the engine's own features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from stimmung.engine import ExtractorTransformer, open_pipeline
from stimmung.engine.errors import ConfigError, InputError
from support import RATE, syllables

# What cannot apply to audio, and why.
DO_NOT_APPLY = {"check_fit_idempotent": "its numbers are far beyond full scale, which is refused"}


def test_the_estimator_checks_of_scikit_learn_pass_where_they_apply() -> None:
    transformer = ExtractorTransformer("acme-level")
    results = check_estimator(transformer, expected_failed_checks=DO_NOT_APPLY, on_skip=None, on_fail=None)
    failed = {result["check_name"]: str(result["exception"]) for result in results if failing(result)}
    assert failed == {}
    assert len([result for result in results if result["status"] == "passed"]) > 40
    expected = {result["check_name"]: str(result["exception"]) for result in results if apart(result)}
    assert expected.keys() == DO_NOT_APPLY.keys()
    assert "expected finite samples within ±10" in expected["check_fit_idempotent"]


def failing(result: dict[str, Any]) -> bool:
    return result["status"] == "failed"


def apart(result: dict[str, Any]) -> bool:
    return result["status"] == "xfail"


@pytest.fixture
def recordings(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.wav" for number in range(4)]
    for number, path in enumerate(paths):
        soundfile.write(path, syllables(1.0 + number / 4, seed=number), RATE)
    return paths


def test_a_vector_is_that_of_the_whole_recording(recordings: list[Path]) -> None:
    transformer = ExtractorTransformer("acme-loudness").fit(recordings)
    found = transformer.transform(recordings)
    tables = {"segments": {"kind": "whole"}, "extractors": [{"plugin": "acme-loudness"}]}
    with open_pipeline(tables) as pipeline:
        own = [features.values for path in recordings for features in pipeline.features(path)]
    np.testing.assert_array_equal(found, np.stack(own))


def test_paths_series_and_arrays_of_any_length_are_the_same(recordings: list[Path]) -> None:
    transformer = ExtractorTransformer("acme-level")
    arrays = [soundfile.read(path)[0] for path in recordings]
    forms = [recordings, [str(path) for path in recordings], pd.Series(map(str, recordings)), arrays]
    first, *others = [transformer.fit_transform(form) for form in forms]
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_arrays_are_of_the_rate_they_are_said_to_have(recordings: list[Path]) -> None:
    sound = np.repeat(soundfile.read(recordings[0])[0], 3)
    slow = ExtractorTransformer("acme-loudness", rate=3 * RATE).fit_transform([sound])
    assert slow.shape == (1, 3)
    with pytest.raises(InputError, match="sampling rate"):
        ExtractorTransformer("acme-loudness", rate=3).fit_transform([sound])


def test_it_classifies_inside_a_pipeline() -> None:
    sounds = [(1 + k / 50) * (0.1 if k % 2 else 1.0) * syllables(1.0) for k in range(12)]
    pipeline = make_pipeline(ExtractorTransformer("acme-level"), StandardScaler(), LogisticRegression())
    scores = cross_val_score(pipeline, sounds, np.arange(12) % 2, cv=3)
    assert scores.tolist() == [1.0, 1.0, 1.0]


def test_another_extractor_is_built_when_it_is_fitted_again(recordings: list[Path]) -> None:
    transformer = ExtractorTransformer("acme-level").fit(recordings)
    transformer.set_params(extractor="acme-loudness").fit(recordings)
    assert transformer.transform(recordings).shape == (4, 3)
    assert clone(transformer).get_params() == transformer.get_params()


def test_features_have_the_names_of_their_extractor(recordings: list[Path]) -> None:
    transformer = ExtractorTransformer("hsf").fit(recordings[:1])
    names = transformer.get_feature_names_out()
    assert len(names) == 6373
    assert names[0].startswith("hsf.")
    assert not names[0].endswith(".0")
    frame = transformer.set_output(transform="pandas").transform(recordings[:1])
    assert frame.columns.tolist() == names.tolist()


def test_options_reach_the_extractor_and_unknown_ones_are_refused(recordings: list[Path]) -> None:
    with pytest.raises(ConfigError, match="has no option 'fold'"):
        ExtractorTransformer("acme-faulty", options={"fold": "raise"}).fit(recordings)


def test_it_must_be_fitted_first(recordings: list[Path]) -> None:
    with pytest.raises(NotFittedError):
        ExtractorTransformer("acme-level").transform(recordings)


def test_sentences_go_to_an_extractor_of_texts() -> None:
    transformer = ExtractorTransformer("acme-spelling").fit(["What a day", "how sad"])
    assert transformer.transform(["What a day", "how sad", "it is"]).shape[0] == 3
