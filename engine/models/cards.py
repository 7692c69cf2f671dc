"""Model cards: what a trained model is, what it was trained on, and the proof that it is unaltered.

A model is a folder: ``card.toml`` and the files it names, each with its sha256. Nothing of a model is
loaded before :func:`verify` has passed. After "Model Cards for Model Reporting", Mitchell et al. 2019.
"""

from __future__ import annotations

import hashlib
import importlib.resources
from pathlib import Path

import msgspec

from ..config.toml import Options, Table, decode, read_toml
from ..errors import ConfigError, ModelError, nearest
from ..plugin import Input

CARD = "card.toml"
SHIPPED = "stimmung.models"


def content(path: Path) -> str:
    """What stands for the audio of a file: the sha256 of its bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class CardInput(Table, frozen=True):
    """One extractor the model was trained on, with the options it was built with."""

    name: str
    dim: int
    version: str
    options: Options = msgspec.field(default_factory=dict)


class TrainedOn(Table, frozen=True):
    """The training data: which corpus, whose, and how much of it."""

    corpus: str
    citation: str
    licence: str
    clips: int
    speakers: int
    hours: float


class Card(Table, frozen=True):
    """Everything a user needs to know before trusting a model.

    ``rate`` is in Hz. ``files`` maps each file of the folder to its sha256. ``protocol`` says how
    ``figures`` were measured; figures are shares of 1, an interval is [low, high]. ``created`` is an
    ISO date; ``versions`` are those of the libraries that trained the model, ``recipe`` the settings.
    """

    name: str
    plugin: str
    target: str
    labels: list[str]
    rate: int
    inputs: list[CardInput]
    trained_on: TrainedOn
    protocol: str
    figures: dict[str, float | list[float]]
    licence: str
    intended_use: str
    limits: str
    created: str
    versions: dict[str, str]
    recipe: Options = msgspec.field(default_factory=dict)
    files: dict[str, str] = msgspec.field(default_factory=dict)

    def plugin_inputs(self) -> tuple[Input, ...]:
        """The inputs as a :class:`~stimmung.engine.plugin.Classifier` declares them."""
        return tuple(Input(i.name, i.dim, i.version) for i in self.inputs)


def shipped_models() -> dict[str, Path]:
    """The models that come with the package: name → folder."""
    root = Path(str(importlib.resources.files(SHIPPED)))
    return {card.parent.name: card.parent for card in sorted(root.glob(f"*/{CARD}"))}


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a shipped model by its name, or of any model by its path."""
    shipped = shipped_models()
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    folder = Path(name_or_path)
    if (folder / CARD).is_file():
        return folder
    if folder.is_dir():
        raise ModelError(f"model folder '{folder}' has no {CARD}", remedy="train one with: stimmung train")
    raise ModelError(
        f"no model '{name_or_path}'",
        expected="a shipped model's name or a model folder",
        remedy=nearest(str(name_or_path), shipped),
    )


def load_card(folder: Path) -> Card:
    """The checked card of a model folder; raises ModelError."""
    path = folder / CARD
    try:
        card = decode(read_toml(path), Card, str(path))
    except ConfigError as error:
        raise ModelError(str(error)) from None
    for name in card.files:
        if Path(name).name != name:
            raise ModelError(f"{path} names a file outside its folder", got=f"'{name}'")
    return card


def verify(folder: Path, card: Card) -> None:
    """Returns when every file of the card is there with its sha256; raises ModelError otherwise."""
    if not card.files:
        raise ModelError(f"{folder / CARD} names no file", expected="at least one under [files]")
    for name, expected in card.files.items():
        got = _sha256(folder / name)
        if got != expected:
            raise ModelError(
                f"sha256 of '{folder / name}' does not match its card",
                got=got,
                expected=expected,
                remedy="the file was altered or is incomplete: restore it, or train the model again",
            )


def open_model(name_or_path: str | Path, plugin: str, file: str) -> tuple[Path, Card]:
    """The verified ``file`` of a model that was trained for ``plugin``, and its card; raises ModelError."""
    folder = find_model(name_or_path)
    card = load_card(folder)
    if card.plugin != plugin or file not in card.files:
        raise ModelError(
            f"model '{card.name}' is not for the plugin '{plugin}'",
            got=f"plugin '{card.plugin}' with files {', '.join(card.files)}",
            expected=f"plugin '{plugin}' with file {file}",
        )
    verify(folder, card)
    return folder / file, card


def write_card(folder: Path, card: Card) -> Path:
    """Writes ``card.toml`` beside the model's files, with the sha256 of each as it is now."""
    names = sorted(f.name for f in folder.iterdir() if f.is_file() and f.name != CARD)
    card = msgspec.structs.replace(card, files={name: _sha256(folder / name) for name in names})
    path = folder / CARD
    import tomli_w  # workers read cards and write none, and do without it

    path.write_text(tomli_w.dumps(msgspec.to_builtins(card), multiline_strings=True), encoding="utf-8")
    return path


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"cannot read model file '{path}'", got=str(error.strerror), remedy="restore it, or train again"
        ) from error
