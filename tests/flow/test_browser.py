"""A real browser: its microphone in, states out, equal to those of replaying what it captured."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from scipy.signal import correlate
from stimmung.engine.batch.replay import replay
from stimmung.samples import SPEECH
from support import RATE, acme, syllables

pytest.importorskip("starlette", reason="the dashboard's packages are not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

HEARD_S = 9
WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as a file that the browser takes for its microphone, 48 kHz."""
    samples, rate = soundfile.read(SPEECH)
    path = tmp_path_factory.mktemp("microphone") / "speech.wav"
    soundfile.write(path, soxr.resample(samples, rate, 48_000), 48_000, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the monitor records."""
    return tmp_path_factory.mktemp("monitor") / "kept"


@pytest.fixture(scope="module")
def monitor(kept: Path) -> Iterator[str]:
    """The address of ``stimmung monitor`` with the default pipeline, which records."""
    program = "from stimmung.engine.cli import main; main()"
    command = [sys.executable, "-c", program, "monitor", "--source", "browser", "--listen", "127.0.0.1:0"]
    started = subprocess.Popen([*command, "--record", str(kept)], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    try:
        yield started.stdout.readline().split()[0]
    finally:
        started.terminate()
        try:
            assert started.wait(60) == 0
        finally:
            started.kill()


@pytest.fixture(scope="module")
def browser(microphone: Path) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-dev-shm-usage",  # a container's may hold too little for a page
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}%noloop",
            ],
        )
        yield launched
        launched.close()


def shown(page: Any) -> list[dict[str, Any]]:
    """The states in the page's table, oldest first."""
    rows = page.locator(".target tbody tr").evaluate_all("rows => rows.map(row => row.dataset.state)")
    states = [json.loads(row) for row in reversed(rows)]
    for state in states:
        del state["lag_ms"]
    return states


def replayed(folder: Path) -> list[dict[str, Any]]:
    program = "from stimmung.engine.cli import main; main()"
    command = [sys.executable, "-c", program, "run", "--source", f"recording:{folder}", "--sink", "jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_states_on_the_page_are_those_of_replaying_what_was_captured(
    monitor: str, browser: Any, kept: Path
) -> None:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto(monitor)
    page.get_by_role("button", name="Use this microphone").click()
    page.locator(f".target tbody tr:nth-child({HEARD_S})").wait_for(state="attached", timeout=150_000)
    page.get_by_role("button", name="Stop the microphone").click()
    page.get_by_text("ended ·").wait_for(timeout=60_000)
    states = shown(page)
    (folder,) = kept.iterdir()
    page.wait_for_function("() => document.querySelector('#download').href.includes('recordings/')")
    assert len(states) >= HEARD_S
    assert states == replayed(folder)
    assert {state["label"] for state in states} - {None}
    captured, rate = soundfile.read(next(folder.glob("*.flac")))
    spoken, _ = soundfile.read(SPEECH)
    heard = soxr.resample(captured, rate, 16_000)[: 6 * 16_000]
    # The browser began its file some time before the button was pressed: where, is where they agree best.
    likeness = correlate(spoken[: 10 * 16_000], heard[16_000 : 4 * 16_000], "valid", "fft")
    at = int(np.argmax(likeness))
    same = np.corrcoef(spoken[at : at + 3 * 16_000], heard[16_000 : 4 * 16_000])[0, 1]
    assert same > 0.95
    assert errors == []


def test_a_page_opened_again_shows_the_stream_that_was_chosen(monitor: str, browser: Any) -> None:
    page = browser.new_context().new_page()
    page.goto(monitor)
    names = []
    for _ in range(2):
        page.get_by_role("button", name="Use this microphone").click()
        page.get_by_text("live ·").wait_for(timeout=60_000)
        page.locator(".target tbody tr").first.wait_for(state="attached", timeout=60_000)
        page.get_by_role("button", name="Stop the microphone").click()
        page.get_by_text("ended ·").wait_for(timeout=60_000)
        names.append(page.locator("#stream-name").text_content())
    assert names[0] != names[1]
    page.locator(f'[data-stream="{names[0]}"]').click()
    page.reload()
    page.get_by_text("ended ·").wait_for(timeout=60_000)
    assert page.locator("#stream-name").text_content() == names[0]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_can_be_used_by_keyboard(
    monitor: str, browser: Any, width: str, scheme: str
) -> None:
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    page.goto(monitor)
    page.get_by_text("connected", exact=True).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
    assert {"Skip to the states", "Use this microphone", "Pause"} <= set(reached)
    page.get_by_role("button", name="Pause").press("Enter")
    assert page.get_by_role("button", name="Paused").get_attribute("aria-pressed") == "true"
    assert contrast(*page.evaluate(COLOURS)) >= 4.5


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of ``stimmung view`` with a recording that one classifier of two has heard nothing like."""
    folder = tmp_path_factory.mktemp("unlike")
    soundfile.write(folder / "one.wav", syllables(12.0), RATE)
    classifiers = [{"plugin": "acme-far"}, {"plugin": "acme-loud", "target": "power"}]
    description = acme(classifiers=classifiers, vote={"unsure_beyond": 0.01})
    replay([str(folder / "one.wav")], description, folder / "out")
    program = "from stimmung.engine.cli import main; main()"
    command = [sys.executable, "-c", program, "view", str(folder / "out"), "--listen", "127.0.0.1:0"]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    try:
        yield started.stdout.readline().split()[0]
    finally:
        started.kill()
        started.wait(60)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_voice_unlike_the_training_data_is_said_to_be_so(viewer: str, browser: Any, width: str) -> None:
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    page = browser.new_context(viewport=size).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(viewer)
    far, sound = (page.locator(f'.target[data-target="{target}"]') for target in ("arousal", "power"))
    said = "This voice is unlike everything the model was trained on."
    far.get_by_text(said).wait_for()
    assert far.locator(".badge").text_content() == "unsure"
    statuses = [card.locator("tbody tr td:last-child").first.text_content() for card in (far, sound)]
    assert statuses == ["unsure (unlike the training data)", "ok"]
    assert not sound.get_by_text(said).is_visible()
    assert not sound.locator(".badge").is_visible()
    assert page.locator("#streams small").text_content() == "ended · unlike the training data"
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert errors == []


COLOURS = """() => { const style = getComputedStyle(document.querySelector('.hint'));
    return [style.color, getComputedStyle(document.documentElement).backgroundColor]; }"""


def contrast(one: str, other: str) -> float:
    """The contrast of two CSS colours by WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
