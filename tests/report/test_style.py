"""What all figures share."""

import pytest

from tuner.report.style import log_axis, plain, visible_range


def test_the_scale_shows_everything_while_nothing_lies_far_out() -> None:
    low, high = visible_range([1.0, 2.0, 3.0, 4.0])
    assert low < 1.0
    assert high > 4.0


def test_an_outlier_does_not_set_the_scale() -> None:
    low, high = visible_range([1.0, 2.0, 3.0, 4.0] * 5 + [1e6])
    assert low < 1.0
    assert 4.0 < high < 20.0


@pytest.mark.parametrize("values", [[2.0], [2.0, 2.0, 2.0], [0.0]])
def test_equal_values_lie_inside_the_scale(values) -> None:
    low, high = visible_range(values)
    assert low < values[0] < high


def test_markup_in_data_is_shown_not_obeyed() -> None:
    assert plain("<b>a & b</b>") == "&lt;b&gt;a &amp; b&lt;/b&gt;"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1e-3, 10.0], ["0.001", "0.01", "0.1", "1", "10"]),
        ([9.0, 64.0], ["1", "2", "5", "10", "20", "50", "100", "200", "500"]),
        ([14.0, 32.0], ["10", "20", "30", "50", "70", "100", "200", "300", "500", "700"]),
        ([1e-6, 2e-4], ["1e-06", "1e-05", "0.0001", "0.001"]),
        ([1e-8, 1.0], ["1e-08", "1e-06", "0.0001", "0.01", "1"]),
        ([5.0], ["1", "2", "3", "5", "7", "10", "20", "30", "50", "70"]),
    ],
)
def test_a_logarithmic_axis_names_decades_and_what_lies_between_where_they_are_few(values, words) -> None:
    assert log_axis(values)["ticktext"] == words
