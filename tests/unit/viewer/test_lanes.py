"""Lanes below the panels: curves in pixels, and what they are made of, without a browser."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import recorded
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.clock.segments import Clock, Segment
from lfpscope.errors import UserError
from lfpscope.periods.find import find_periods
from lfpscope.periods.table import Period, read_periods, write_periods
from lfpscope.summary.probe import summarize_probe
from lfpscope.viewer.export import render_view, save_view
from lfpscope.viewer.export_lane import Lane
from lfpscope.viewer.lane_curves import (
    Curve,
    LaneRow,
    draw_row,
    line_points,
    place_row,
    step_points,
    value_text,
)
from lfpscope.viewer.lane_data import choose_probe, read_lanes, ripple_rate
from lfpscope.viewer.session_folder import SessionFolder, first_state
from lfpscope.viewer.view_state import State

N = 60_000  # samples, from 10 s on
NAN = float("nan")


def curve(times: list[float], values: list[float], **more: object) -> Curve:
    x, y = np.array(times, float), np.array(values, float)
    return Curve("speed", "wheel", "cm/s", x, y, **more)  # type: ignore[arg-type]


# --- curves -------------------------------------------------------------------------------------


@given(
    values=st.lists(st.sampled_from([NAN, -1.0, 0.0, 2.0, 5.0]), min_size=1, max_size=200),
    width=st.integers(1, 20),
    repeat=st.integers(1, 5),
)
def test_a_line_has_the_extremes_of_each_pixel_column_and_no_line_over_nan(
    values: list[float], width: int, repeat: int
) -> None:
    v = np.repeat(values, repeat)
    t = np.arange(v.size) / v.size  # 0 to 1, in `width` columns
    x, y = line_points(t, v, 0.0, 1.0, width)
    assert np.count_nonzero(~np.isnan(y)) <= max(2 * v.size, 4 * width + width)
    known = ~np.isnan(y)
    for column in range(width):
        here = np.floor(t * width) == column
        drawn = known & (np.floor(x * width) == column)
        expected = v[here & ~np.isnan(v)]
        assert set(y[drawn]) <= {-1.0, 0.0, 2.0, 5.0}
        if expected.size:
            assert y[drawn].min() <= expected.min()
            assert y[drawn].max() >= expected.max()
    # pieces of the line: a break wherever NaN lies between the last and the first of two columns
    runs = np.flatnonzero(np.diff(np.flatnonzero(~np.isnan(v))) > 1).size + 1
    pieces = np.count_nonzero(np.isnan(y)) + 1
    assert pieces <= runs
    if v.size <= 4 * width and not np.isnan(v).all():
        assert pieces == runs


def test_many_points_are_four_in_a_pixel_and_keep_a_single_peak() -> None:
    t = np.arange(100_000) / 1000
    v = np.sin(t)
    v[70_007] = 9.0
    v[50_000:60_000] = NAN
    x, y = line_points(t, v, 0.0, 100.0, 500)
    assert x.size == 500 * 4 - 50 * 4 + 1  # and one NaN
    assert (y == 9).sum() == 1
    assert x[y == 9] == pytest.approx(70.0, abs=0.2)
    gap = x[np.isnan(y)]
    assert gap == pytest.approx(50.0, abs=0.2)


def test_bins_that_overlap_meet_in_the_middle_and_others_are_apart() -> None:
    edges = np.array([[0.0, 5.0], [3.0, 8.0], [20.0, 25.0]])
    times, values = step_points(edges, np.array([1.0, 2.0, 3.0]))
    assert times.tolist() == [0, 4, 4, 8, 8, 20, 25]
    np.testing.assert_array_equal(values, [1, 1, 2, 2, NAN, 3, 3])


def test_a_row_lies_between_what_is_shown_and_a_single_value_is_seen() -> None:
    one = curve([0, 1, 2, 3, 4, 5], [50, 30, 20, NAN, 40, NAN])
    row = draw_row(one, 0.5, 5.0, 9, is_hidden=False)
    assert (row.low, row.high) == ("20 cm/s", "40")
    assert row.x == [0, 1, 2, 2, 4, 4.75]  # the last is 1.5 pixels wide
    np.testing.assert_allclose(row.y, [1.5, 0.5, 0, NAN, 1, 1])
    assert (draw_row(one, 3.2, 3.8, 9, is_hidden=False).high) == ""
    hidden = draw_row(one, 0.5, 5.0, 9, is_hidden=True)
    assert (hidden.x, hidden.high, hidden.is_hidden) == ([], "", True)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([1, 8], "0 cm/s", "8"),  # from nought on
        ([5, 8], "5 cm/s", "8"),
        ([-8, -1], "-8 cm/s", "0"),
        ([-3, 8], "-3 cm/s", "8"),
        ([4, 4], "3.5 cm/s", "4.5"),
    ],
)
def test_ends_of_a_lane(values: list[float], low: str, high: str) -> None:
    row = draw_row(curve([0, 1], values), 0, 1, 100, is_hidden=False)
    assert (row.low, row.high) == (low, high)


def test_what_is_read_at_a_time() -> None:
    one = curve([0, 1, 2, 3, 4], [5, 7, 8, NAN, 2])
    page = 0.0, 4.0, 400
    assert value_text(one, 1.2, *page) == "speed 7 cm/s"
    assert value_text(one, 1.8, *page) == "speed 8 cm/s"
    assert value_text(one, 2.6, *page) == ""
    assert value_text(one, 9.0, *page) == ""
    assert value_text(one, 1.0, 0.0, 4.0, 2) == "speed 5 … 8 cm/s"  # a pixel is two seconds
    ripples = replace(one, events=((1.0, 1.1), (2.0, 2.1)), strengths=(6.5, 9.0))
    assert value_text(ripples, 1.05, *page) == "speed: 6.5 SD"
    assert value_text(ripples, 1.5, *page) == ""
    assert value_text(ripples, 1.5, 0.0, 100.0, 1000) == "speed 7 cm/s"


def test_events_are_drawn_one_by_one_on_a_short_page() -> None:
    one = curve([0, 100], [1, 1], events=((1.0, 1.001), (1.0005, 1.002), (5.0, 5.2)))
    row = draw_row(one, 0, 10, 100, is_hidden=False)
    assert row.events == [(1.0, pytest.approx(1.1505)), (5.0, 5.2)]
    assert (row.x, row.high) == ([], "")
    assert draw_row(one, 0, 100, 100, is_hidden=False).events == []


def test_ripples_per_minute_are_of_what_is_recorded() -> None:
    clock = Clock(
        (Segment(0, 12_000, 0.0, 1e-3), Segment(12_000, 5_000, 25.0, 1e-3))
    )  # 0 to 12 s and 25 to 30 s
    spans = [(one, one + 0.1) for one in (1.0, 2.0, 9.99, 11.0, 26.0)]
    times, values = ripple_rate(spans, clock)
    assert times.tolist() == [0, 10, 10, 20, 20, 30]
    np.testing.assert_allclose(values, [18, 18, 30, 30, 12, 12])
    gap = Clock((Segment(0, 10_000, 0.0, 1e-3), Segment(10_000, 10_000, 20.0, 1e-3)))
    assert np.isnan(ripple_rate(spans, gap)[1][2:4]).all()


# --- a session ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A probe with 7 Hz in channels 2 and 3 of four from 20 to 40 s, and its session."""
    folder = tmp_path_factory.mktemp("lanes") / "one/probes/probe"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    t = 10 + np.arange(N) / recorded.RATE
    volts = np.cumsum(rng.normal(0, 2e-6, (N, 4)), axis=0)
    volts = volts - scipy.signal.sosfiltfilt(
        scipy.signal.butter(2, 0.3, fs=recorded.RATE, output="sos"), volts, axis=0
    )
    volts[:, 2:] += np.where((t > 20) & (t < 40), 2e-4 * np.sin(14 * np.pi * t), 0)[:, np.newaxis]
    references = recorded.index(folder, volts.astype(np.float32), chunks=(5000, 4)).file
    names = {"envelope": "envelope.zarr.zip", "channels": "channels.csv"}
    made = {name: folder / file for name, file in names.items()}
    summarize_probe(references, **made, spectrum=folder / "spectrum.zarr.zip")
    table, by_hand = folder / "periods.csv", folder.parents[1] / "bad_channels.tsv"
    rows = [f"probe\t{i}\t{'good' if i else 'noisy'}\t" for i in range(4)]
    by_hand.write_text("\n".join(["probe\tchannel\tlabel\tnote", *rows]) + "\n")
    find_periods(
        references,
        **made,
        periods=table,
        spectrum=folder / "spectrum.zarr.zip",
        by_hand=by_hand,
    )
    kept = [one for one in read_periods(table) if one.kind == "theta"]
    ripples = [Period(at, at + 0.1, "ripple", (0, 1), 6.0) for at in (12.0, 13.0, 21.0)]
    write_periods(table, [*kept, *ripples])
    return folder


