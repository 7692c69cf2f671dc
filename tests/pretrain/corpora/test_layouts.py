"""Each corpus is read as it is published: small trees in those exact layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner
from stimmung.engine.errors import InputError, ProtocolError
from stimmung.pretrain.cli.corpora import command
from stimmung.pretrain.corpora.corpus import Item, Labels, read_corpus
from stimmung.pretrain.corpora.layouts import LAYOUTS, recognise
from stimmung.pretrain.evaluation.folds import corpus_folds
from stimmung.pretrain.features.extraction import compute
from stimmung.pretrain.recipes.loading import read_recipe

WriteRecipe = Callable[..., Path]


def sound(path: Path, seconds: float = 0.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(str(path))).normal(0, 0.1, int(16000 * seconds))
    soundfile.write(path, noise, 16000)
    return path


def layout(path: Path) -> str:
    found = recognise(path)
    assert found is not None
    return found.name


def test_emodb(tmp_path: Path) -> None:
    for name in ("03a01Fa", "08b10Wb", "16a05Lc"):
        sound(tmp_path / "wav" / f"{name}.wav")
    (tmp_path / "labsilb").mkdir()
    assert layout(tmp_path) == "emodb"
    corpus = read_corpus(tmp_path, "emotion", ["happiness", "anger", "boredom"])
    wav = tmp_path / "wav"
    assert corpus.items == (
        Item(wav / "03a01Fa.wav", "03", "happiness", transcript="Der Lappen liegt auf dem Eisschrank."),
        Item(
            wav / "08b10Wb.wav",
            "08",
            "anger",
            transcript="Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
        ),
        Item(
            wav / "16a05Lc.wav",
            "16",
            "boredom",
            transcript="Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
        ),
    )
    genders = read_corpus(tmp_path, "gender", ["f", "m"])
    assert [item.label for item in genders.items] == ["m", "f", "f"]


def test_ravdess(tmp_path: Path) -> None:
    sound(tmp_path / "Actor_01" / "03-01-05-02-01-01-01.wav")
    sound(tmp_path / "Actor_24" / "03-01-08-01-02-02-24.wav")
    sound(tmp_path / "Actor_24" / "03-02-04-01-02-02-24.wav")  # a song
    assert layout(tmp_path) == "ravdess"
    corpus = read_corpus(tmp_path, "emotion", ["angry", "surprised"])
    assert [(i.speaker, i.label, i.transcript) for i in corpus.items] == [
        ("01", "angry", "Kids are talking by the door."),
        ("24", "surprised", "Dogs are sitting by the door."),
    ]
    assert [i.label for i in read_corpus(tmp_path, "intensity", ["normal", "strong"]).items] == [
        "strong",
        "normal",
    ]


@pytest.fixture
def iemocap(tmp_path: Path) -> Path:
    for session in (1, 2):
        dialogue = f"Ses0{session}F_impro01"
        dialog = tmp_path / f"Session{session}" / "dialog"
        (dialog / "EmoEvaluation").mkdir(parents=True)
        (dialog / "transcriptions").mkdir()
        (dialog / "EmoEvaluation" / f"{dialogue}.txt").write_text(
            "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
            f"[6.2901 - 8.2357]\t{dialogue}_F000\tneu\t[2.5000, 2.5000, 3.0000]\n"
            "C-E2:\tNeutral;\t()\n"
            f"[10.0100 - 11.3925]\t{dialogue}_M001\texc\t[4.0000, 3.5000, 2.0000]\n"
        )
        (dialog / "transcriptions" / f"{dialogue}.txt").write_text(
            f"{dialogue}_F000 [006.2901-008.2357]: Excuse me.\n{dialogue}_M001 [010.0100-011.3925]: Yeah.\n"
        )
        for turn in ("F000", "M001"):
            sound(tmp_path / f"Session{session}" / "sentences" / "wav" / dialogue / f"{dialogue}_{turn}.wav")
    return tmp_path


def test_iemocap(iemocap: Path) -> None:
    assert layout(iemocap) == "iemocap"
    corpus = read_corpus(iemocap, "emotion", Labels(["neutral", "happiness"], {"excitement": "happiness"}))
    assert [(i.speaker, i.label, i.transcript) for i in corpus.items] == [
        ("Ses01F", "neutral", "Excuse me."),
        ("Ses01M", "happiness", "Yeah."),
        ("Ses02F", "neutral", "Excuse me."),
        ("Ses02M", "happiness", "Yeah."),
    ]
    valence = read_corpus(iemocap, "valence", [])
    assert [item.label for item in valence.items[:2]] == ["2.5000", "4.0000"]


def test_a_file_that_was_not_unpacked_is_named(iemocap: Path) -> None:
    gone = next(iemocap.rglob("*M001.wav"))
    gone.unlink()
    with pytest.raises(InputError, match=f"lacks a file, got '{gone}'"):
        read_corpus(iemocap, "emotion", Labels(["neutral", "excitement"]))


@pytest.fixture
def usoms(tmp_path: Path) -> Path:
    lines = ["filename_audio,filename_text,ID_story,V_cat_no,A_cat_no"]
    for name, valence, arousal in (
        ("train_001_01", "0", "2"),
        ("devel_002_01", "1", "1"),
        ("test_003_01", "?", "?"),
    ):
        sound(tmp_path / "wav" / f"{name}.wav")
        lines.append(f"{name}.wav,{name}.txt,{name[:-3]},{valence},{arousal}")
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_usoms_e(usoms: Path) -> None:
    assert layout(usoms) == "usoms-e"
    levels = ["low", "medium", "high"]
    arousal, valence = (read_corpus(usoms, target, levels) for target in ("arousal", "valence"))
    assert [(i.file.name, i.label, i.partition) for i in arousal.items] == [
        ("train_001_01.wav", "high", "train"),
        ("devel_002_01.wav", "medium", "dev"),
    ]
    assert [item.label for item in valence.items] == ["low", "medium"]


def test_a_development_set_is_no_test_set_where_test_labels_are_withheld(usoms: Path) -> None:
    corpus = read_corpus(usoms, "arousal", ["low", "medium", "high"])
    with pytest.raises(ProtocolError, match="no labelled test partition, and a development set is no test"):
        corpus_folds("partitions", corpus)


@pytest.mark.parametrize("protocol", ["loso", "groups:2", "folds:x.toml"])
def test_speakers_that_are_not_published_cannot_be_set_apart(usoms: Path, protocol: str) -> None:
    corpus = read_corpus(usoms, "arousal", ["low", "medium", "high"])
    with pytest.raises(ProtocolError, match="not published; use the partitions"):
        corpus_folds(protocol, corpus)


def test_emotass(tmp_path: Path) -> None:
    rows = {"train_0001": "happy", "devel_0001": "sad", "test_0001": "angry"}
    for name in rows:
        sound(tmp_path / "wav" / f"{name}.wav")
    (tmp_path / "lab").mkdir()
    table = "file_name\temotion\n" + "".join(f"{name}.wav\t{label}\n" for name, label in rows.items())
    (tmp_path / "lab" / "ComParE2018_AtypicalAffect.tsv").write_text(table)
    assert layout(tmp_path) == "emotass"
    corpus = read_corpus(tmp_path, "emotion", ["angry", "happy", "neutral", "sad"])
    (fold,) = corpus_folds("partitions", corpus)
    assert (fold.train, fold.dev, fold.test) == (("train_0001",), ("devel_0001",), ("test_0001",))


def test_librispeech(tmp_path: Path) -> None:
    (tmp_path / "SPEAKERS.TXT").write_text(
        "; comment\n14   | F | train-clean-100 | 25.03 | A\n61 | M | test-clean | 8 | B\n"
    )
    for subset, speaker in (("train-clean-100", "14"), ("test-clean", "61")):
        chapter = tmp_path / subset / speaker / "208"
        sound(chapter / f"{speaker}-208-0000.flac")
        (chapter / f"{speaker}-208.trans.txt").write_text(f"{speaker}-208-0000 CHAPTER ONE\n")
    assert layout(tmp_path) == "librispeech"
    corpus = read_corpus(tmp_path, "gender", ["f", "m"])
    assert [(i.speaker, i.label, i.partition, i.transcript) for i in corpus.items] == [
        ("61", "m", "test", "CHAPTER ONE"),
        ("14", "f", "train", "CHAPTER ONE"),
    ]
    only = read_corpus(tmp_path, "gender", ["f", "m"], where={"subset": "test-clean"})
    assert only.speakers == ["61"]


def test_plain_folders_of_speakers_and_labels(tmp_path: Path) -> None:
    for speaker, label in (("anna", "calm"), ("ben", "tense")):
        sound(tmp_path / speaker / label / "1.wav")
    assert layout(tmp_path) == "folders"
    corpus = read_corpus(tmp_path, "stress", ["calm", "tense"])
    assert [(i.speaker, i.label) for i in corpus.items] == [("anna", "calm"), ("ben", "tense")]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    database = audformat.Database("talks")
    database.schemes["emotion"] = audformat.Scheme(labels=["anger", "sadness"])
    database.schemes["speaker"] = audformat.Scheme("str")
    database.splits["train"] = audformat.Split("train")
    database.splits["test"] = audformat.Split("test")
    sound(tmp_path / "audio" / "a.wav", 2.0)
    sound(tmp_path / "audio" / "b.wav", 2.0)
    whole = audformat.Table(audformat.filewise_index(["audio/a.wav"]), split_id="train")
    parts = audformat.Table(
        audformat.segmented_index(["audio/b.wav"] * 2, ["0s", "0.75s"], ["0.5s", "2s"]), split_id="test"
    )
    for table, name, labels, speakers in (
        (whole, "files", ["anger"], ["x"]),
        (parts, "segments", ["sadness", "anger"], ["y", "y"]),
    ):
        database[name] = table
        database[name]["emotion"] = audformat.Column(scheme_id="emotion")
        database[name]["emotion"].set(labels)
        database[name]["speaker"] = audformat.Column(scheme_id="speaker")
        database[name]["speaker"].set(speakers)
    database.save(str(tmp_path))
    return tmp_path


def test_a_database_in_audformat_with_files_and_segments(database: Path) -> None:
    assert layout(database) == "audformat"
    corpus = read_corpus(database, "emotion", ["anger", "sadness"])
    assert [(i.file.name, i.speaker, i.label, i.partition, i.start_s, i.stop_s) for i in corpus.items] == [
        ("a.wav", "x", "anger", "train", 0.0, None),
        ("b.wav", "y", "sadness", "test", 0.0, 0.5),
        ("b.wav", "y", "anger", "test", 0.75, 2.0),
    ]


def test_a_segment_of_a_file_has_the_features_of_that_part_alone(
    database: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    samples, _ = soundfile.read(database / "audio" / "b.wav")
    cut = tmp_path / "cut"
    cut.mkdir()
    soundfile.write(cut / "c.wav", samples[12000:32000], 16000)
    (cut / "corpus.csv").write_text("file,speaker,emotion\nc.wav,y,anger\n")
    read = read_recipe(recipe())
    whole, part = (
        compute(read, read_corpus(path, "emotion", read.labels), lambda done, total, what: None)
        for path in (cut, database)
    )
    np.testing.assert_array_equal(part.features[0][2], whole.features[0][0])


def test_a_database_that_does_not_say_who_speaks_is_refused(tmp_path: Path) -> None:
    database = audformat.Database("mute")
    database.schemes["emotion"] = audformat.Scheme("str")
    database["files"] = audformat.Table(audformat.filewise_index(["a.wav"]))
    database["files"]["emotion"] = audformat.Column(scheme_id="emotion")
    database["files"]["emotion"].set(pd.Series(["anger"], audformat.filewise_index(["a.wav"])))
    database.save(str(tmp_path))
    with pytest.raises(InputError, match="does not say who speaks, got schemes emotion"):
        read_corpus(tmp_path, "emotion", ["anger"])


def test_a_folder_in_no_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no corpus, expected corpus\.csv in it, or a layout"):
        read_corpus(tmp_path, "emotion", ["anger"])


def test_every_layout_is_listed_with_how_to_obtain_it(usoms: Path) -> None:
    listed = CliRunner().invoke(command, []).output
    for known in LAYOUTS:
        assert known.name in listed
        assert known.obtain in listed
    looked = CliRunner().invoke(command, [str(usoms)]).output
    assert "usoms-e: 3 recordings, speakers: unpublished" in looked
    assert "partitions: dev 1, test 1, train 1" in looked
