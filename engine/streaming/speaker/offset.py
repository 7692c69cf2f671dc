"""The offset of whoever speaks, and of the room, inferred while it is unknown what emotion is shown.

Standardising by what a stream has held so far supposes that everybody shows all emotions equally often. Who
mostly speaks neutrally is then stretched until neutral speech looks like something. Here the scores z of a
segment are

    z = c_n + g (c_k - c_n) + s + e

with the centre c_k of its unknown label k (n: neutral), the offset s ~ N(m, S_s) of speaker and room, an
expressiveness g out of a few, and the rest e ~ N(0, S_w). Given the labels so far and g, the posterior of s
is that of a Kalman filter; the labels are not given, so one such filter is kept for each of the likeliest
sequences of them: a Gaussian sum (Alspach and Sorenson 1972, "Nonlinear Bayesian Estimation Using Gaussian
Sum Approximations", IEEE Transactions on Automatic Control 17(4)). All sequences of one length share a
covariance, as S_w is the same for every label. The answer is the posterior of the label of the segment at
hand.

With ``forget_s`` the offset is no constant: it returns to m as an Ornstein-Uhlenbeck process whose stationary
distribution is N(m, S_s), half of it after as many seconds of speech, so that a changed room is learnt anew.

Plain float64 arithmetic in the order of the segments: the same numbers live, in replay and in batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...models.statistics import OffsetModel
from ...types import Floats, Segment, read_only

BOUND_SD = 20.0  # one glitch must not decide over a stream's offset for long
FLOOR = 1e-12  # of a posterior probability
STATE = ("means", "log_weights", "covariance")

Doubles = npt.NDArray[np.float64]


class OffsetFilter:
    """The posterior of one stream's offset and, by it, of the label of each segment; segments in their
    order."""

    def __init__(self, model: OffsetModel) -> None:
        self._model = model
        stretch = np.array(model.expressiveness)[:, np.newaxis, np.newaxis]
        centres = model.array("centres")
        neutral = centres[model.neutral]
        self._centres = neutral + stretch * (centres - neutral)  # (G, K, d)
        self._within, self._between = model.array("within"), model.array("between")
        self._offset = model.array("offset")
        self._prior = np.log(np.array(model.prior) / np.sum(model.prior))
        count = len(model.expressiveness)
        self._means = np.tile(self._offset, (count, 1, 1))  # (G, hypotheses, d)
        self._log_weights = np.log(np.array(model.shares) / np.sum(model.shares))[:, np.newaxis]
        self._covariance = self._between

    def add(self, scores: Doubles, weight: float, settled: bool = True, speech_s: float = 0.0) -> Doubles:
        """The logarithm of the posterior of every label, (K,), for a segment with these scores, (d,).

        The answer takes the segment for one whole observation. What is learnt of the speaker from a
        ``settled`` segment counts for ``weight``, the share of its speech that no settled segment before
        held, 0 to 1; one that is not settled, or holds nothing new, is answered and changes nothing.
        ``speech_s``: the seconds of speech since the last settled segment, by which ``forget_s`` counts.
        """
        means, covariance = self._drifted(speech_s)
        residuals = scores - self._centres[:, np.newaxis] - means[:, :, np.newaxis]  # (G, hypotheses, K, d)
        joint, gain = self._joint(residuals, covariance, 1.0)
        top = joint.max()
        powers = np.exp(joint - top)
        answer: Doubles = np.log(powers.sum(axis=(0, 1)) / powers.sum() + FLOOR)
        if settled and weight > 0:
            if weight < 1:
                joint, gain = self._joint(residuals, covariance, weight)
            self._learn(joint, means[:, :, np.newaxis] + residuals @ gain.T)
            self._covariance = covariance - gain @ covariance
        return answer

    def _drifted(self, speech_s: float) -> tuple[Doubles, Doubles]:
        """(means, covariance) of the hypotheses after so many more seconds of speech."""
        if not self._model.forget_s or not speech_s:
            return self._means, self._covariance
        left = 0.5 ** (speech_s / self._model.forget_s)
        means = self._offset + left * (self._means - self._offset)
        return means, self._between + left**2 * (self._covariance - self._between)

    def _joint(self, residuals: Doubles, covariance: Doubles, weight: float) -> tuple[Doubles, Doubles]:
        """(log weight of each hypothesis with each label, (G, hypotheses, K); the Kalman gain, (d, d)).

        A part of an observation has as much more variance, and as much less of the prior of its label: the
        overlapping windows over one utterance count as much as the utterance.
        """
        inverse = np.linalg.inv(covariance + self._within / weight)
        distance = ((residuals @ inverse) * residuals).sum(axis=-1)
        joint = self._log_weights[:, :, np.newaxis] + weight * self._prior - 0.5 * distance
        return joint, covariance @ inverse

    def _learn(self, joint: Doubles, means: Doubles) -> None:
        """Keeps the likeliest hypotheses of each expressiveness, whose weight stays what it was with all."""
        count, most = len(joint), self._model.hypotheses
        top = joint.max()
        log_weights = (joint - top - np.log(np.exp(joint - top).sum())).reshape(count, -1)
        means = means.reshape(count, -1, means.shape[-1])
        if log_weights.shape[1] > most:
            # Of equals the first, on every machine.
            kept = np.argsort(-log_weights, axis=1, kind="stable")[:, :most]
            whole = _log_sum(log_weights)
            log_weights = np.take_along_axis(log_weights, kept, 1)
            log_weights += whole - _log_sum(log_weights)
            means = np.take_along_axis(means, kept[:, :, np.newaxis], 1)
        self._log_weights, self._means = log_weights, means

    @property
    def offset(self) -> Doubles:
        """The posterior mean of the offset, (d,)."""
        weights = np.exp(self._log_weights)[:, :, np.newaxis]
        mean: Doubles = (weights * self._means).sum(axis=(0, 1)) / weights.sum()
        return mean

    @property
    def expressiveness(self) -> float:
        """The posterior mean of the expressiveness."""
        weights = np.exp(self._log_weights).sum(axis=1)
        return float(weights @ np.array(self._model.expressiveness) / weights.sum())

    def state(self) -> dict[str, Doubles]:
        """All that was learnt, as plain arrays: ``means``, ``log_weights`` and ``covariance``."""
        return dict(zip(STATE, (self._means, self._log_weights, self._covariance), strict=True))

    def restore(self, state: Mapping[str, Doubles]) -> None:
        """Takes what :meth:`state` of a filter of the same model gave; InputError for anything else."""
        means, log_weights, covariance = (np.asarray(state.get(name, ()), np.float64) for name in STATE)
        count, most, dim = len(self._centres), self._model.hypotheses, self._model.scores
        hypotheses = means.shape[1] if means.ndim == 3 else 0
        shapes = (means.shape, log_weights.shape, covariance.shape)
        expected = ((count, hypotheses, dim), (count, hypotheses), (dim, dim))
        finite = all(np.isfinite(array).all() for array in (means, log_weights, covariance))
        if shapes != expected or not 0 < hypotheses <= most or not finite:
            raise InputError(
                "this is not the offset of a speaker by this model",
                got=f"arrays of {', '.join(map(str, shapes))}",
                expected=f"finite, ({count}, 1 to {most}, {dim}), the same without {dim}, ({dim}, {dim})",
                remedy="delete what was remembered",
            )
        self._means, self._log_weights, self._covariance = means, log_weights, covariance

    def copy(self) -> OffsetFilter:
        """One that has learnt the same and goes its own way from here."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)  # arrays are replaced and never written to
        return other


