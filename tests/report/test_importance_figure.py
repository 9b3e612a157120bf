"""The importance's bars."""

from tests.report.making import searched
from tests.search.making import make_findings, make_outcome
from tuner.report.importance_figure import ImportanceInfo, importance_figure, importance_info


def test_the_greatest_share_is_at_the_top() -> None:
    figure = importance_figure(ImportanceInfo({"dropout": 0.7, "l1": 0.3}))
    (bars,) = figure.data
    assert (list(bars.y), list(bars.x), list(bars.text)) == (["dropout", "l1"], [0.7, 0.3], ["70%", "30%"])
    assert figure.layout.yaxis.autorange == "reversed"


def test_its_data_are_the_shares_of_the_study() -> None:
    info = importance_info(searched(40))
    assert abs(sum(info.shares.values()) - 1) < 1e-9
    assert list(info.shares.values()) == sorted(info.shares.values(), reverse=True)


def test_of_too_few_trials_there_are_none() -> None:
    assert importance_info(make_findings(make_outcome([1.0]))).shares == {}
