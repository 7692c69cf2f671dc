"""A corpus.csv as spreadsheets and scripts write it: read for what it says, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from stimmung.engine.errors import ConfigError, InputError
from stimmung.pretrain.corpora.corpus import Corpus, Item, Labels, read_corpus
from stimmung.pretrain.corpora.joining import join

LABELS = ["anger", "sadness"]
PLAIN = "file,speaker,emotion\na.wav,03,anger\nb.wav,08,sadness\n"
LENIENT = Labels(LABELS, {"angry": "anger"}, leave_out=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "audio").mkdir()
    for name in ("a.wav", "b.wav", "c.wav", "audio/a.wav"):
        (tmp_path / name).touch()
    return tmp_path


def read(folder: Path, text: str | bytes, labels: Labels | list[str] = LABELS, **more: object) -> Corpus:
    path = folder / "corpus.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_corpus(path, "emotion", labels, **more)  # type: ignore[arg-type]


def refused(folder: Path, text: str | bytes, labels: Labels | list[str] = LABELS, **more: object) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, text, labels, **more)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "sep=;\r\n" + PLAIN.replace(",", ";"),
        '"sep=,"\n' + PLAIN,
        PLAIN.replace(",", " , ").replace("\n", " \n"),
        PLAIN.replace("a.wav", '"a.wav"').replace("anger", '"anger "'),
        PLAIN.replace("08", "\u00a008\u200b"),
        PLAIN.encode("utf-8-sig").rstrip() + b"\xef\xbb\xbf\n",
        "\n\n" + PLAIN + ",,\n , ,\n\n",
        'file;speaker;emotion;"said, or; not"\na.wav;03;anger;"No, no; no"\nb.wav;08;sadness;\n',
    ],
)
def test_a_table_says_the_same_however_it_was_saved(folder: Path, text: str | bytes) -> None:
    assert read(folder, text).items == (
        Item(folder / "a.wav", "03", "anger"),
        Item(folder / "b.wav", "08", "sadness"),
    )


def test_text_that_is_not_utf_8_is_refused_with_the_remedy(folder: Path) -> None:
    assert "zero bytes, as in UTF-16 without its mark; save it as" in refused(
        folder, PLAIN.encode("utf-16-le")
    )
    assert "not a CSV file in UTF-8" in refused(folder, PLAIN.replace("03", "Jürgen").encode("cp1252"))


def test_quotes_and_cells_that_swallow_others_are_refused_by_line(folder: Path) -> None:
    assert "no CSV file from line 3 on" in refused(folder, PLAIN.replace("b.wav", '"b.wav'))
    assert "line 2 has more cells than the header, got 4" in refused(folder, PLAIN.replace("anger", "3,5"))


def test_lines_are_counted_as_an_editor_does(folder: Path) -> None:
    assert "line 5: unknown emotion 'joy'" in refused(
        folder, "sep=;\n\n" + PLAIN.replace(",", ";").replace("sadness", "joy")
    )


def test_decimal_commas_are_numbers_where_commas_do_not_part_cells(folder: Path) -> None:
    text = "file;speaker;emotion\na.wav;03;3,5\nb.wav;08;-1\n"
    assert [item.label for item in read(folder, text, []).items] == ["3.5", "-1"]
    assert "decimal commas and decimal points, got '3,5' in line 2 and '1.5' in line 3" in refused(
        folder, text.replace("-1", "1.5"), []
    )
    quoted = 'file,speaker,emotion\na.wav,03,"3,5"\n'
    assert "several labels in one cell, got emotion '3,5'" in refused(folder, quoted, [])


def test_columns_of_other_names_are_read_by_them(folder: Path) -> None:
    text = "FileName;Spk;EmoClass;emotion;Set\na.wav;03;anger;x;training\nb.wav;08;sadness;y;dev\n"
    columns = {"file": "FileName", "speaker": "Spk", "emotion": "EmoClass", "partition": "Set"}
    corpus = read(folder, text, columns=columns)
    assert [(item.label, item.partition) for item in corpus.items] == [("anger", "train"), ("sadness", "dev")]
    assert len(read(folder, text, columns=columns, where={"partition": "dev"}).items) == 1


def test_a_column_that_is_not_there_is_told_with_the_nearest(folder: Path) -> None:
    text = PLAIN.replace("emotion", "EmoClass")
    assert "no column 'EmoClas', got file, speaker, EmoClass; did you mean 'EmoClass'?" in refused(
        folder, text, columns={"emotion": "EmoClas"}
    )
    with pytest.raises(ConfigError, match=r"'speeker' is no column that is read.*did you mean 'speaker'\?"):
        read(folder, text, columns={"speeker": "speaker"})
    assert "has 2 columns 'emotion'" in refused(folder, PLAIN.replace("speaker,", "speaker,emotion,"))


@pytest.mark.parametrize("cell", ["audio\\a.wav", ".\\audio\\a.wav", "audio/a.wav", "{folder}/audio/a.wav"])
def test_paths_are_understood_wherever_they_were_written(folder: Path, cell: str) -> None:
    corpus = read(folder, PLAIN.replace("a.wav", cell.format(folder=folder)))
    assert corpus.items[0].file.samefile(folder / "audio" / "a.wav")


def test_rows_without_their_file_are_counted_and_named(folder: Path) -> None:
    rows = "".join(f"C:\\data\\{number}.wav,03,anger\n" for number in range(5))
    said = refused(folder, PLAIN + rows)
    assert "5 of 7 rows name no file that exists, got line 4 column 'file': 'C:\\data\\0.wav'" in said
    assert "and 2 more" in said
    assert "make them relative" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("cell", ["anger;sadness", "anger / joy", "angry|sadness", "['anger', 'joy']", "0;1"])
@pytest.mark.parametrize("labels", [Labels(LABELS), LENIENT], ids=["refuse", "leave_out"])
def test_several_labels_in_one_cell_are_refused(folder: Path, cell: str, labels: Labels) -> None:
    said = refused(folder, PLAIN.replace("anger", f'"{cell}"'), labels)
    assert f"line 2 has several labels in one cell, got emotion '{cell}'" in said


@pytest.mark.parametrize("cell", ["0.3", "70%", "0,3", "anger 0.7", "anger:0.7", "angry (0.9)"])
def test_a_share_is_no_label(folder: Path, cell: str) -> None:
    said = refused(folder, PLAIN.replace("anger", f'"{cell}"'), LENIENT)
    assert f"line 2 has a number or a share in place of a label, got emotion '{cell}'" in said


def test_a_label_in_another_case_is_not_left_out(folder: Path) -> None:
    assert "emotion 'Anger' is 'anger' but for its case" in refused(
        folder, PLAIN.replace("anger", "Anger"), LENIENT
    )


def test_other_labels_are_left_out_where_asked_for(folder: Path) -> None:
    text = PLAIN + "c.wav,08,joy\naudio/a.wav,08,7\n"
    assert [item.label for item in read(folder, text, LENIENT).items] == LABELS


def test_a_name_with_such_a_sign_is_a_label_where_it_has_an_alias(folder: Path) -> None:
    aliases = Labels(LABELS, {"anger/rage": "anger"})
    assert read(folder, PLAIN.replace("anger", "anger/rage"), aliases).items[0].label == "anger"


def test_blanks_do_not_make_another_speaker(folder: Path) -> None:
    assert read(folder, PLAIN + "c.wav,03 ,anger\n").speakers == ["03", "08"]


@pytest.mark.parametrize("other", ["3", "003"])
def test_a_speaker_in_two_spellings_is_refused(folder: Path, other: str) -> None:
    said = refused(folder, f"{PLAIN}c.wav,{other},anger\n")
    assert f"1 speaker in more than one spelling, got '03' and '{other}'" in said
    said = refused(folder, "file,speaker,emotion\na.wav,Anna,anger\nb.wav,anna,anger\n")
    assert "got 'Anna' and 'anna'" in said


def test_speakers_that_differ_by_more_are_different(folder: Path) -> None:
    assert len(read(folder, PLAIN + "c.wav,30,anger\naudio/a.wav,s3,anger\n").speakers) == 4


def test_a_file_listed_twice_is_refused_by_whatever_path(folder: Path) -> None:
    said = refused(folder, f"{PLAIN}audio/../a.wav,03,anger\n{folder}/b.wav,08,sadness\n")
    assert "lists 2 files twice" in said
    assert "in line 2 ('anger') and in line 4 ('anger')" in said


@pytest.mark.parametrize("labels", [Labels([*LABELS, "joy"]), LENIENT], ids=["known", "left_out"])
def test_a_file_with_two_labels_is_refused_even_if_one_is_left_out(folder: Path, labels: Labels) -> None:
    said = refused(folder, PLAIN + "a.wav,03,joy\n", labels)
    assert "gives 1 file two labels" in said
    assert "in line 2 ('anger') and in line 4 ('joy')" in said


def test_a_transcript_that_is_not_there_is_not_taken_for_words(folder: Path) -> None:
    (folder / "audio" / "a.txt").write_text("No.")
    text = "file,speaker,emotion,transcript\na.wav,03,anger,{}\n"
    assert Path(read(folder, text.format("audio\\a.txt")).items[0].transcript).samefile(
        folder / "audio/a.txt"
    )
    assert "names a transcript that does not exist, got 'b.txt'" in refused(folder, text.format("b.txt"))
    assert read(folder, text.format("See b.txt")).items[0].transcript == "See b.txt"


def test_corpora_of_the_same_people_spell_them_in_one_way(folder: Path) -> None:
    one = Corpus("one", (Item(folder / "a.wav", "03", "anger"),))
    rest = Corpus("rest", (Item(folder / "b.wav", "3", "anger"),))
    assert len(join([one, rest]).speakers) == 2
    with pytest.raises(InputError, match="1 speaker in more than one spelling"):
        join([one, rest], {"one": "all", "rest": "all"})


def test_a_recording_is_in_one_corpus_only(folder: Path) -> None:
    item = Item(folder / "a.wav", "03", "anger")
    with pytest.raises(
        InputError, match=r"1 recording in more than one corpus, got '.*a\.wav' in one and rest"
    ):
        join([Corpus("one", (item,)), Corpus("rest", (item,))])