class InferredOffset:
    """The input of one classifier over one stream, and beside it what its offset says of the label.

    ``speech_s``: the seconds of speech that ``filter`` has learnt from.
    """

    def __init__(self, model: OffsetModel) -> None:
        self.filter = OffsetFilter(model)
        self.speech_s = 0.0
        self._projection = Projection(model)

    def add(self, segment: Segment, speech_s: float, inputs: Sequence[Floats] | None) -> list[Floats] | None:
        """The input, (dim,), and the log posteriors, (K,), of the next segment; None where it was lost.

        ``speech_s``: the seconds of speech that no settled segment before held. A missing input, NaN, has no
        posteriors and counts for nothing.
        """
        if inputs is None:
            return None
        (values,) = inputs
        if np.isnan(values).any():
            return [values]
        # In samples, so that a segment that is all new counts for 1 and nothing beside it.
        spoken = round(segment.speech * segment.span.length)
        weight = min(1.0, round(speech_s * segment.span.rate) / spoken) if spoken else 0.0
        return [values, self.evidence(values, weight, segment.settled, speech_s)]

    def evidence(self, values: Floats, weight: float, settled: bool = True, speech_s: float = 0.0) -> Floats:
        """The log posteriors, (K,), of features, (dim,), see :meth:`OffsetFilter.add`."""
        if settled and weight > 0:
            self.speech_s += speech_s
        return read_only(self.filter.add(self._projection.scores(values), weight, settled, speech_s))

    def copy(self) -> InferredOffset:
        """One that has learnt the same and goes its own way from here."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.filter = self.filter.copy()
        return other


class Projection:
    """From the features of a segment to its scores."""

    def __init__(self, model: OffsetModel) -> None:
        self._mean, self._scale = model.array("mean"), model.array("scale")
        self._weights = model.array("weights")

    def scores(self, values: Floats) -> Doubles:
        """(dim,) → (d,)."""
        standard = np.clip((values - self._mean) / self._scale, -BOUND_SD, BOUND_SD)
        # Not a BLAS product: its summation order differs between processors.
        scores: Doubles = (self._weights * standard).sum(axis=1)
        return scores


def _log_sum(values: Doubles) -> Doubles:
    """log Σ exp over the last axis, which stays."""
    top = values.max(axis=-1, keepdims=True)
    total: Doubles = top + np.log(np.exp(values - top).sum(axis=-1, keepdims=True))
    return total
