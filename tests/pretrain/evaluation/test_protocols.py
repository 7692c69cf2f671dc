"""Protocols fail closed: whoever would be fooled gets a refusal, not a figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from stimmung.engine.errors import ConfigError, ProtocolError
from stimmung.pretrain.corpora.corpus import Corpus, Item, read_corpus
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.evaluation.folds import Fold, corpus_folds, read_protocol
from tones import write_corpus

WriteRecipe = Callable[..., Path]
EMODB = Path(__file__).parents[4] / "shared" / "corpora" / "emodb4" / "corpus.csv"


def corpus_of(**partitions: str) -> Corpus:
    """Two recordings of each speaker: a="train" …"""
    return Corpus(
        "c",
        tuple(
            Item(Path(f"{speaker}{take}.wav"), speaker, "x", partition=partition)
            for speaker, partition in partitions.items()
            for take in (1, 2)
        ),
    )


@pytest.mark.parametrize("count", ["", "0", "1", "5", "-2", "two"])
def test_groups_need_speakers_enough(count: str) -> None:
    with pytest.raises(ConfigError, match="does not suit the corpus, expected 2 to 4 groups"):
        read_protocol(f"groups:{count}", "aabcd")


def test_partitions_are_taken_as_they_are_published() -> None:
    (fold,) = corpus_folds("partitions", corpus_of(a="train", b="dev", c="test", d="train"))
    assert fold == Fold("partitions", ("a", "d"), ("c",), ("b",))


def test_a_speaker_in_two_partitions_is_refused() -> None:
    leaking = corpus_of(a="train", b="dev", c="test")
    leaking = Corpus("c", (*leaking.items, Item(Path("a3.wav"), "a", "x", partition="test")))
    with pytest.raises(ProtocolError, match="trains and tests on the same speakers, got speakers a"):
        corpus_folds("partitions", leaking)


def test_a_recording_in_no_partition_is_refused() -> None:
    with pytest.raises(ProtocolError, match="does not say which partition"):
        corpus_folds("partitions", corpus_of(a="train", b=""))


def test_a_development_set_is_refused_as_a_test_set(tmp_path: Path) -> None:
    corpus = corpus_of(a="train", b="dev", c="dev", d="test")
    path = tmp_path / "folds.json"
    path.write_text(json.dumps({"folds": [{"test": ["b", "c"]}, {"test": ["a", "d"]}]}))
    with pytest.raises(ProtocolError, match="tests on the development partition of corpus 'c'"):
        corpus_folds(f"folds:{path}", corpus)


def test_a_fold_that_tests_on_whom_it_selected_by_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "folds.json"
    path.write_text(json.dumps({"folds": [{"test": ["a", "b"], "dev": ["b"]}, {"test": ["c"]}]}))
    with pytest.raises(ProtocolError, match="tests on its development speakers, got speakers b"):
        read_protocol(f"folds:{path}", "abc")


def emobox(folder: Path, folds: dict[str, dict[str, list[str]]]) -> str:
    """Folds of recordings in EmoBox's layout."""
    for fold, parts in folds.items():
        (folder / fold).mkdir(parents=True)
        for part, names in parts.items():
            lines = [
                json.dumps(
                    {
                        "key": f"emodb-{name}",
                        "dataset": "emodb",
                        "wav": f"downloads/emodb/wav/{name}.wav",
                        "emo": "anger",
                    }
                )
                for name in names
            ]
            number = fold.removeprefix("fold_")
            (folder / fold / f"emodb_{part}_fold_{number}.jsonl").write_text("\n".join(lines) + "\n")
    return f"folds:{folder}"


