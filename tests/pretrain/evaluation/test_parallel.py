"""Folds in several processes: the same results, and a progress that only goes up."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from stimmung.engine.errors import ProtocolError
from stimmung.pretrain.evaluation.folds import Fold
from stimmung.pretrain.evaluation.parallel import Tick, each

FOLDS = [Fold(name, ("a",), (name,)) for name in "xyz"]


@dataclass(frozen=True)
class Named:
    """Two trainings a fold; a fold of that name cannot be trained."""

    refused: str = ""

    def trainings(self, fold: Fold) -> int:
        return 2

    def __call__(self, fold: Fold, tick: Tick) -> str:
        if fold.name == self.refused:
            raise ProtocolError("it cannot be trained", got=fold.name, remedy="leave it")
        tick()
        tick()
        return fold.name


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_folds_and_progress_only_goes_up(jobs: int) -> None:
    steps: list[tuple[int, int, str]] = []
    assert each(Named(), FOLDS, jobs, lambda *step: steps.append(step)) == ["x", "y", "z"]
    assert steps == [(done, 6, "trainings") for done in range(1, 7)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fold_that_cannot_be_trained_says_why_wherever_it_ran(jobs: int) -> None:
    with pytest.raises(ProtocolError, match="it cannot be trained, got y; leave it"):
        each(Named("y"), FOLDS, jobs, lambda *_: None)
