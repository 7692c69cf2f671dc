"""Joint training: what hears and the head over it, by one loss, on some speakers.

A loop of its own and no framework: an epoch takes a second, which is what a framework spends between epochs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from stimmung.engine.errors import ProtocolError
from stimmung.engine.types import Floats
from stimmung.plugins.classify.svm import fit_temperature
from stimmung.plugins.extract.crnn import SEGMENTS
from stimmung.plugins.extract.multi_crnn import Scales
from torch import Tensor, nn

from ...recipes.joint_recipe import JointRecipe
from ..contract import Trained
from .augment import augmented
from .export import JointTraining
from .inference import CHUNK, Examples, Network, judge, padded
from .networks import Branch, Crnn, EndToEnd, Hearing, Joint, MultiCrnn
from .standardisation import Standard

Ints = npt.NDArray[np.int64]
FEW = 8  # recordings or windows convolved at once


@dataclass(slots=True)
class Watched:
    """The development speakers' scores at the best epoch so far, their loss, and which epoch that was."""

    loss: float = np.inf
    epochs: int = 0
    scores: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))


class JointTrainer:
    """Trains one network on the rows that a recipe's protocol gives it."""

    def __init__(self, recipe: JointRecipe) -> None:
        self._recipe = recipe

    def fit(
        self, features: Sequence[npt.NDArray[Any]], labels: Sequence[str], speakers: Sequence[str]
    ) -> Trained:
        """The network trained on one row a recording and window.

        ``features`` are the excerpts, then one (n, dim) matrix for every other input, NaN where it lacks.
        Raises ProtocolError when there are too few speakers to hold some out, or too few rows with an input.
        """
        settings = self._recipe.training
        who = np.asarray(speakers)
        classes, truth = np.unique(np.asarray(labels), return_inverse=True)
        dev = np.isin(who, self._development(sorted(set(speakers))))
        whole = np.array([example.whole for example in features[0].tolist()])
        watched = Watched()
        network = self._train(features, truth, ~dev, dev & whole, settings.epochs, watched, len(classes))
        beta = fit_temperature(watched.scores.astype(np.float64), truth[dev & whole])
        if settings.refit:
            everything = np.ones(len(who), bool)
            network = self._train(features, truth, everything, None, watched.epochs, Watched(), len(classes))
        network.beta = beta
        chosen = {"epochs": float(watched.epochs), "beta": beta, "development loss": watched.loss}
        _average(network, features, whole)
        return JointTraining(self._recipe, network, tuple(map(str, classes)), chosen)

    def _development(self, speakers: Sequence[str]) -> list[str]:
        count = self._recipe.training.dev_speakers
        if len(speakers) < count + 2:
            raise ProtocolError(
                "too few speakers to train a network on",
                got=f"{len(speakers)}, of which {count} only watch",
                expected=f"at least {count + 2}",
            )
        random = np.random.default_rng((self._recipe.training.seed, len(speakers)))
        return [speakers[k] for k in random.permutation(len(speakers))[:count]]

    def _train(
        self,
        features: Sequence[npt.NDArray[Any]],
        truth: Ints,
        known: npt.NDArray[np.bool_],
        dev: npt.NDArray[np.bool_] | None,
        epochs: int,
        watched: Watched,
        labels: int,
    ) -> Network:
        """A network trained on the ``known`` rows; with ``dev`` rows, as it was in the best epoch."""
        settings = self._recipe.training
        torch.manual_seed(settings.seed)
        random = np.random.default_rng(settings.seed)
        network = self._build(features, known, labels)
        rows = _rows(network, features, truth, known)
        loss = nn.CrossEntropyLoss(_weights(rows, labels), label_smoothing=settings.label_smoothing)
        averaged = copy.deepcopy(network.joint)
        step = Step(self._recipe, network.joint, averaged, loss, rows)
        watching = None if dev is None else _rows(network, features, truth, dev)
        best = averaged
        for epoch in range(1, epochs + 1):
            step.epoch(random)
            if watching is None:
                continue
            scores = judge(averaged, watching)
            now = float(loss(torch.from_numpy(scores), torch.from_numpy(watching.truth)))
            if now < watched.loss:
                watched.loss, watched.epochs, watched.scores = now, epoch, scores
                best = copy.deepcopy(averaged)
            elif epoch - watched.epochs >= settings.patience:
                break
        network.joint = best.eval()
        return network

    def _build(
        self, features: Sequence[npt.NDArray[Any]], known: npt.NDArray[np.bool_], labels: int
    ) -> Network:
        table = self._recipe.network
        hearing = _hearing(self._recipe.hearing)
        heard = [example.heard for example in features[0][known].tolist() if example.whole]
        hearing.standardise(torch.from_numpy(np.concatenate(heard)))
        names = [entry.name for entry in self._recipe.extractors]
        standards = [
            Standard.of(self._given(name, one[known].astype(np.float32)), table.clip_sd, table.rank)
            for name, one in zip(names[1:], features[1:], strict=True)
        ]
        sizes = [hearing.dim, *(len(standard.projection) for standard in standards)]
        dropout = self._recipe.training.dropout
        branches = {
            name: Branch(size, table.branches.get(name, []), dropout)
            for name, size in zip(names, sizes, strict=True)
        }
        return Network(Joint(hearing, branches, table.joint, labels), standards)

    def _given(self, name: str, features: Floats) -> Floats:
        """The rows that have this input."""
        missing = _missing(features)
        if not missing.any():
            return features
        given = features[~missing]
        if self._recipe.network.missing == "refuse":
            raise ProtocolError(
                f"a head that refuses what is incomplete cannot be trained on rows without '{name}'",
                got=f"{len(features) - len(given)} of {len(features)}",
                remedy='set missing = "average"',
            )
        if not len(given):
            raise ProtocolError(f"no row to train on has the input '{name}'", got=f"{len(features)} rows")
        return given