@pytest.fixture
def whole(folder: Path) -> State:
    session = SessionFolder(folder.parents[1])
    return replace(first_state([session.slots[0].open()]), probes=("probe",))


@pytest.mark.slow
def test_theta_over_delta_is_scipys_of_the_channels_with_most_of_it(
    folder: Path, whole: State
) -> None:
    session = SessionFolder(folder.parents[1])
    session.open_probes()
    theta, ripples = read_lanes(session, whole).curves
    assert (theta.name, theta.about) == ("theta/delta", "probe")
    assert "3 channels of probe" in theta.detail
    data = session.slots[0].open()
    volts = data.volts(data.samples(0, N)).astype(np.float64)
    ratios = []
    for first in range(0, N - 6144 + 1, 4096):  # windows 2j and 2j + 1 of 4096 samples
        f, psd = scipy.signal.welch(
            volts[:, first : first + 6144], recorded.RATE, "hann", 4096, 2048, detrend="constant"
        )
        power = [
            psd[1:, (f >= low) & (f < high)].sum(axis=1) for low, high in ((4, 10.08), (0.5, 4))
        ]
        at = 10 + (first + 3072) / recorded.RATE
        shown = float(theta.values[np.searchsorted(theta.times, at)])
        ratios.append((np.median(power[0] / power[1]), shown))
    expected, shown = np.array(ratios).T
    np.testing.assert_allclose(shown, expected, rtol=0.12)  # stored in steps of 0.5 dB
    (shaded,) = theta.shaded
    assert shaded == pytest.approx((20, 40), abs=5)
    assert value_text(theta, 30.0, 10.0, 58.0, 480).startswith("theta/delta ")
    assert [one[0] for one in ripples.events] == [12.0, 13.0, 21.0]
    assert ripples.values[:4].tolist() == [12, 12, 6, 6]
    assert "on 2 channels of probe" in ripples.detail


