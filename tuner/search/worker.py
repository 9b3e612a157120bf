"""The inside of a worker: a study's data are placed once, then jobs are done; most of them train a trial."""

import traceback
from collections.abc import Sequence
from dataclasses import replace

import torch

from tuner.evaluation.detection import Scores
from tuner.search.events import Progressed
from tuner.search.jobs import OutOfFold, PathPoint, Refit, Report, Result, Shared, Task
from tuner.search.pruner import PruningCallback
from tuner.search.view import KnownTrial, StudyView
from tuner.training.outcome import Outcome
from tuner.training.refit import judge, refit
from tuner.training.refitted import Refitted
from tuner.training.trainer import PATH, train_folds, train_trial


class Worker:
    """Does the jobs of one study, one after the other; keeps what it was told of finished trials.

    Attributes:
        placed: what all of them share.
    """

    def __init__(self, placed: Shared) -> None:
        # one thread a process: a second one gains nothing here, and results would depend on the machine's load
        torch.set_num_threads(1)
        self.placed = placed
        self._finished: list[KnownTrial] = []
        self._replica = StudyView(placed.spec)

    @property
    def known(self) -> int:
        return len(self._finished)

    def learn(self, news: Sequence[KnownTrial]) -> None:
        """Takes in finished trials, those before the first of them being known already."""
        if news:
            self._finished[news[0].number :] = news

    def train(self, task: Task, report: Report) -> Result:
        """Trains one trial; whatever it raises becomes a failed outcome with its traceback."""
        spec = self.placed.spec

        def progress(epoch: int, fold: int, curve: Sequence[float]) -> None:
            best = (max if spec.maximise else min)(curve, default=None)
            report(Progressed(task.number, epoch, fold, best))

        known = self._finished[: task.known]
        callback = PruningCallback(self._replica, task.number, known, progress, may_prune=not task.repeat)
        try:
            outcome = train_trial(
                spec,
                self.placed.folds,
                task.params,
                trial=task.number,
                repeat=task.repeat,
                bf16_from=self.placed.bf16_from,
                callback=callback,
            )
        except Exception:
            outcome = Outcome.failed(traceback.format_exc())
        return Result(task.number, replace(outcome, audited=callback.audited), task.repeat)

    def out_of_fold(self, job: OutOfFold) -> tuple[Scores, ...]:
        placed, stream = self.placed, (job.number,)
        return train_folds(placed.spec, placed.folds, job.params, stream=stream, bf16_from=placed.bf16_from).scores

    def path_point(self, job: PathPoint) -> Outcome:
        """Trains it; whatever that raises becomes a failed outcome with its traceback."""
        placed = self.placed
        try:
            return train_folds(placed.spec, placed.folds, job.params, stream=(PATH,), bf16_from=placed.bf16_from)
        except Exception:
            return Outcome.failed(traceback.format_exc())

    def refit(self, job: Refit) -> Refitted:
        spec, bf16_from = self.placed.spec, self.placed.bf16_from
        learner = refit(spec, job.data, job.params, steps=job.steps, repeat=job.seed, bf16_from=bf16_from)
        return judge(learner, job.data)