class Step:
    """One epoch after another of the same training, on these rows."""

    def __init__(
        self, recipe: JointRecipe, network: Joint, averaged: Joint, loss: nn.Module, rows: Examples
    ) -> None:
        settings = recipe.training
        self._recipe, self._network, self._averaged, self._loss = recipe, network, averaged, loss
        self._rows = rows
        wholes = [own[0] for own in _recordings(rows)]
        steps = settings.epochs * -(-len(wholes) // settings.batch)
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimiser, settings.learning_rate, steps)
        self._withheld = [recipe.withheld.get(table.name, 0.0) for table in recipe.extractors[1:]]
        lacking = {*recipe.texts, *recipe.withheld}
        self._wholes = {
            name: one[wholes]
            for name, one in zip(list(averaged.branches)[1:], rows.others, strict=True)
            if name in lacking
        }
        self._average()

    def epoch(self, random: np.random.Generator) -> None:
        """Every recording once: whole, or a window of it, or at another speed."""
        self._network.train()
        for batch in _batches(self._rows, self._recipe.training.batch, self._recipe.training.whole, random):
            heard, lengths = padded(batch.examples)
            heard = augmented(heard, lengths, self._recipe.augment, random)
            self._withhold(batch, random)
            others = [torch.from_numpy(one) for one in batch.others]
            self._optimiser.zero_grad()
            features = _heard(self._network.hearing, heard, lengths)
            scores = self._network.judged([features, *others])
            self._loss(scores, torch.from_numpy(batch.truth)).backward()
            self._optimiser.step()
            self._schedule.step()
            self._follow()
        self._average()

    def _withhold(self, batch: Examples, random: np.random.Generator) -> None:
        """Takes inputs away from some rows, so that what judges without them is trained too."""
        for one, share in zip(batch.others, self._withheld, strict=True):
            if share:
                one[random.random(len(one)) < share] = np.nan

    def _follow(self) -> None:
        """The moving average of the weights, which is what is judged and kept."""
        kept = self._recipe.training.average
        with torch.no_grad():
            for slow, fast in zip(self._averaged.parameters(), self._network.parameters(), strict=True):
                slow.lerp_(fast, 1 - kept)

    def _average(self) -> None:
        """What branches give on average whose input may be missing."""
        self._averaged.eval()
        with torch.no_grad():
            averages = {
                name: _mean(self._averaged.branches[name](torch.from_numpy(wholes)), wholes)
                for name, wholes in self._wholes.items()
            }
        for network in (self._averaged, self._network):
            network.settle(averages)


