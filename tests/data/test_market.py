"""The simulated market: the facts that real markets share, the anomalies in it, and what it promises its users."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from tuner.data import market
from tuner.data.market import Session, derive, simulate
from tuner.data.series import runs

Floats = npt.NDArray[np.float64]
FEATURES = [*market.RAW, *market.DERIVED]


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    return simulate(sessions=60, seed=1)


def stacked(sessions: list[Session], column: str) -> Floats:
    """A column of all sessions, (sessions, minutes), with NaN at the anomalous bars."""
    return np.array([one.bars[column].where(one.bars["label"] == 0) for one in sessions], dtype=np.float64)


def pairs(values: Floats, lag: int) -> tuple[Floats, Floats]:
    """Normal bars of one session that lie `lag` apart."""
    now, then = values[:, lag:], values[:, :-lag]
    both = np.isfinite(now) & np.isfinite(then)
    return now[both], then[both]


def bars_of(sessions: list[Session], kind: str) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """For each event of a kind: its bars, and the normal bars before."""
    return [
        (one.bars.iloc[event.first : event.past], one.bars.iloc[event.first - market.APART : event.first])
        for one in sessions
        for event in one.events
        if event.kind == kind
    ]


def test_returns_have_fat_tails(sessions: list[Session]) -> None:
    returns = stacked(sessions, "return")
    returns = returns[np.isfinite(returns)]
    assert 2 < np.mean(returns**4) / np.mean(returns**2) ** 2 - 3 < 50
    assert np.abs(returns).max() < 40 * returns.std()


def test_volatility_comes_in_clusters_that_fade_slowly(sessions: list[Session]) -> None:
    size = np.abs(stacked(sessions, "return"))
    clock = np.linspace(-1, 1, size.shape[1])
    shape = np.polynomial.Polynomial.fit(clock, np.nanmean(size, axis=0), 4)(clock)
    size = size / shape - np.nanmean(size / shape)
    at_1, at_10, at_30 = (np.mean(np.multiply(*pairs(size, lag))) / np.nanvar(size) for lag in (1, 10, 30))
    assert 0.1 < at_1 < 0.4
    assert at_1 > at_10 > at_30 > 0.02
    assert at_30 > at_10 / 5, "the fast autoregression alone would leave a twelfth"


def test_volatility_starts_the_day_as_varied_as_it_ends() -> None:
    rng = np.random.default_rng(0)
    paths = np.array([market._ar1(rng, 40, memory=90, deviation=1.0) for _ in range(1000)])
    assert np.allclose(paths.std(axis=0), 1, atol=0.1)


def test_returns_are_uncorrelated(sessions: list[Session]) -> None:
    returns = stacked(sessions, "return")
    products = [np.multiply(*pairs(returns, lag)) for lag in range(1, 11)]
    # each sum over its standard error under any heteroscedasticity (Taylor 1984)
    scores = np.array([one.sum() / np.sqrt(np.square(one).sum()) for one in products])
    assert np.abs(scores).max() < 3
    assert np.square(scores).sum() < 23.2, "Box-Pierce: the 99 % quantile of chi-squared(10)"


def test_the_day_is_u_shaped_and_the_spread_widest_at_the_open(sessions: list[Session]) -> None:
    for column in ("return", "range", "volume"):
        size = np.nanmean(np.abs(stacked(sessions, column)), axis=0)
        opening, noon, closing = size[:30].mean(), size[150:240].mean(), size[-30:].mean()
        assert min(opening, closing) > (1.05 if column == "volume" else 1.2) * noon, column
    spread = np.nanmean(stacked(sessions, "spread"), axis=0)
    assert spread[:10].mean() > 1.3 * spread[60:].mean()


def test_volume_and_spread_rise_with_volatility(sessions: list[Session]) -> None:
    noon = slice(120, 270)  # where the U-shape is flat and cannot be the cause
    columns = [stacked(sessions, column)[:, noon].ravel() for column in ("range", "volume", "spread")]
    normal = np.isfinite(columns[0])
    correlation = np.corrcoef([column[normal] for column in columns])[0]
    assert 0.2 < correlation[1] < 0.8 and 0.1 < correlation[2] < 0.8


def test_time_is_minutes_of_trading_on_consecutive_weekdays() -> None:
    starts = []
    for one in simulate(sessions=7):
        time = one.bars["time"]
        assert len(time) == 390
        assert (time.diff().dropna() == pd.Timedelta(minutes=1)).all()
        assert f"{time.iloc[0]:%H:%M}" == "09:30" and f"{time.iloc[-1]:%H:%M}" == "15:59"
        starts.append(time.iloc[0].normalize())
    assert starts == list(pd.bdate_range(starts[0], periods=7))


def test_bars_hold_finite_features_and_the_label_and_nothing_else(sessions: list[Session]) -> None:
    for one in sessions:
        assert list(one.bars.columns) == ["time", *FEATURES, "label"]
        assert one.bars["label"].dtype == np.int64
        assert np.isfinite(one.bars[FEATURES].to_numpy()).all()
        assert (one.bars["range"] >= one.bars["return"].abs()).all()
        assert (one.bars["spread"] > 0).all()
        assert one.bars["imbalance"].between(-1, 1).all()


@pytest.mark.parametrize("minutes", [60, 147, 244, 390])
def test_labels_are_the_events_which_keep_their_distances(minutes: int) -> None:
    for one in simulate(sessions=20, minutes=minutes, seed=2):
        assert len(one.bars) == minutes
        spans = [(event.first, event.past) for event in one.events]
        assert spans, "every session has an event"
        assert runs(one.bars["label"].to_numpy() == 1) == spans
        assert spans[0][0] >= market.LEAD and spans[-1][1] <= minutes - market.TAIL
        assert all(first - past >= market.APART for (_, past), (first, _) in pairwise(spans))


def test_events_have_their_rates_kinds_and_lengths(sessions: list[Session]) -> None:
    counts = [len(one.events) for one in sessions]
    assert set(counts) == {2, 3, 4}
    assert 0.04 < np.mean([one.bars["label"].mean() for one in sessions]) < 0.07
    kinds = pd.Series([event.kind for one in sessions for event in one.events]).value_counts()
    assert set(kinds.index) == set(market.KINDS) and len(market.KINDS) == 6
    assert kinds.min() > 15
    for one in sessions:
        for event in one.events:
            low, high = (1, 2) if event.kind == "fat finger" else (5, 25)
            assert low <= event.past - event.first <= high, event


def test_a_flash_crash_falls_and_rebounds(sessions: list[Session]) -> None:
    falls, rebounds = [], []
    for event, before in bars_of(sessions, "flash crash"):
        path = event["return"].cumsum().to_numpy()
        falls.append(-path.min() / before["return"].abs().mean())
        rebounds.append(1 - path[-1] / path.min())
    assert np.median(falls) > 6 and min(falls) > 1
    assert 0.7 < np.median(rebounds) < 1.1
    assert median_ratio(sessions, "flash crash", "spread") > 1.5


def test_a_volume_burst_moves_volume_but_not_the_price(sessions: list[Session]) -> None:
    events = bars_of(sessions, "volume burst")
    assert np.median([event["volume"].mean() - before["volume"].mean() for event, before in events]) > 1
    assert 0.7 < median_ratio(sessions, "volume burst", "range") < 1.3


def test_a_stuck_feed_repeats_its_bars(sessions: list[Session]) -> None:
    repeats = []
    for event, _ in bars_of(sessions, "stuck feed"):
        assert event["return"].iloc[0] == 0 and event["range"].iloc[0] == 0
        same = event["volume"].diff() == 0
        assert (event.loc[same, ["return", "range"]] == 0).all(axis=None)
        assert (event[["spread", "imbalance"]].diff()[same] == 0).all(axis=None)
        repeats.append(same.mean())
    assert np.mean(repeats) > 0.5
    normal = stacked(sessions, "spread")
    assert np.mean(np.diff(normal) == 0) < 0.001, "normal bars are hardly ever repeated"


def test_a_fat_finger_reverts_at_once(sessions: list[Session]) -> None:
    for event, before in bars_of(sessions, "fat finger"):
        assert event["range"].iloc[0] > 2 * before["range"].median() or len(event) == 2
        assert abs(event["return"].sum()) < event["range"].max()
    assert median_ratio(sessions, "fat finger", "range") > 3


def test_a_blow_out_widens_the_spread_alone(sessions: list[Session]) -> None:
    assert median_ratio(sessions, "spread blow-out", "spread") > 1.8
    assert 0.7 < median_ratio(sessions, "spread blow-out", "range") < 1.3


def test_a_drift_makes_volatility_grow_without_volume(sessions: list[Session]) -> None:
    halves = []
    for event, before in bars_of(sessions, "volatility drift"):
        size = event["return"].abs().to_numpy() / before["return"].abs().mean()
        halves.append((size[: len(size) // 2].mean(), size[len(size) // 2 :].mean()))
    early, late = np.mean(halves, axis=0)
    assert 1.2 < early < late / 1.2
    assert 0.9 < median_ratio(sessions, "volatility drift", "volume") < 1.1


def median_ratio(sessions: list[Session], kind: str, column: str) -> float:
    """The mean of a column within an event over its mean before: the median over the events of a kind."""
    events = bars_of(sessions, kind)
    return float(np.median([event[column].mean() / before[column].mean() for event, before in events]))


def average_precision(found: npt.NDArray[np.bool_], score: Floats) -> float:
    ranked = found[np.argsort(-score)]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


@pytest.mark.parametrize("name", FEATURES)
def test_no_single_feature_gives_the_anomalies_away(sessions: list[Session], name: str) -> None:
    values = np.concatenate([one.bars[name].to_numpy() for one in sessions])
    kinds = np.full(len(values), "normal", dtype=object)
    for number, one in enumerate(sessions):
        for event in one.events:
            day = number * market.FULL_DAY
            kinds[day + event.first : day + event.past] = event.kind
    for score in (values, -values, np.abs(values - np.median(values))):
        assert average_precision(kinds != "normal", score) < 0.4
        for kind in market.KINDS:
            rows = (kinds == kind) | (kinds == "normal")
            assert average_precision(kinds[rows] == kind, score[rows]) < 0.8, f"{kind} is told by {name} alone"


def test_derived_features_are_those_of_the_bars(sessions: list[Session]) -> None:
    bars = sessions[0].bars
    pd.testing.assert_frame_equal(derive(bars), bars[list(market.DERIVED)])
    row = 200
    past = bars.iloc[row - market.LOOKBACK : row]
    assert bars["surge"][row] == pytest.approx(bars["volume"][row] - past["volume"].mean(), abs=1e-7)
    recent = bars["return"].iloc[row - market.LOOKBACK + 1 : row + 1]
    assert bars["volatility"][row] == pytest.approx(recent.abs().mean(), abs=1e-7)


@pytest.mark.parametrize("row", [0, 1, 7, 50, 389])
def test_derived_features_see_neither_the_future_nor_beyond_their_look_back(sessions: list[Session], row: int) -> None:
    bars = sessions[0].bars
    rows = np.arange(len(bars))
    near = (rows >= row - market.LOOKBACK) & (rows <= row)
    elsewhere = bars[list(market.RAW)].mul(np.where(near, 1, 3), axis=0).add(np.where(near, 0, 5), axis=0)
    pd.testing.assert_frame_equal(derive(elsewhere).loc[[row]], derive(bars).loc[[row]], check_exact=True)


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    one, same, other = simulate(3, seed=5), simulate(3, seed=5), simulate(3, seed=6)
    for first, second, third in zip(one, same, other, strict=True):
        pd.testing.assert_frame_equal(first.bars, second.bars, check_exact=True)
        assert first.events == second.events
        assert not (first.bars["volume"] == third.bars["volume"]).mean() > 0.1


def test_a_session_is_the_same_however_many_are_asked_for_and_unlike_the_others() -> None:
    few, many = simulate(2, seed=3), simulate(12, seed=3)
    for first, second in zip(few, many, strict=False):
        pd.testing.assert_frame_equal(first.bars, second.bars, check_exact=True)
        assert first.events == second.events
    noise = np.array([one.bars["return"] for one in many])
    assert np.abs(np.corrcoef(noise) - np.eye(12)).max() < 0.4


def test_values_are_rounded_so_that_platforms_agree() -> None:
    bars = simulate(1)[0].bars
    for columns, decimals in ((market.RAW, 4), (market.DERIVED, 8)):
        values = bars[list(columns)].to_numpy()
        assert (values == values.round(decimals)).all()


@pytest.mark.parametrize(("sessions", "minutes"), [(0, 390), (-1, 390), (1, 59), (1, 391)])
def test_impossible_sizes_are_refused(sessions: int, minutes: int) -> None:
    with pytest.raises(ValueError, match=f"{sessions} sessions of {minutes} minutes"):
        simulate(sessions, minutes)
