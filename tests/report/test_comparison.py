"""Study against study: the race and the parameters, by hand."""

import pytest

from tests.report.making import MIXED, searched, trace
from tests.search.making import make_findings, make_outcome, make_spec
from tuner.report.comparison import RaceInfo, parameters_figure, parameters_info, race_figure, race_info
from tuner.results.findings import Findings


def test_the_race_counts_every_trial_s_epochs_and_shows_complete_values() -> None:
    ((name, epochs, values),) = race_info([MIXED]).lines
    assert name == "small"
    # fold-epochs: pruned 2; complete 4; failed 4; pruned 2; complete 6; complete 2
    assert epochs == (6, 10, 12, 18, 20)
    assert values == (2.0, 2.0, 2.0, 1.0, 1.0)


def test_where_more_is_better_it_rises() -> None:
    outcomes = [make_outcome([value], maximise=True) for value in (0.3, 0.1, 0.6)]
    info = race_info([make_findings(*outcomes, spec=make_spec(study={"metric": "f1"}))])
    assert info.lines[0][2] == (0.3, 0.3, 0.6)


def test_each_study_is_a_line_of_its_own_colour_and_dash() -> None:
    figure = race_figure(race_info([searched(20, name="one"), searched(12, name="other")]))
    one, other = trace(figure, "one"), trace(figure, "other")
    assert (one.line.color, one.line.dash) != (other.line.color, other.line.dash)
    assert figure.layout.yaxis.title.text.startswith("best so far: validation loss")


def test_a_short_search_is_seen_beside_a_long_one() -> None:
    long, short = [0.6 + 0.0001 * at for at in range(1000)], [0.5, 0.51, 0.52]
    lines = tuple((name, tuple(range(len(line))), tuple(line)) for name, line in {"long": long, "short": short}.items())
    low, high = race_figure(RaceInfo("f1", lines)).layout.yaxis.range
    assert low < 0.5 and high > 0.6999


def test_a_parameter_lies_at_its_share_of_the_widest_range() -> None:
    def study(name, **space) -> Findings:
        return make_findings(make_outcome([1.0]), spec=make_spec(study={"name": name}, space=space))

    one = study("one", dropout={"low": 0.0, "high": 0.4, "default": 0.2}, l1=0.0)
    other = study("other", dropout=0.8, l1=0.0, weight_decay={"low": 0.01, "high": 100.0, "log": True, "default": 1.0})
    info = parameters_info([one, other])
    assert "l1" not in info.names
    at = {study: dict(zip(info.names, places, strict=True)) for study, _, places in info.studies}
    assert at["one"]["dropout"] == pytest.approx(0.25)
    assert at["other"]["dropout"] == 1.0
    # from 0.001 (the default space of the other study) to 100, logarithmic: 1 is three of five decades up
    assert at["other"]["weight_decay"] == pytest.approx(3 / 5)


def test_what_is_fixed_is_shown_where_the_studies_differ_in_it() -> None:
    one, other = (make_findings(make_outcome([1.0]), spec=make_spec(space={"l1": l1})) for l1 in (0.0, 0.001))
    info = parameters_info([one, other])
    assert "l1" in info.names
    assert [places[info.names.index("l1")] for _, _, places in info.studies] == [0.0, 1.0]
    assert "l1" not in parameters_info([one, one]).names


def test_words_have_no_place_and_nothing_complete_has_no_values() -> None:
    info = parameters_info([searched(20), make_findings(make_outcome([1.0], "pruned"))])
    (_, values, places), (_, none, nowhere) = info.studies
    word = info.names.index("normalization")
    assert (values[word] in ("none", "layer"), places[word]) == (True, None)
    assert set(none) == set(nowhere) == {None}
    figure = parameters_figure(info)
    assert len(trace(figure, "pretended").y) == len(info.names) - 1