def _heard(hearing: Hearing, heard: Tensor, lengths: Tensor) -> Tensor:
    """The features of a padded batch, a few of similar length at a time: half of it would be padding."""
    order = torch.argsort(lengths, stable=True)
    few = torch.split(order, FEW)
    found = torch.cat([hearing(heard[own, : int(lengths[own].max())], lengths[own]) for own in few])
    return found[torch.argsort(order)]


def _batches(rows: Examples, size: int, whole: float, random: np.random.Generator) -> Iterator[Examples]:
    recordings = _recordings(rows)
    drawn = [
        own[0] if len(own) == 1 or random.random() < whole else own[random.integers(1, len(own))]
        for own in (recordings[k] for k in random.permutation(len(recordings)))
    ]
    for at in range(0, len(drawn), size):
        yield rows.of(np.array(drawn[at : at + size]))


def _recordings(rows: Examples) -> list[list[int]]:
    """The rows of each recording, the whole of it first; one normalised in two ways counts as two."""
    every: list[list[int]] = []
    latest: dict[int, list[int]] = {}
    for row, example in enumerate(rows.examples):
        if example.whole:
            every.append([])
            latest[example.recording] = every[-1]
        latest[example.recording].append(row)
    return every


def _rows(
    network: Network, features: Sequence[npt.NDArray[Any]], truth: Ints, chosen: npt.NDArray[np.bool_]
) -> Examples:
    others = [
        standard(one[chosen].astype(np.float32))
        for standard, one in zip(network.standards, features[1:], strict=True)
    ]
    return Examples(features[0][chosen].tolist(), others, truth[chosen])


def _weights(rows: Examples, labels: int) -> Tensor:
    """Labels count alike, however rare: by recordings, not windows."""
    truth = rows.truth[[own[0] for own in _recordings(rows)]]
    counts = np.bincount(truth, minlength=labels)
    return torch.tensor(len(truth) / labels / np.maximum(counts, 1), dtype=torch.float32)


def _hearing(plugin: str) -> Crnn | MultiCrnn:
    if plugin == "multi_crnn":
        return MultiCrnn(Scales())
    return EndToEnd(SEGMENTS) if plugin == "e2e_cnn_lstm" else Crnn(SEGMENTS)


def _average(network: Network, features: Sequence[npt.NDArray[Any]], whole: npt.NDArray[np.bool_]) -> None:
    """Gives each branch what it gives on average to the whole recordings that have its input."""
    rows = _rows(network, features, np.zeros(len(whole), np.int64), whole)
    network.joint.eval()
    with torch.no_grad():
        parts = [
            network.joint.parts(*padded(batch.examples), [torch.from_numpy(one) for one in batch.others])
            for batch in (
                rows.of(chosen)
                for chosen in np.array_split(np.arange(len(rows.truth)), 1 + len(rows.truth) // CHUNK)
            )
        ]
    heard = np.zeros((len(rows.truth), 1), np.float32)
    given = zip(network.joint.branches, zip(*parts, strict=True), [heard, *rows.others], strict=True)
    network.joint.settle({name: _mean(torch.cat(column), one) for name, column, one in given})


def _mean(given: Tensor, features: Floats) -> Tensor:
    """The mean over the rows of which there are features."""
    return given[torch.from_numpy(~_missing(features))].mean(dim=0)


def _missing(features: Floats) -> npt.NDArray[np.bool_]:
    """Which rows lack an input."""
    return np.asarray(np.isnan(features).any(axis=1), np.bool_)