@pytest.mark.slow
def test_what_is_missing_or_damaged_costs_its_own_lane_alone(
    folder: Path, whole: State, tmp_path: Path
) -> None:
    own = tmp_path / "one/probes/probe"
    own.mkdir(parents=True)
    for path in folder.iterdir():
        if path.suffix != ".nwb":
            (own / path.name).write_bytes(path.read_bytes())
    session = SessionFolder(own.parents[1])
    session.open_probes()

    def names() -> list[str]:
        return [one.name for one in read_lanes(session, whole).curves]

    assert names() == ["theta/delta", "ripples"]
    (own / "spectrum.zarr.zip").write_bytes(b"PK broken")
    assert names() == ["ripples"]
    assert read_lanes(session, whole).missing == {"theta/delta": "its file is damaged"}
    (own / "spectrum.zarr.zip").unlink()
    assert read_lanes(session, whole).missing == {"theta/delta": "no spectrum"}
    (own / "periods.csv").write_text("start,stop,kind,channels,strength\n1,2,lunch,,1\n")
    assert read_lanes(session, whole).missing["ripples"] == "its file is damaged"
    (own / "periods.csv").unlink()
    assert read_lanes(session, whole).missing["ripples"] == "no periods"
    assert names() == []
    assert choose_probe(session, replace(whole, large="probe")) == "probe"
    assert choose_probe(session, replace(whole, hidden=frozenset({"probe"}))) == ""


@pytest.mark.slow
def test_a_saved_picture_has_the_lanes_and_is_drawn_again(
    folder: Path, whole: State, tmp_path: Path
) -> None:
    session = SessionFolder(folder.parents[1])
    rows = [
        LaneRow("theta/delta", "a", "5", "0", [10, 20, 20, 30], [0, 1, NAN, 0], [(12, 14)], []),
        LaneRow("ripples", "a", "", "", [], [], [], [], is_hidden=True),
    ]
    strips = [place_row(rows[0], -2, 0), place_row(rows[1], -3, -2)]
    assert strips[0].x == [[10, 20], [30]]
    np.testing.assert_allclose(np.concatenate(strips[0].y), [-1.85, -0.1, -1.85])
    lane = Lane(["flashes"], curves=strips)
    saved = save_view(session, whole, 300, 80, tmp_path, lane=lane, suffix=".svg")
    text = saved.read_text()
    for word in ("theta/delta", "hidden: ripples", "flashes"):
        assert word in text
    view = saved.with_suffix(".json")
    render_view(session, view, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == saved.read_bytes()
    content = json.loads(view.read_text())
    content["lane"]["curves"][0]["y"][0] = [0]
    view.write_text(json.dumps(content))
    with pytest.raises(UserError, match="different length"):
        render_view(session, view, tmp_path / "no.svg")
    del content["lane"]["curves"]  # as an earlier version saved it
    view.write_text(json.dumps(content))
    render_view(session, view, tmp_path / "before.svg")
