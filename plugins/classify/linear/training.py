"""Trains the linear classifier, its model of speakers' offsets, and the calibration of both.

Whatever is estimated of scores is estimated on those of persons who made none of them: of folds of persons,
each scored by a training without them and aligned with the space of the training with all. Otherwise the
rest within voices would look smaller than it is for strangers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from stimmung.engine.errors import ConfigError, ProtocolError
from stimmung.engine.models.statistics import OffsetModel, write_offset
from stimmung.engine.streaming.speaker.offset import OffsetFilter
from stimmung.engine.types import Bools, Floats

from .estimation import (
    Doubles,
    Ints,
    Standard,
    aligned,
    class_balanced,
    directions,
    mixture,
    principal,
    ridge,
)
from .model import NAME, LinearModel, Space, log_softmax, write_model

LIMIT = 0.99  # of the training rows, by their distance
EXPRESSIVENESS = (0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Data:
    """What is trained on: rows (n, dim); labels, persons, voices and corpora as positions; weights (n,)."""

    rows: Doubles
    labels: Ints
    persons: Ints
    voices: Ints
    corpora: Ints
    weights: Doubles

    def of(self, chosen: Any) -> Data:
        """The chosen rows."""
        fields = (self.rows, self.labels, self.persons, self.voices, self.corpora, self.weights)
        return Data(*(field[chosen] for field in fields))


class Trainer:
    """Trains the classifier; its options are those of a recipe's ``[classifier]`` table.

    ``penalty`` is that of the plain classifier's ridge regression and ``offset_penalty`` that of the
    directions in which offsets are inferred, both in units of a standardised feature's variance. ``widen``
    multiplies the covariance of offsets: strangers differ more than training speakers. ``expressiveness``
    are the shares of the distance to ``neutral`` that emotions may have, all equally likely;
    ``neutral_prior`` is how much likelier neutral speech is expected to be than any other label. Labels
    without ``neutral`` are all equally likely, at full expressiveness. ``plain_share`` is the plain
    classifier's share of the mixture, 0 to 1; ``neutral_bias`` is added to neutral's log probability in it,
    and ``temperature`` divides all, 0 for one that is fitted on training speakers left out.
    ``estimate_from``: the corpora whose speakers give centres, offsets and temperatures, as far as they are
    trained on; all if empty.
    Persons are split into ``folds`` by ``seed``.
    """

    takes_voices: ClassVar = True

    def __init__(
        self,
        penalty: float = 0.5,
        offset_penalty: float = 1.0,
        widen: float = 2.0,
        expressiveness: list[float] | None = None,
        neutral_prior: float = 2.0,
        plain_share: float = 0.0,
        neutral_bias: float = 0.0,
        temperature: float = 0.0,
        neutral: str = "neutral",
        estimate_from: list[str] | None = None,
        seed: int = 0,
        folds: int = 4,
    ) -> None:
        self._penalty, self._offset_penalty, self._widen = penalty, offset_penalty, widen
        self._expressiveness = tuple(expressiveness if expressiveness is not None else EXPRESSIVENESS)
        self._neutral, self._neutral_prior, self._neutral_bias = neutral, neutral_prior, neutral_bias
        self._plain_share, self._estimate_from = plain_share, estimate_from or []
        self._temperature = temperature
        self._seed, self._folds = seed, folds
        above = {
            "penalty": penalty,
            "offset_penalty": offset_penalty,
            "widen": widen,
            "neutral_prior": neutral_prior,
        }
        above["expressiveness"] = min(self._expressiveness, default=0.0)
        for key, value in above.items():
            if not value > 0:
                raise ConfigError(f"option '{key}' of plugin '{NAME}'", got=repr(value), expected="above 0")
        if not 0 <= plain_share <= 1:
            raise ConfigError(
                f"option 'plain_share' of plugin '{NAME}'", got=repr(plain_share), expected="0 to 1"
            )
        if temperature < 0:
            raise ConfigError(
                f"option 'temperature' of plugin '{NAME}'", got=repr(temperature), expected="0 or above"
            )
        if folds < 2:
            raise ConfigError(f"option 'folds' of plugin '{NAME}'", got=repr(folds), expected="2 or more")

    def fit(
        self,
        features: Sequence[Floats],
        labels: Sequence[str],
        speakers: Sequence[str],
        *,
        voices: Sequence[str] | None = None,
        corpora: Sequence[str] | None = None,
        weights: Sequence[float] | None = None,
    ) -> Training:
        """A classifier trained on these rows alone: one (n, dim) matrix, and for each row as below.

        ``speakers`` are persons, none of whom is on both sides of any split made here; ``voices`` a person as
        heard in one way, such as at another speed, with an offset of its own (the person by default);
        ``corpora`` one by default; ``weights`` what rows count for before labels are balanced, the same
        by default. Raises ProtocolError when there are fewer than two persons or labels.
        """
        if len(features) != 1:
            raise ConfigError(
                f"classifier '{NAME}' has one input", got=f"{len(features)} extractors", remedy="leave one"
            )
        for what, values in (("speakers", speakers), ("labels", labels)):
            if len(set(values)) < 2:
                raise ProtocolError(
                    f"a calibrated '{NAME}' cannot be trained",
                    got=f"{what} {', '.join(sorted(set(values))) or 'none'}",
                    expected=f"at least two {what} to train on",
                )
        names, truth = _positions(labels)
        corpus_names, corpus = _positions(corpora if corpora is not None else ["" for _ in labels])
        given = np.ones(len(truth)) if weights is None else np.asarray(weights, np.float64)
        data = Data(
            np.asarray(features[0], np.float64),
            truth,
            _positions(speakers)[1],
            _positions(voices if voices is not None else speakers)[1],
            corpus,
            class_balanced(given, truth),
        )
        return self._fit(data, tuple(names), self._estimated(names, corpus_names, data))

    def _estimated(self, names: list[str], corpus_names: list[str], data: Data) -> Bools:
        """Which rows give centres and offsets."""
        named = [name for name in self._estimate_from if name in corpus_names]  # others are left out for now
        if self._estimate_from and not named:
            raise ConfigError(
                f"option 'estimate_from' of plugin '{NAME}' names no corpus of this training",
                got=", ".join(self._estimate_from),
                expected=", ".join(name or "none, as there is one only" for name in corpus_names),
            )
        chosen = [corpus_names.index(name) for name in named] or [*range(len(corpus_names))]
        rows = np.isin(data.corpora, chosen)
        lost = sorted({names[label] for label in data.labels} - {names[label] for label in data.labels[rows]})
        if lost:
            raise ProtocolError(
                f"the corpora of 'estimate_from' lack labels of '{NAME}'",
                got=f"nobody who shows {', '.join(lost)}",
                expected=", ".join(names),
            )
        return rows

    def _fit(self, data: Data, names: tuple[str, ...], estimated: Bools) -> Training:
        full = _Part.of(data, self._penalty, self._offset_penalty)
        held_out = self._held_out(data, full, len(names))
        scale = fit_scale(held_out.plain, data.labels, data.weights)
        standard = full.standard
        space = Space(*full.space, limit=max(float(np.quantile(held_out.distance, LIMIT)), 1e-9))
        offsets = np.array([self._neutral_bias if name == self._neutral else 0.0 for name in names])
        model = LinearModel(
            standard.mean,
            standard.scale,
            np.ascontiguousarray(full.weights * scale),
            full.bias * scale,
            self._plain_share,
            offsets,
            1.0,
            space,
        )
        part = data.of(estimated)
        scores = held_out.scores[estimated]
        offset = self._offset_model(full, scores, part, names)
        evidence = self._streams(offset, scores, part)
        mixed = model.mixed(log_softmax(held_out.plain[estimated] * scale), evidence)
        balanced = class_balanced(part.weights, part.labels)
        temperature = self._temperature or 1 / fit_scale(mixed, part.labels, balanced)
        chosen = {"scale": scale, "temperature": temperature}
        return Training(replace(model, temperature=temperature), offset, names, chosen)

    def _held_out(self, data: Data, full: _Part, count: int) -> _HeldOut:
        """What trainings without each fold of persons make of that fold."""
        persons = np.unique(data.persons)
        shuffled = np.random.default_rng(self._seed).permutation(persons)
        fold_of = {person: at % min(self._folds, len(persons)) for at, person in enumerate(shuffled)}
        fold = np.array([fold_of[person] for person in data.persons])
        n = len(data.labels)
        found = _HeldOut(np.zeros((n, count)), np.zeros((n, len(full.directions))), np.zeros(n))
        reference = full.scores(data.rows)
        for at in np.unique(fold):
            out, known = fold == at, fold != at
            part = _Part.of(data.of(known), self._penalty, self._offset_penalty, count)
            found.plain[out] = part.plain(data.rows[out])
            found.scores[out] = aligned(part.scores(data.rows), reference, known, data.weights)[out]
            space = Space(*part.space, limit=1.0)
            found.distance[out] = [space.distance(row) for row in part.standard.apply(data.rows[out])]
        return found

    def _offset_model(self, full: _Part, scores: Doubles, part: Data, names: tuple[str, ...]) -> OffsetModel:
        found = mixture(scores, part.labels, part.voices, part.corpora, part.weights, self._widen)
        has_neutral = self._neutral in names
        neutral = names.index(self._neutral) if has_neutral else 0
        expressiveness = self._expressiveness if has_neutral else (1.0,)
        prior = [self._neutral_prior if has_neutral and at == neutral else 1.0 for at in range(len(names))]
        return OffsetModel.of(
            {
                "mean": full.standard.mean,
                "scale": full.standard.scale,
                "weights": full.directions,
                "centres": found.centres,
                "within": found.within,
                "between": found.between,
                "offset": found.offset,
            },
            labels=names,
            expressiveness=expressiveness,
            shares=tuple(1 / len(expressiveness) for _ in expressiveness),
            prior=tuple(prior),
            neutral=neutral,
        )

    def _streams(self, offset: OffsetModel, scores: Doubles, part: Data) -> Doubles:
        """The log posteriors of every row, (n, labels), each voice a stream in a seeded order."""
        evidence = np.zeros((len(scores), len(offset.labels)))
        for voice in np.unique(part.voices):
            own = np.flatnonzero(part.voices == voice)
            heard = OffsetFilter(offset)
            for row in np.random.default_rng([self._seed, int(voice)]).permutation(own):
                evidence[row] = heard.add(scores[row], 1.0)
        return evidence


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """By models of other persons: ``plain`` (n, labels), ``scores`` (n, d), ``distance`` (n,)."""

    plain: Doubles
    scores: Doubles
    distance: Doubles


@dataclass(frozen=True, slots=True)
class _Part:
    """One training: the plain classifier, the directions of offsets, and where its rows lie."""

    standard: Standard
    weights: Doubles
    bias: Doubles
    directions: Doubles
    space: tuple[Doubles, Doubles, Doubles]

    @classmethod
    def of(cls, data: Data, penalty: float, offset_penalty: float, count: int = 0) -> _Part:
        standard = Standard.of(data.rows, data.weights)
        rows = standard.apply(data.rows)
        weights, bias = ridge(rows, data.labels, count or int(data.labels.max()) + 1, data.weights, penalty)
        groups = data.corpora if len(np.unique(data.corpora)) > 1 else data.labels
        return cls(
            standard,
            weights,
            bias,
            directions(rows, data.labels, data.voices, data.weights, offset_penalty),
            principal(rows, groups, data.weights),
        )

    def plain(self, rows: Doubles) -> Doubles:
        scores: Doubles = self.standard.apply(rows) @ self.weights.T + self.bias
        return scores

    def scores(self, rows: Doubles) -> Doubles:
        scores: Doubles = self.standard.apply(rows) @ self.directions.T
        return scores


@dataclass(frozen=True, slots=True)
class Training:
    """A trained classifier: it predicts as :class:`Linear` will, and can be saved for it.

    ``labels`` are in the order of the columns of :meth:`predict`; ``chosen`` holds what was fitted.
    """

    model: LinearModel
    offset: OffsetModel
    labels: tuple[str, ...]
    chosen: dict[str, float]

    def predict(self, features: Sequence[Floats]) -> Floats:
        """One (n, dim) matrix, or that and the log posteriors (n, labels) → probabilities, (n, labels)."""
        return self.model.probabilities(*features)

    def save(self, folder: Path) -> None:
        """Writes the model's files into ``folder``; its card is the caller's to write."""
        write_model(folder, self.model, self.labels)
        write_offset(folder, self.offset)


def fit_scale(scores: Doubles, labels: Ints, weights: Doubles) -> float:
    """The factor for (n, labels) scores at which their softmax makes the labels likeliest."""
    from scipy.optimize import minimize_scalar

    picked = np.arange(len(labels)), labels

    def loss(log_scale: float) -> float:
        return -float(weights @ log_softmax(scores * np.exp(log_scale))[picked])

    return float(np.exp(minimize_scalar(loss, bounds=(-7.0, 7.0), method="bounded").x))


def _positions(values: Sequence[str]) -> tuple[list[str], Ints]:
    names, positions = np.unique(np.asarray(values, dtype=str), return_inverse=True)
    return [*map(str, names)], positions.astype(np.int64)
