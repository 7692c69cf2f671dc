"""What a model knows of the people it was trained on, kept beside its weights and named by its card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .cards import Card
from .weights import holds_no, read_arrays, write_arrays

FILE = "population.safetensors"
PRIOR = "prior_s"
WHAT = "population"


class Population(msgspec.Struct, frozen=True):
    """How one input of a classifier is distributed over the people it was trained on.

    ``mean`` is that of the speakers' means and ``deviation`` that within a speaker, each (dim,) as
    little-endian float32; ``prior_s``: the seconds of speech that they count for.
    """

    mean: bytes
    deviation: bytes
    prior_s: float

    @classmethod
    def of(cls, mean: npt.ArrayLike, deviation: npt.ArrayLike, prior_s: float) -> Self:
        """From two vectors, (dim,)."""
        return cls(np.asarray(mean, "<f4").tobytes(), np.asarray(deviation, "<f4").tobytes(), prior_s)

    @property
    def dim(self) -> int:
        """The number of features, 0 where the two vectors differ in length."""
        return len(self.mean) // 4 if len(self.mean) == len(self.deviation) else 0


def read_populations(folder: Path, card: Card) -> tuple[Population | None, ...]:
    """The population of each input of the verified model in ``folder``, none if it has none; ModelError."""
    if FILE not in card.files:
        return ()
    path = folder / FILE
    header, arrays = read_arrays(path, WHAT)
    try:
        prior_s = float(header[PRIOR])
        return tuple(
            Population.of(arrays[f"{one.name}.mean"], arrays[f"{one.name}.deviation"], prior_s)
            if f"{one.name}.mean" in arrays
            else None
            for one in card.inputs
        )
    except (KeyError, ValueError) as error:
        raise holds_no(WHAT, path, error) from error


def write_populations(folder: Path, populations: Mapping[str, Population], prior_s: float) -> None:
    """Writes what :func:`read_populations` reads, by the name of the input; a card is written after."""
    arrays = {
        f"{name}.{part}": np.frombuffer(getattr(one, part), "<f4")
        for name, one in populations.items()
        for part in ("mean", "deviation")
    }
    write_arrays(folder / FILE, {PRIOR: repr(prior_s)}, arrays)


OFFSET_FILE = "offset.safetensors"
OFFSET_WHAT = "model of a speaker's offset"
SETTINGS = "offset"
SINGLES = ("mean", "scale", "weights")
DOUBLES = ("centres", "within", "between", "offset")


class OffsetModel(msgspec.Struct, frozen=True, kw_only=True):
    """How the scores of a segment follow from its label, its speaker and the room, see
    :mod:`.streaming.speaker.offset`.

    A segment's features x, (dim,), have the scores ``weights @ ((x - mean) / scale)``, (d,). Scores are
    distributed around ``centres``, (K, d), one for each of ``labels``, with covariance ``within``; a speaker
    moves all of them by an offset with mean ``offset``, (d,), and covariance ``between``, (d, d), and
    stretches their distances from that of the label at the position ``neutral`` by one of
    ``expressiveness``, which have the weights ``shares``. ``prior``, one number for each label, is the
    operating point: how often each is expected, up to a factor. At most ``hypotheses`` are kept for each
    expressiveness. An offset is half forgotten after ``forget_s`` seconds of speech, never where that is 0.
    ``mean``, ``scale`` and ``weights`` are little-endian float32, ``centres``, ``within``, ``between`` and
    ``offset`` little-endian float64.
    """

    labels: tuple[str, ...]
    mean: bytes
    scale: bytes
    weights: bytes
    centres: bytes
    within: bytes
    between: bytes
    offset: bytes
    expressiveness: tuple[float, ...]
    shares: tuple[float, ...]
    prior: tuple[float, ...]
    neutral: int
    hypotheses: int = 12
    forget_s: float = 0.0

    @classmethod
    def of(cls, arrays: Mapping[str, npt.ArrayLike], **settings: Any) -> Self:
        """From the arrays by name and all other fields."""
        packed: dict[str, Any] = {name: np.asarray(arrays[name], "<f4").tobytes() for name in SINGLES}
        packed |= {name: np.asarray(arrays[name], "<f8").tobytes() for name in DOUBLES}
        return cls(**packed, **settings)

    @property
    def dim(self) -> int:
        """The number of features."""
        return len(self.mean) // 4

    @property
    def digest(self) -> str:
        """The sha256 of all that gives an offset its meaning.

        That is everything but ``prior`` and ``forget_s``, which a pipeline may set: an offset that was learnt
        under one setting holds under another.
        """
        lasting = msgspec.structs.replace(self, prior=(), forget_s=0.0)
        return hashlib.sha256(msgspec.msgpack.encode(lasting)).hexdigest()

    @property
    def scores(self) -> int:
        """The number of scores, d."""
        return len(self.offset) // 8

    def array(self, name: str) -> npt.NDArray[np.float64]:
        """One of the arrays, in its shape."""
        kind = "<f4" if name in SINGLES else "<f8"
        numbers = np.frombuffer(getattr(self, name), kind).astype(np.float64)
        return numbers if name in ("mean", "scale", "offset") else numbers.reshape(-1, self._columns(name))

    def _columns(self, name: str) -> int:
        return self.dim if name == "weights" else self.scores

    def misfit(self) -> str:
        """What contradicts itself in it, empty where nothing does."""
        dim, count, labels = self.dim, self.scores, len(self.labels)
        lengths = {
            "mean": 4 * dim,
            "scale": 4 * dim,
            "weights": 4 * dim * count,
            "centres": 8 * labels * count,
            "within": 8 * count**2,
            "between": 8 * count**2,
            "offset": 8 * count,
        }
        for name, length in lengths.items():
            if len(getattr(self, name)) != length or not length:
                return f"{name} of {len(getattr(self, name))} bytes instead of {length}"
            if not np.isfinite(self.array(name)).all():
                return f"{name} that is not finite"
        if not (self.array("scale") > 0).all():
            return "scale that is not above 0"
        if np.linalg.eigvalsh(self.array("within")).min() <= 0:
            return "within that is not positive definite"
        if len(self.prior) != labels or min(self.prior) <= 0:
            return f"prior {self.prior} of {labels} labels"
        if not self.shares or len(self.shares) != len(self.expressiveness) or min(self.shares) <= 0:
            return f"shares {self.shares} of expressiveness {self.expressiveness}"
        if not 0 <= self.neutral < labels or self.hypotheses < 1 or self.forget_s < 0:
            return f"neutral {self.neutral}, hypotheses {self.hypotheses}, forget_s {self.forget_s:g}"
        return ""


def read_offset(folder: Path, card: Card) -> OffsetModel | None:
    """The offset model of the verified model in ``folder``, None if it has none; ModelError."""
    if OFFSET_FILE not in card.files:
        return None
    path = folder / OFFSET_FILE
    header, arrays = read_arrays(path, OFFSET_WHAT)
    try:
        settings = msgspec.json.decode(header[SETTINGS])
        model = msgspec.convert(
            msgspec.to_builtins(OffsetModel.of(arrays, **settings), builtin_types=(bytes,)), OffsetModel
        )
    except (KeyError, TypeError, ValueError) as error:
        raise holds_no(OFFSET_WHAT, path, error) from error
    problem = model.misfit() or ("" if list(model.labels) == card.labels else f"labels {model.labels}")
    if problem:
        raise ModelError(
            f"model file '{path}' holds no {OFFSET_WHAT}", got=problem, remedy="train the model again"
        )
    return model


def write_offset(folder: Path, model: OffsetModel) -> None:
    """Writes what :func:`read_offset` reads; a card is written after."""
    arrays = {
        name: model.array(name).astype("<f4" if name in SINGLES else "<f8") for name in (*SINGLES, *DOUBLES)
    }
    settings = {
        key: value
        for key, value in msgspec.to_builtins(model, builtin_types=(bytes,)).items()
        if key not in arrays
    }
    write_arrays(folder / OFFSET_FILE, {SETTINGS: msgspec.json.encode(settings).decode()}, arrays)
