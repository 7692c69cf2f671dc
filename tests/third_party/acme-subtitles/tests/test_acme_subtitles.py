"""The subtitles keep the contract and change with the label only."""

import pytest
from acme_subtitles import Subtitles
from stimmung.engine.types import EmotionState, Span, Status


@pytest.mark.stimmung("acme-subtitles")
def test_it_keeps_its_contract(conformance):
    conformance()


def test_a_subtitle_lasts_as_long_as_its_label(tmp_path):
    sink = Subtitles(str(tmp_path / "states.srt"))
    for second, label in enumerate(["calm", "calm", "tense"], 1):
        span = Span(0, second * 16000, 16000)
        sink.write(EmotionState("s", span, "mood", Status.OK, label, 1.0, {label: 1}, 1, {label: 1.0}))
    sink.close()
    assert (tmp_path / "states.srt").read_text() == (
        "1\n00:00:00,000 --> 00:00:02,000\ncalm\n\n2\n00:00:02,000 --> 00:00:03,000\ntense\n\n"
    )
