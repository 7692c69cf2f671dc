"""What a reader of the README or the docs has, and how their commands are executed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import soundfile
from stimmung.samples import SPEECH
from support import ACME, RATE, syllables

ROOT = Path(__file__).parent.parent
# A reader has no plugins but those that ship.
NOTHING_ELSE = os.pathsep.join(p for p in os.environ["PYTHONPATH"].split(os.pathsep) if p != ACME)
EMOTIONS = ("anger", "happiness", "neutral", "sadness")


def blocks(text: str, language: str) -> list[str]:
    """The code of every fence of that language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text: str) -> list[str]:
    """Every command shown after a prompt."""
    shown = (line for block in blocks(text, "console") for line in block.splitlines())
    return [line[2:] for line in shown if line.startswith("$ ")]


def run(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished command, as typed in ``folder``; ``< FILE`` is its standard input."""
    command, _, given = command.partition(" < ")
    program, *arguments = shlex.split(command)
    assert program == "stimmung"
    entry = [sys.executable, "-c", "from stimmung.engine.cli import main; main()"]
    environment = {**os.environ, "PYTHONPATH": NOTHING_ELSE, **environment}
    with open(folder / given if given else os.devnull, "rb") as stdin:
        done = subprocess.run(
            [*entry, *arguments], cwd=folder, stdin=stdin, capture_output=True, text=True, env=environment
        )
    assert done.returncode == 0, done.stderr
    return done


def settle(folder: Path) -> None:
    """Fills ``folder`` with the checkout's samples, recordings of the reader's own, and a corpus."""
    for part in ("configs", "samples"):
        (folder / part).symlink_to(ROOT / part)
    (folder / "interviews").mkdir()
    (folder / "out").mkdir()
    speech, rate = soundfile.read(SPEECH, stop=6 * RATE, dtype="float32")
    assert rate == RATE
    soundfile.write(folder / "interviews" / "one.wav", speech, RATE)
    (folder / "speech.pcm").write_bytes((speech * 32767).astype("<i2").tobytes())
    rows = ["file,speaker,emotion"]
    for speaker in range(3):
        for seed, emotion in enumerate(EMOTIONS):
            path = f"{speaker}{emotion}.wav"
            soundfile.write(folder / path, syllables(1.4, seed=10 * seed + speaker), RATE)
            rows.append(f"{path},{speaker},{emotion}")
    (folder / "corpus.csv").write_text("\n".join(rows) + "\n")
