"""Every format of transcript becomes the same cues; what is malformed is named by its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from stimmung.engine.errors import InputError
from stimmung.plugins.transcribe.formats import Cue, read_transcript

SRT = """1
00:00:00,500 --> 00:00:02,250
<i>Guten</i> Tag
allerseits.

2
00:01:00,000 --> 00:01:02,000 X1:40 X2:600
{\\an8}Tsch&uuml;ss!

3
00:01:03,000 --> 00:01:04,000
<b></b>
"""
VTT = """WEBVTT - a title

NOTE
00:00 --> never a cue

STYLE
::cue { color: red }

intro
00:00.500 --> 00:02.250 align:start
<v Anna>Guten <c.loud>Tag</c>
allerseits.

01:00.000 --> 01:02.000
Tschüss!
"""
CTM = """;; a comment
talk 1 0.5 0.75 Guten 0.98
talk 1 1.25 1.0 Tag
"""
LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 62
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 62
        points: size = 1
        points [1]:
            number = 1.5
            mark = "a ""click"""
    item [2]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 62
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 62
            text = "g"
    item [3]:
        class = "IntervalTier"
        name = "Sentences"
        xmin = 0
        xmax = 62
        intervals: size = 3
        intervals [1]:
            xmin = 0.5
            xmax = 2.25
            text = "He said ""Guten Tag"" to 2 of us"
        intervals [2]:
            xmin = 2.25
            xmax = 60
            text = "<p:>"
        intervals [3]:
            xmin = 60
            xmax = 6.2e1
            text = "Tschüss!"
'''
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
62
<exists>
1
"IntervalTier"
"ORT"
0
62
2
0.5
2.25
"Guten Tag"
2.25
62
""
"""


def read(folder: Path, name: str, content: str | bytes) -> list[Cue]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_transcript(path)[0]


def test_subrip_loses_its_tags_positions_and_empty_cues(tmp_path: Path) -> None:
    assert read(tmp_path, "a.srt", SRT) == [
        Cue("Guten Tag allerseits.", 0.5, 2.25),
        Cue("Tschüss!", 60.0, 62.0),
    ]


def test_webvtt_loses_its_notes_styles_and_speakers(tmp_path: Path) -> None:
    assert read(tmp_path, "a.vtt", VTT) == [
        Cue("Guten Tag allerseits.", 0.5, 2.25),
        Cue("Tschüss!", 60.0, 62.0),
    ]


def test_ctm_gives_a_cue_a_word(tmp_path: Path) -> None:
    assert read(tmp_path, "a.ctm", CTM) == [Cue("Guten", 0.5, 1.25), Cue("Tag", 1.25, 2.25)]


def test_a_textgrid_gives_the_tier_of_sentences_without_pauses(tmp_path: Path) -> None:
    assert read(tmp_path, "a.TextGrid", LONG) == [
        Cue('He said "Guten Tag" to 2 of us', 0.5, 2.25),
        Cue("Tschüss!", 60.0, 62.0),
    ]


def test_a_short_textgrid_is_read_too(tmp_path: Path) -> None:
    assert read(tmp_path, "a.TextGrid", SHORT) == [Cue("Guten Tag", 0.5, 2.25)]


@pytest.mark.parametrize(
    ("content", "cues"),
    [
        ("start,end,text\n0.5,2.25,Guten Tag\n", [Cue("Guten Tag", 0.5, 2.25)]),
        ("Onset;Duration;Sentence\n0,5;1,75;Guten Tag\n", [Cue("Guten Tag", 0.5, 2.25)]),
        ("text\tstart_s\tstop_s\nGuten Tag\t0:00.5\t0:02.25\n\t3\t4\n", [Cue("Guten Tag", 0.5, 2.25)]),
        ('text\n"Guten\nTag"\nTschüss!\n', [Cue("Guten Tag"), Cue("Tschüss!")]),
        ("text,start\nGuten Tag,0.5\nTschüss!,\n", [Cue("Guten Tag", 0.5), Cue("Tschüss!")]),
    ],
)
def test_a_table_needs_no_more_than_a_column_of_text(tmp_path: Path, content: str, cues: list[Cue]) -> None:
    assert read(tmp_path, "a.csv", content) == cues


def test_plain_text_has_no_times(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", "Guten Tag\nallerseits.\n\nTschüss!\n") == [
        Cue("Guten Tag allerseits."),
        Cue("Tschüss!"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_make_no_difference(tmp_path: Path, encoding: str, newline: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    content = (mark + SRT.replace("&uuml;", "ü")).replace("\n", newline).encode(encoding)
    assert [cue.text for cue in read(tmp_path, "a.srt", content)] == ["Guten Tag allerseits.", "Tschüss!"]


def test_a_guessed_encoding_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Tschüss!".encode("cp1252"))
    assert read_transcript(path) == (
        [Cue("Tschüss!")],
        [f"'{path}' is not UTF-8; it was read as Windows-1252"],
    )


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.srt", "1\n00:00:01,000 --> soon\nHi\n", "a.srt line 2: no time, got 'soon'"),
        ("a.vtt", "00:01.000 --> 00:02.000\nHi\n", "a.vtt is not WebVTT, got '00:01.000"),
        ("a.ctm", "talk 1 0.5 0.75\n", "a.ctm line 1 is malformed, got 'talk 1 0.5 0.75'"),
        ("a.ctm", "talk 1 half 0.75 Guten\n", "a.ctm line 1: no time, got 'half'"),
        ("a.csv", "start,txet\n1,Hi\n", "has no column of text, got start, txet"),
        ("a.csv", "start,text\nx,Hi\n", "a.csv line 2: no time, got 'x'"),
        ("a.TextGrid", "hello", "a.TextGrid' is malformed, got no TextGrid header"),
        ("a.TextGrid", SHORT[:-10], "a.TextGrid' is malformed"),
        ("a.pdf", "hello", "a.pdf' is no transcript that can be read, got .pdf"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: str, line: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, name, content)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_utf_16_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is damaged"):
        read(tmp_path, "a.txt", "Tag".encode("utf-16")[:-1])
