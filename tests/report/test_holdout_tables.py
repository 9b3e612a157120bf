"""The tables of a holdout, by hand."""

from dataclasses import replace

from tests.making import make_score
from tests.report.making import HOLDOUT, searched
from tests.report.test_tables import rows_of
from tuner.report.holdout_tables import detection_table, holdout_table
from tuner.report.tables import comparison_table


def test_the_holdout_has_a_row_a_model_with_its_interval() -> None:
    table = holdout_table(HOLDOUT)
    assert table.title == "Held-out data: F1, higher is better"
    assert table.rows == (
        ("shipped = best", "0.6100", "0.5500 to 0.6600", ""),
        ("default", "0.4100", "0.3500 to 0.4600", "-0.3000 to -0.1000"),
    )
    one = replace(searched(20, "f1"), holdout=HOLDOUT)
    assert rows_of(comparison_table([one]))["shipped, on held-out data"] == ("0.6100 (0.5500 to 0.6600)",)


def test_what_is_detected_on_the_holdout_is_a_row_a_model_too() -> None:
    pca = make_score("PCA", None, None, average_precision=0.5, precision=0.5, recall=0.5, f1=0.5, caught=2)
    holdout = replace(HOLDOUT, scores=(*HOLDOUT.scores, pca))
    assert [row[0] for row in holdout_table(holdout).rows] == ["shipped = best", "default"], "what could be measured"
    rows = rows_of(detection_table(holdout))
    assert rows["shipped = best"] == ("", "0.700", "0.500", "0.580", "")
    assert rows["PCA"] == ("0.500", "0.500", "0.500", "0.500", "2")
