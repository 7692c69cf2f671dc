"""What a command says of its progress where no terminal is."""

from __future__ import annotations

import re

import pytest
from stimmung.engine.cli import progress as module


def test_what_is_left_is_never_negative_when_something_else_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "PLAIN_EVERY_S", 0.0)
    with module.progress("evaluate") as step:
        for done in (512, 1024):
            step(done, 1024, "features")
        for done in (1, 2, 3):
            step(done, 3, "trainings")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "evaluate: 512 of 1024",
        "evaluate: 1024 of 1024",
        "evaluate: 1 of 3",
        "evaluate: 2 of 3",
        "evaluate: 3 of 3",
    ]
    assert not re.search(r"-\d", "\n".join(lines))


@pytest.mark.parametrize(
    ("done", "total", "anew"), [(3, 9, False), (2, 9, False), (1, 9, True), (3, 8, True)]
)
def test_counting_begins_anew_when_less_is_done_or_other_things_are_to_do(
    done: int, total: int, anew: bool
) -> None:
    assert module._anew((2, 9), done, total) is anew
