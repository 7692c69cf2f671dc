"""Tables of a recipe: the corpora it is trained on, and the copies of their recordings."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType
from stimmung.engine.config.toml import NotNegative, Positive, Share, Table
from stimmung.engine.errors import ConfigError

Speed = Annotated[float, msgspec.Meta(ge=0.5, le=2)]


class CorpusTable(Table, frozen=True, kw_only=True):
    """One corpus of several, found by the ``name`` of its folder.

    ``weight`` multiplies what its recordings count for in training. ``column`` holds its labels, the recipe's
    target by default; ``aliases`` gives its own names for the recipe's labels, and ``others`` says what
    becomes of all other labels, as the recipe does by default; ``columns`` are its own names for columns, in
    place of the recipe's. Or every recording has the one ``label``, and
    no column is read. ``where`` keeps the rows with these values only. Corpora with the same ``people``
    share their speakers. ``copies`` is how many of the recipe's augmented copies are made of it, all by
    default. ``whole_if_unheard``: a recording without speech, such as a vocal burst, is trained on as a
    whole. One that is not ``tested`` is never left out by the protocol ``loco``.
    """

    name: str
    weight: Positive = 1.0
    column: str = ""
    columns: dict[str, str] | UnsetType = UNSET
    aliases: dict[str, str] = msgspec.field(default_factory=dict)
    label: str = ""
    where: dict[str, str] = msgspec.field(default_factory=dict)
    others: Literal["refuse", "leave_out"] | UnsetType = UNSET
    people: str = ""
    copies: Annotated[int, msgspec.Meta(ge=0)] | UnsetType = UNSET
    whole_if_unheard: bool = False
    tested: bool = True


class Augmentation(Table, frozen=True, kw_only=True):
    """Copies of every recording that are trained on as further voices, never tested.

    ``copies`` are their speeds, one for each: pitch, formants and tempo change together. To every copy of
    every recording each condition then happens with its probability, at a strength from its range:

    - ``room``: reverberation, decaying by 60 dB in ``rt60_s`` (s), the direct sound ``direct_db`` (dB) above
      it;
    - ``noise``: white, coloured or hum, the speech ``snr_db`` (dB) above it;
    - ``telephone``: the band of a telephone, with μ-law;
    - ``codec``: Opus or MP3 at ``kbit_s`` (kbit/s);
    - ``tilt``: a gentle slope of the spectrum;
    - ``dc``: a constant offset of up to ``dc_level`` (full scale is 1).

    The level changes by ``level_db`` (dB) with probability ``level``. What happens is seeded by the
    recording, the copy and ``seed``.
    """

    copies: Annotated[list[Speed], msgspec.Meta(min_length=1)]
    room: Share = 0.35
    rt60_s: tuple[Positive, Positive] = (0.2, 0.8)
    direct_db: tuple[float, float] = (0.0, 10.0)
    noise: Share = 0.4
    snr_db: tuple[float, float] = (8.0, 32.0)
    telephone: Share = 0.2
    codec: Share = 0.2
    kbit_s: tuple[Positive, Positive] = (8.0, 32.0)
    tilt: Share = 0.3
    level: Share = 0.6
    level_db: tuple[float, float] = (-25.0, 6.0)
    dc: Share = 0.1
    dc_level: NotNegative = 0.1
    seed: int = 0


def check_augmentation(table: Augmentation, where: str) -> None:
    """Raises ConfigError for a range that ends before it begins."""
    for name in ("rt60_s", "direct_db", "snr_db", "kbit_s", "level_db"):
        low, high = getattr(table, name)
        if low > high:
            raise ConfigError(
                f"{where}: augmentation.{name} ends before it begins",
                got=f"[{low:g}, {high:g}]",
                remedy="write the lower bound first",
            )
