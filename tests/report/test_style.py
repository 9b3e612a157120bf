"""What all figures share."""

import pytest

from tuner.report.style import plain, visible_range


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
