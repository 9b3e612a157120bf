"""How the configuration of a trial is chosen: by its arguments alone."""

import random
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch
from optuna.samplers import GPSampler

from tests.search.making import make_finished, make_spec
from tuner.search import sampling
from tuner.search.replica import Finished, Replica
from tuner.search.sampling import GP_UNTIL, START_UP, choose, ranked
from tuner.search.space import distributions
from tuner.spec.sections import Spec
from tuner.spec.space import PARAMETERS, Constant, Range, Value, defaults, unregularised

SAMPLERS = ("auto", "gp", "tpe", "random")


def history(spec: Spec, count: int) -> list[Finished]:
    """Finished trials at random places of the space, whose value is their dropout."""
    trials = []
    for number in range(count):
        params = choose(Replica(make_spec(search={"sampler": "random"}, study={"seed": 99})), number + 2, [], [])
        trials.append(make_finished(spec, number, [float(params["dropout"])], params=params))
    return trials


def chosen(sampler: str, number: int = 20, count: int = 18, under_way: int = 1, **study: int) -> dict[str, Value]:
    spec = make_spec(search={"sampler": sampler}, study=study)
    return choose(Replica(spec), number, history(spec, count), [defaults(spec.space)] * under_way)


def test_trial_0_has_every_regulariser_at_its_least() -> None:
    spec = make_spec(space={"hidden_size": {"low": 4, "high": 9, "default": 5}, "dropout": {"low": 0.1, "high": 0.2}})
    params = choose(Replica(spec), 0, [], [])
    assert params == unregularised(spec.space)
    assert (params["dropout"], params["hidden_size"]) == (0.1, 5)


def test_trial_1_has_the_defaults() -> None:
    spec = make_spec()
    assert choose(Replica(spec), 1, [], [unregularised(spec.space)]) == defaults(spec.space)


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_a_start_up_trial_has_about_half_of_its_regularisers_at_their_least(sampler) -> None:
    spec = make_spec(search={"sampler": sampler})
    least = unregularised(spec.space)
    searched = [name for name, domain in spec.space.items() if isinstance(domain, Range)]
    regularisers = [name for name in searched if PARAMETERS[name].regularises]
    trials = [
        choose(Replica(make_spec(search={"sampler": sampler}, study={"seed": seed})), number, [], [])
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
    assert all(choose(Replica(spec), number, [], [])["dropout"] != least["dropout"] for number in range(2, 12))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_arguments_give_the_same_configuration_whatever_happened_before(sampler) -> None:
    first = chosen(sampler)
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    chosen(sampler, number=21)
    assert chosen(sampler) == first


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_configuration_lies_in_the_space_and_names_every_parameter(sampler) -> None:
    spec = make_spec(
        search={"sampler": sampler},
        space={"hidden_size": {"low": 4, "high": 64, "log": True}, "normalization": {"choices": ["none", "layer"]}},
    )
    params = choose(Replica(spec), 20, history(make_spec(), 0), [])
    assert list(params) == list(PARAMETERS)
    for name, domain in distributions(spec.space).items():
        assert domain._contains(domain.to_internal_repr(params[name])), name
    for name, constant in spec.space.items():
        if isinstance(constant, Constant):
            assert params[name] == constant.value


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trials_and_studies_draw_from_streams_of_their_own(sampler) -> None:
    drawn = [chosen(sampler, number=number, count=0, seed=seed) for seed in (3, 4) for number in (5, 6)]
    assert len({str(params) for params in drawn}) == 4, "seed + number would make study 3's trial 6 study 4's trial 5"


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_what_earlier_trials_gave_is_learnt_from(sampler) -> None:
    finished = history(make_spec(), 20)
    falling, rising = (
        make_spec(search={"sampler": sampler}, study={"metric": metric}) for metric in ("loss", "average_precision")
    )
    low, high = (
        [float(choose(Replica(spec), n, finished, [])["dropout"]) for n in range(20, 24)] for spec in (falling, rising)
    )
    assert np.mean(low) + 0.1 < np.mean(high), "the value is the dropout: minimised and maximised"


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_trials_under_way_are_taken_into_account(sampler) -> None:
    assert chosen(sampler, under_way=0) != chosen(sampler, under_way=3)


def test_the_process_learns_from_pruned_trials_as_from_others() -> None:
    spec = make_spec(search={"sampler": "gp"})
    complete = history(spec, 12)
    pruned = [replace(trial, state="pruned") for trial in complete]
    failed = [replace(trial, state="failed", value=None, curve=()) for trial in complete]
    first, second, third = (choose(Replica(spec), 16, trials, []) for trials in (complete, pruned, failed))
    assert first == second != third


def test_the_process_sees_ranks_alone() -> None:
    spec = make_spec(search={"sampler": "gp"})
    trials = history(spec, 12)
    stretched = [replace(trial, value=np.exp(9 * (trial.value or 0.0))) for trial in trials]
    assert choose(Replica(spec), 16, trials, []) == choose(Replica(spec), 16, stretched, [])


def test_ranks_are_normal_quantiles_and_equal_values_share_one() -> None:
    spec = make_spec()
    values = [3.0, None, 1.0, 1.0, 2.0]
    trials = [replace(make_finished(spec, number, [0.0]), value=value) for number, value in enumerate(values)]
    seen = [trial.value for trial in ranked(trials)]
    normal = NormalDist()
    expected = [normal.inv_cdf(3.5 / 4), None, normal.inv_cdf(1 / 4), normal.inv_cdf(1 / 4), normal.inv_cdf(2.5 / 4)]
    assert seen == [None if value is None else pytest.approx(value) for value in expected]
    assert ranked([]) == []


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("count", [1, 12])
def test_trials_that_are_all_equal_stop_no_sampler(sampler, count) -> None:
    spec = make_spec(search={"sampler": sampler})
    equal = [replace(trial, value=0.5) for trial in history(spec, count)]
    assert choose(Replica(spec), 20, equal, [defaults(spec.space)] * 3)


def test_by_default_the_process_chooses_first_and_then_tpe() -> None:
    early, late = GP_UNTIL - 1, GP_UNTIL
    assert make_spec().search.sampler == "auto"
    assert chosen("auto", number=early) == chosen("gp", number=early) != chosen("tpe", number=early)
    assert chosen("auto", number=late) == chosen("tpe", number=late) != chosen("gp", number=late)


def test_the_process_computes_in_one_thread_and_leaves_their_number_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Sampler(GPSampler):
        def sample_relative(self, *arguments: Any) -> dict[str, Any]:
            seen.append(torch.get_num_threads())
            return super().sample_relative(*arguments)

    monkeypatch.setattr(sampling, "GPSampler", Sampler)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        chosen("gp")
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


def test_random_sampling_learns_nothing() -> None:
    assert chosen("random", count=0, under_way=0) == chosen("random", count=18, under_way=1)


def test_a_space_of_constants_has_one_configuration() -> None:
    fixed = {name: domain.default for name, domain in make_spec().space.items()}
    spec = make_spec(space=fixed)
    assert choose(Replica(spec), 7, [], []) == fixed


def test_nothing_is_said_while_sampling(capfd: pytest.CaptureFixture[str]) -> None:
    for sampler in SAMPLERS:
        chosen(sampler)
    assert capfd.readouterr() == ("", "")
