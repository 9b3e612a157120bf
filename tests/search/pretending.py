"""A study in memory and a backend that trains nothing: the coordinator alone, with trials that end in any order."""

import copy
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from tests.search.making import FACTS, make_outcome
from tuner.results.selection import Trial
from tuner.search.events import Progressed
from tuner.search.jobs import Shared, Task
from tuner.search.pruner import is_audit, thresholds
from tuner.search.sampler import choose
from tuner.spec.sections import FLOAT32, Spec
from tuner.spec.space import Value
from tuner.training.machine import Machine
from tuner.training.outcome import Outcome


def pretend(spec: Spec, task: Task) -> Outcome:
    """Trains nothing: a curve made of the parameters, pruned by the thresholds; every seventh trial fails."""
    if task.number % 7 == 6:
        return Outcome("failed", f"trial {task.number} fails")
    level, curve, audited = float(task.params["dropout"]) + float(task.params["jitter"]), [], 0
    for epoch in range(1, spec.train.epochs + 1):
        curve.append(level + 1 / epoch)
        if task.thresholds and not audited and curve[-1] > task.thresholds[epoch - 1]:
            if not task.is_audit:
                return make_outcome(curve, "pruned")
            audited = epoch
    return replace(make_outcome(curve), audited=audited)


def one_after_the_other(spec: Spec, trials: int) -> list[Outcome]:
    """The study as DESIGN.md defines it: trial n knows exactly the trials 0 to n - lag."""
    params: list[dict[str, Value]] = []
    outcomes: list[Outcome] = []
    for number in range(trials):
        past = max(0, number - spec.search.lag + 1)
        known = [Trial(n, params[n], outcomes[n]) for n in range(past)]
        params.append(choose(spec, number, known, params[past:]))
        ends, audit = thresholds(spec, number, known), is_audit(spec.study.seed, number)
        outcomes.append(pretend(spec, Task(number, params[number], (number,), ends, audit)))
    return outcomes


class KeptStudy:
    """What the coordinator needs of a `StoredStudy`, in memory; refuses what a store would not have happen."""

    facts = FACTS

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.begun: list[dict[str, Value]] = []
        self.saved: dict[int, Outcome] = {}
        self.finished: list[int] = []
        self.repeated: dict[tuple[int, int], Outcome] = {}

    def params(self) -> list[dict[str, Value]]:
        return copy.deepcopy(self.begun)

    def n_told(self) -> int:
        return len(self.finished)

    def outcomes(self) -> dict[int, Outcome]:
        return dict(self.saved)

    def add(self, params: Mapping[str, Value]) -> None:
        self.begun.append(dict(params))

    def repeats(self) -> dict[tuple[int, int], Outcome]:
        return dict(self.repeated)

    def save(self, number: int, outcome: Outcome, repeat: int = 0) -> None:
        if repeat:
            assert (number, repeat) not in self.repeated, "no repeat is trained again"
            self.repeated[number, repeat] = outcome
            return
        assert number not in self.saved, "no committed result is trained again"
        assert number < len(self.begun)
        self.saved[number] = outcome

    def tell(self, number: int, _: Mapping[str, Any], outcome: Outcome) -> None:
        assert number == len(self.finished), "told in the order of numbers"
        assert self.saved[number] == outcome, "kept before it is told"
        self.finished.append(number)


class FakeBackend:
    """Workers whose trials end when, and in the order that, `rng` wants.

    Args:
        study: whose trials these are.
        workers: how many there are.
        chance: decides which trials end next.
        deaths: how often each trial kills its worker.
    """

    def __init__(
        self, study: KeptStudy, workers: int, rng: random.Random, deaths: Mapping[int, int] | None = None
    ) -> None:
        self._study, self._workers, self._chance = study, workers, rng
        self._deaths = Counter(deaths or {})
        self._pending: list[tuple[Future[Any], Task]] = []
        self.tasks: list[Task] = []
        self.most = 0

    def probe(self, spec: Spec, columns: int) -> Machine:
        return Machine(FLOAT32, False, {})

    def broadcast(self, shared: Shared) -> None: ...

    @property
    def free(self) -> int:
        return self._workers - len(self._pending)

    def submit(self, job: Any) -> Future[Any]:
        assert self.free > 0
        if job.stream == (job.number,):
            assert job.number < self._study.n_told() + self._study.spec.search.lag, "at most `lag` trials are under way"
            assert job.params == self._study.begun[job.number], "begun before it is trained"
        self.tasks.append(job)
        self._pending.append((Future(), job))
        self.most = max(self.most, len(self._pending))
        return self._pending[-1][0]

    def progress(self) -> Iterator[Progressed]:
        for _ in range(self._chance.randint(0, len(self._pending))):
            future, task = self._pending.pop(self._chance.randrange(len(self._pending)))
            if self._deaths[task.number] > 0:
                self._deaths[task.number] -= 1
                future.set_exception(BrokenProcessPool("killed"))
            else:
                future.set_result(pretend(self._study.spec, task))
            yield Progressed(task.number, 1, 1, None)

    def close(self) -> None:
        self._pending.clear()
