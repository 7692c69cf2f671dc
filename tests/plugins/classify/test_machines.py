"""The linear machines: the optimum that liblinear approaches, however it is come by."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from stimmung.engine.types import Floats
from stimmung.plugins.classify import machines
from stimmung.plugins.classify.machines import Machines
from stimmung.plugins.classify.standard import Moments, Standard


def rows(count: int, dim: int, labels: int) -> tuple[Floats, machines.Ints]:
    """Overlapping classes of unequal size, and a column of ones."""
    random = np.random.default_rng(0)
    truth = random.choice(labels, count, p=np.arange(1, labels + 1) / np.arange(1, labels + 1).sum())
    found = random.normal(size=(count, dim + 1)) + random.normal(size=(labels, dim + 1))[truth] * 0.3
    found[:, -1] = 1
    return found.astype(np.float32), truth


def liblinear(given: Floats, truth: machines.Ints, cost: float) -> Floats:
    svc = LinearSVC(
        C=cost, class_weight="balanced", fit_intercept=False, tol=1e-6, max_iter=100_000, random_state=0
    )
    return np.asarray(svc.fit(given, truth).coef_.T)


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize(("dim", "cost"), [(600, 1e-3), (20, 0.1), (600, 1.0)])
def test_the_weights_are_those_that_liblinear_approaches(labels: int, dim: int, cost: float) -> None:
    given, truth = rows(450, dim, labels)
    weights = Machines(given, truth, labels, cost).train(cost, precision=1e-7)
    np.testing.assert_allclose(given @ weights, given @ liblinear(given, truth, cost), atol=2e-3)


def test_a_start_from_similar_machines_leads_to_the_same_weights() -> None:
    given, truth = rows(300, 400, 3)
    cold = Machines(given, truth, 3, 1e-3)
    scores = given @ Machines(given[::3], truth[::3], 3, 1e-3).train(1e-3)
    np.testing.assert_allclose(given @ cold.train(1e-3, scores), given @ cold.train(1e-3), atol=2e-3)
    np.testing.assert_allclose(given @ cold.train(1e-3, -9 * scores), given @ cold.train(1e-3), atol=2e-3)


def test_rows_too_many_for_their_products_are_left_to_liblinear(monkeypatch: pytest.MonkeyPatch) -> None:
    given, truth = rows(300, 40, 3)
    expected = given @ Machines(given, truth, 3, 1e-2).train(1e-2)
    monkeypatch.setattr(machines, "LARGEST", 299)
    monkeypatch.setattr(machines, "LIBLINEAR", 1e-5)
    np.testing.assert_allclose(given @ Machines(given, truth, 3, 1e-2).train(1e-2), expected, atol=2e-3)


def test_moments_of_groups_together_are_those_of_all_their_rows() -> None:
    given = rows(90, 30, 3)[0] * 10 ** np.float32(np.random.default_rng(1).uniform(-6, 6, 31)) + 1
    groups = [np.arange(k, 90, 4) for k in range(4)]
    standard = Standard(given, groups, 5.0)
    for left_out in (None, 2):
        known = [own for k, own in enumerate(groups) if k != left_out]
        scaler = StandardScaler().fit(given[np.concatenate(known)].astype(np.float64))
        moments = standard.moments(left_out)
        np.testing.assert_allclose(moments.mean, scaler.mean_, rtol=1e-9)
        np.testing.assert_allclose(moments.deviation, scaler.scale_, rtol=1e-6)
        expected = np.clip(scaler.transform(given.astype(np.float64)), -5, 5)
        found = standard.rows(np.arange(90), moments)
        np.testing.assert_allclose(found[:, :-1], expected, atol=2e-5)
        assert (found[:, -1] == 1).all()


def test_a_feature_that_varies_by_rounding_alone_keeps_its_unit() -> None:
    assert Moments.of(np.full((9, 1), 0.1, np.float32)).deviation.tolist() == [1]
