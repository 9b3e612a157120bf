"""How the configuration of a trial is chosen: by its arguments alone."""

import random
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.samplers import TPESampler
from optuna.study import StudyDirection
from optuna.trial import create_trial

from tests.processes import fresh
from tests.search.making import make_spec, make_trial
from tuner.results.selection import Trial
from tuner.search.sampler import GP_UNTIL, START_UP, choose, study_view, trial_seed
from tuner.spec.sections import Spec
from tuner.spec.space import PARAMETERS, Constant, Range, Value, count_configurations, defaults, unregularised
from tuner.storage.distributions import optuna_space, with_constants, without_constants

SAMPLERS = ("auto", "gp", "tpe", "random")
RANDOM = make_spec(search={"sampler": "random"}).search


def history(spec: Spec, count: int) -> list[Trial]:
    """Finished trials at random places of the space, whose value is their dropout."""
    trials = []
    drawn = spec.model_copy(update={"search": RANDOM, "study": spec.study.model_copy(update={"seed": 99})})
    for number in range(count):
        params = choose(drawn, number + 2, [], [])
        trials.append(make_trial(spec, number, [float(params["dropout"])], params=params))
    return trials


def with_outcome(trial: Trial, **changes: Any) -> Trial:
    return replace(trial, outcome=replace(trial.outcome, **changes))


def chosen(sampler: str, number: int = 20, count: int = 18, under_way: int = 1, **study: int) -> dict[str, Value]:
    spec = make_spec(search={"sampler": sampler}, study=study)
    return choose(spec, number, history(spec, count), [defaults(spec.space)] * under_way)


# --- what the sampler is shown

STATES: tuple[Literal["complete", "pruned", "failed"], ...] = ("complete", "pruned", "failed")
CURVES = st.lists(st.integers(1, 80).map(lambda number: number / 8), min_size=1, max_size=6)


def test_the_view_has_finished_trials_first_and_those_under_way_as_running() -> None:
    spec = make_spec(study={"metric": "f1"})
    known = [make_trial(spec, n, [0.125, 0.5, 0.25], state) for n, state in enumerate(STATES)]
    view = study_view(spec, known, [unregularised(spec.space)])
    assert (view.study_name, view.direction) == ("small", StudyDirection.MINIMIZE)
    assert [(trial.number, trial.state.name, trial.values) for trial in view.trials] == [
        (0, "COMPLETE", [-0.5]),
        (1, "PRUNED", [-0.5]),
        (2, "FAIL", None),
        (3, "RUNNING", None),
    ]
    assert view.trials[0].params == without_constants(spec.space, defaults(spec.space))
    assert view.trials[3].params == without_constants(spec.space, unregularised(spec.space))
    assert view.trials[1].intermediate_values == {3: -0.5}


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(STATES), CURVES), min_size=12, max_size=20), st.integers(0, 3))
def test_a_sampler_that_is_shown_whole_curves_chooses_the_same(ends, running) -> None:
    spec = make_spec(search={"sampler": "tpe"})
    drawn = history(spec, len(ends))
    known = [make_trial(spec, n, values, state, drawn[n].params) for n, (state, values) in enumerate(ends)]
    under_way = [defaults(spec.space)] * running
    whole = study_view(spec, [], [])
    for trial, seen in zip(known, study_view(spec, known, under_way).trials, strict=False):
        best = dict(enumerate(accumulate(trial.outcome.costs(spec.metric), min), 1))
        whole.add_trial(create_trial(state=seen.state, value=seen.value, params=seen.params,
                                     distributions=seen.distributions, intermediate_values=best))  # fmt: skip
    whole.add_trials(study_view(spec, [], under_way).trials)
    whole.sampler = TPESampler(seed=trial_seed(spec.study.seed, 30))
    expected = with_constants(spec.space, whole.ask(optuna_space(spec.space)).params)
    assert choose(spec, 30, known, under_way) == expected


def test_the_seed_of_a_trial_is_its_own() -> None:
    seeds = [trial_seed(seed, number) for seed in range(20) for number in range(50)]
    assert len(set(seeds)) == len(seeds), "seed + number would give 69 of 1,000"


# --- what it chooses


def test_trial_0_has_every_regulariser_at_its_least() -> None:
    spec = make_spec(space={"hidden_size": {"low": 4, "high": 9, "default": 5}, "dropout": {"low": 0.1, "high": 0.2}})
    params = choose(spec, 0, [], [])
    assert params == unregularised(spec.space)
    assert (params["dropout"], params["hidden_size"]) == (0.1, 5)