def test_the_published_emobox_folds_of_emodb_are_refused(tmp_path: Path) -> None:
    """They cut EmoDB by recording: all ten speakers are in training and in test of every fold."""
    if not EMODB.is_file():
        pytest.skip("emodb4 is not on this machine (expected in ../shared/corpora)")
    corpus = read_corpus(EMODB, "emotion", ["anger", "happiness", "neutral", "sadness"])
    names = sorted(item.file.stem for item in corpus.items)
    folds = {
        f"fold_{k + 1}": {"test": names[k::5], "train": [n for n in names if n not in names[k::5]]}
        for k in range(5)
    }
    # As published, fold 1 tests these recordings of anger and trains on others of the same speakers.
    published = {"03a02Wb", "08b09Wc", "09b09Wa", "10b09Wb", "11b03Wa", "12b02Wd", "13a07Wb", "14b09Wc"}
    assert published <= set(names)
    with pytest.raises(ProtocolError) as caught:
        corpus_folds(emobox(tmp_path / "emobox", folds), corpus)
    assert "trains and tests on the same speakers" in str(caught.value)
    assert "speakers 03, 08, 09, 10, 11, 12, 13, 14, 15, 16" in str(caught.value)


def test_folds_of_recordings_that_keep_speakers_apart_are_taken(tmp_path: Path) -> None:
    folds = {
        "fold_1": {"train": ["a1", "a2"], "test": ["b1", "b2", "unknown"]},
        "fold_2": {"train": ["b1", "b2"], "test": ["a1", "a2"]},
    }
    found = corpus_folds(emobox(tmp_path / "emobox", folds), corpus_of(a="", b=""))
    assert found == [Fold("fold_1", ("a",), ("b",)), Fold("fold_2", ("b",), ("a",))]


def other_corpus(corpus: Path, folder: Path) -> Path:
    """The tones under other names of files and labels, a little softer."""
    folder.mkdir()
    lines = ["file,speaker,emotion"]
    for row in corpus.read_text().splitlines()[1:]:
        name, speaker, label = row.split(",")
        samples, rate = soundfile.read(corpus.parent / name)
        soundfile.write(folder / name, 0.9 * samples, rate)
        lines.append(f"{name},{speaker},{'angry' if label == 'anger' else label}")
    sound = lines[1].split(",")[0]
    soundfile.write(folder / "more.wav", 0.8 * soundfile.read(folder / sound)[0], rate)
    (folder / "corpus.csv").write_text("\n".join([*lines, "more.wav,s9,disgust"]) + "\n")
    return folder


def test_across_corpora_speakers_of_equal_names_are_different_people(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    other = other_corpus(corpus, tmp_path / "other")
    extra = 'others = "leave_out"\naliases = { angry = "anger" }\n'
    report = evaluate(recipe(extra), corpus, "", tmp_path / "out", test_corpus=other)
    assert report["n"] == 48
    assert report["protocol"] == "cross-corpus"
    assert report["per_fold"][0]["test_speakers"] == [f"other/s{k}" for k in range(4)]
    assert report["uar_ci95"][0] <= report["uar"] <= report["uar_ci95"][1]


def test_a_corpus_is_not_tested_on_itself_under_another_name(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    with pytest.raises(ProtocolError, match="is to be trained on and tested"):
        evaluate(recipe(), corpus, "", tmp_path / "out", test_corpus=corpus.parent)
    twin = tmp_path / "twin"
    twin.symlink_to(corpus.parent)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in corpus.parent.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ProtocolError, match="share a recording"):
        evaluate(recipe(), corpus, "", tmp_path / "out", test_corpus=copy)


def test_of_several_corpora_each_is_tested_by_a_model_that_never_heard_it(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    others = [
        write_corpus(tmp_path / name, speakers=speakers, longer_s=speakers / 100)
        for name, speakers in (("b", 3), ("c", 2))
    ]
    report = evaluate(recipe(), [corpus, *others], "loco", tmp_path / "out")
    name = corpus.parent.name
    assert [fold["name"] for fold in report["per_fold"]] == [name, "b", "c"]
    assert report["per_fold"][1]["test_speakers"] == ["b/s0", "b/s1", "b/s2"]
    found = report["per_corpus"]
    assert [found[own]["n"] for own in (name, "b", "c")] == [48, 36, 24]
    assert report["n"] == 108
    assert report["uar_mean_of_corpora"] == pytest.approx(np.mean([one["uar"] for one in found.values()]))
    assert set(found["c"]["recalls"]) == set(report["labels"])
    assert found["b"]["uar_ci95"][0] <= found["b"]["uar"] <= found["b"]["uar_ci95"][1]