def test_trial_1_has_the_defaults() -> None:
    spec = make_spec()
    assert choose(spec, 1, [], [unregularised(spec.space)]) == defaults(spec.space)


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_a_start_up_trial_has_about_half_of_its_regularisers_at_their_least(sampler) -> None:
    spec = make_spec(search={"sampler": sampler})
    least = unregularised(spec.space)
    searched = [name for name, domain in spec.space.items() if isinstance(domain, Range)]
    regularisers = [name for name in searched if PARAMETERS[name].regularises]
    trials = [
        choose(make_spec(search={"sampler": sampler}, study={"seed": seed}), number, [], [])
        for seed in range(240 // START_UP[sampler])
        for number in range(2, START_UP[sampler])
    ]
    for name in regularisers:
        assert 0.35 < np.mean([params[name] == least[name] for params in trials]) < 0.65, name
    for name in set(searched) - set(regularisers):
        assert len({params[name] for params in trials}) > 20 or name in {"hidden_size", "num_layers"}, name


def test_a_random_search_is_not_sparse() -> None:
    spec = make_spec(search={"sampler": "random"})
    least = unregularised(spec.space)
    assert all(choose(spec, number, [], [])["dropout"] != least["dropout"] for number in range(2, 12))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_arguments_give_the_same_configuration_whatever_happened_before(sampler) -> None:
    first = chosen(sampler)
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    chosen(sampler, number=21)
    assert chosen(sampler) == first


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("count", [0, 1, 15])
def test_every_configuration_lies_in_the_space_and_names_every_parameter(sampler, count) -> None:
    space = {"hidden_size": {"low": 4, "high": 64, "log": True}, "normalization": {"choices": ["none", "layer"]}}
    spec = make_spec(search={"sampler": sampler}, space=space)
    params = choose(spec, 20, history(spec, count), [])
    assert list(params) == list(PARAMETERS)
    for name, domain in optuna_space(spec.space).items():
        assert domain._contains(domain.to_internal_repr(params[name])), name
    for name, constant in spec.space.items():
        if isinstance(constant, Constant):
            assert params[name] == constant.value


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("count", [0, 10])
def test_trials_and_studies_draw_from_streams_of_their_own(sampler, count) -> None:
    drawn = [chosen(sampler, number=number, count=count, seed=seed) for seed in (3, 4) for number in (14, 15)]
    assert len({str(params) for params in drawn}) == 4, "seed + number would make study 3's trial 6 study 4's trial 5"


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_what_earlier_trials_gave_is_learnt_from(sampler) -> None:
    finished = history(make_spec(), 20)
    falling, rising = (
        make_spec(search={"sampler": sampler}, study={"metric": metric}) for metric in ("loss", "average_precision")
    )
    low, high = ([float(choose(spec, n, finished, [])["dropout"]) for n in range(20, 24)] for spec in (falling, rising))
    assert np.mean(low) + 0.1 < np.mean(high), "the value is the dropout: minimised and maximised"


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_trials_under_way_are_taken_into_account(sampler) -> None:
    assert chosen(sampler, under_way=0) != chosen(sampler, under_way=3)


def test_the_process_learns_from_pruned_trials_as_from_others() -> None:
    spec = make_spec(search={"sampler": "gp"})
    complete = history(spec, 12)
    pruned, failed = ([with_outcome(trial, state=state) for trial in complete] for state in ("pruned", "failed"))
    first, second, third = (choose(spec, 16, trials, []) for trials in (complete, pruned, failed))
    assert first == second != third


@pytest.mark.parametrize("metric", ["loss", "average_precision"])
def test_the_process_keeps_away_from_where_trials_fail(metric) -> None:
    spec = make_spec(search={"sampler": "gp"}, study={"metric": metric})
    trials = [
        with_outcome(trial, state="failed") if float(trial.params["dropout"]) > 0.3 else trial
        for trial in history(spec, 20)
    ]
    assert {trial.outcome.state for trial in trials} == {"failed", "complete"}
    sign = 1 if spec.metric.maximise else -1  # the others are the better, the nearer they are to those
    rising = [with_outcome(trial, curve=(sign * trial.outcome.curve[0],)) for trial in trials]
    chosen = [float(choose(spec, number, rising, [])["dropout"]) for number in range(20, 26)]
    assert max(chosen) < 0.3


def test_the_process_sees_ranks_alone() -> None:
    spec = make_spec(search={"sampler": "gp"})
    trials = history(spec, 12)
    stretched = [with_outcome(trial, curve=(np.exp(9 * trial.outcome.curve[0]),)) for trial in trials]
    assert choose(spec, 16, trials, []) == choose(spec, 16, stretched, [])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("count", [1, 12])
def test_trials_that_are_all_equal_stop_no_sampler(sampler, count) -> None:
    spec = make_spec(search={"sampler": sampler})
    equal = [with_outcome(trial, curve=(0.5,)) for trial in history(spec, count)]
    assert choose(spec, 20, equal, [defaults(spec.space)] * 3)


def test_by_default_the_process_chooses_first_and_then_tpe() -> None:
    early, late = GP_UNTIL - 1, GP_UNTIL
    assert make_spec().search.sampler == "auto"
    assert chosen("auto", number=early) == chosen("gp", number=early) != chosen("tpe", number=early)
    assert chosen("auto", number=late) == chosen("tpe", number=late) != chosen("gp", number=late)


THREADS = """
import os
os.environ.update(OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")
from contextlib import contextmanager
from threadpoolctl import threadpool_info
from tuner.search import sampler as sampling
from tests.search.making import make_trial
from tuner.spec.file import read_spec_dict
from tuner.spec.space import defaults, unregularised

one_thread = sampling.threadpool_limits

@contextmanager
def watched(limit):
    with one_thread(limit):
        yield
        print({pool["num_threads"] for pool in threadpool_info()}, len(threadpool_info()) > 1)

sampling.threadpool_limits = watched
spec = read_spec_dict({"data": {"path": "/nowhere.csv"}, "study": {"name": "x"}, "search": {"sampler": "gp"}})
pairs = enumerate((unregularised(spec.space), defaults(spec.space)))
sampling.choose(spec, 9, [make_trial(spec, n, [0.5 + n], params=params) for n, params in pairs], [])
"""


def test_the_first_choice_of_a_process_is_made_in_one_thread_too(tmp_path) -> None:
    # in a fresh interpreter: the linear algebra that is imported while threads are limited has all of them
    here = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
    done = fresh(tmp_path, "-c", here + THREADS).wait()
    assert (done.status, done.out) == (0, "{1} True\n")


def test_random_sampling_learns_nothing() -> None:
    assert chosen("random", count=0, under_way=0) == chosen("random", count=18, under_way=1)


def test_a_space_of_constants_has_one_configuration() -> None:
    fixed = {name: domain.default for name, domain in make_spec().space.items()}
    spec = make_spec(space=fixed)
    assert choose(spec, 7, [], []) == fixed


def test_nothing_is_said_while_sampling(capfd: pytest.CaptureFixture[str]) -> None:
    for sampler in SAMPLERS:
        chosen(sampler)
    assert capfd.readouterr() == ("", "")


# --- small spaces

FEW = {
    "dropout": {"choices": [0.0, 0.2, 0.4], "default": 0.2},
    "hidden_size": {"low": 4, "high": 6},
    "num_layers": {"low": 1, "high": 2},
}
FIXED = {name: domain.default for name, domain in make_spec().space.items()}


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("lag", [1, 3])
def test_no_configuration_is_trained_twice_while_there_are_others(sampler, lag) -> None:
    spec = make_spec(search={"sampler": sampler, "lag": lag}, space={**FIXED, **FEW})
    assert count_configurations(spec.space) == 18
    found: list[dict[str, Value]] = []
    for number in range(24):
        known = [
            make_trial(spec, n, [1 + float(found[n]["dropout"])], params=found[n]) for n in range(number - lag + 1)
        ]
        found.append(choose(spec, number, known, found[len(known) :]))
    assert len({str(params) for params in found[:18]}) == 18
    assert all(params in found[:18] for params in found[18:]), "there are no others"


def test_a_start_up_trial_is_not_one_of_the_references_again() -> None:
    spec = make_spec(space={**FIXED, "dropout": {"low": 0.0, "high": 0.6, "default": 0.2}})
    found: list[dict[str, Value]] = []
    for number in range(START_UP["tpe"]):
        found.append(choose(spec, number, [], found))
    assert len({params["dropout"] for params in found}) == len(found)
