"""Runs of buckets: joined, however they come, and few."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.clock.segments import Segment
from lfpscope.periods.bucket_runs import JOINED_S, MOST_RUNS, Runs
from lfpscope.periods.table import Period, write_periods
from lfpscope.signals.runs import find_runs

SIZE, DT = 128, 1 / 1280.0  # a bucket takes 0.1 s
HOLE = int(JOINED_S / (SIZE * DT))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60), st.integers(1, 9))
def test_pieces_make_no_difference(beyond: list[tuple[bool, bool]], piece: int) -> None:
    mask = np.array(beyond, np.bool_).reshape(-1, 2).T
    segment = Segment(1000, mask.shape[1] * SIZE, 5.0, DT)
    runs = Runs()
    for first in range(0, mask.shape[1], piece):
        runs.add(segment, 1000 + first * SIZE, SIZE, mask[:, first : first + piece], 0)
    expected = find_runs(mask.any(axis=0), HOLE).tolist()
    assert [[(run.first - 1000) // SIZE, (run.stop - 1000) // SIZE] for run in runs.joined] == (
        expected
    )
    for run, (start, stop) in zip(runs.joined, expected, strict=True):
        assert run.channels.tolist() == mask[:, start:stop].any(axis=1).tolist()
        assert run.most == mask[:, start:stop].sum(axis=0).max()


def test_runs_of_different_segments_stay_apart() -> None:
    runs = Runs()
    for segment in (Segment(0, SIZE, 0.0, DT), Segment(SIZE, 3 * SIZE // 2, 9.0, DT)):
        n = -(-segment.n_samples // SIZE)
        runs.add(segment, segment.first_sample, SIZE, np.ones((1, n), np.bool_), 0)
    assert [(run.first, run.stop) for run in runs.joined] == [(0, SIZE), (SIZE, 5 * SIZE // 2)]


def test_a_day_of_short_saturations_is_a_small_file(tmp_path: Path) -> None:
    n_buckets, n_channels, piece = 864_000, 24, 8_640
    hits = np.cumsum(np.random.default_rng(0).integers(7, 40, size=n_buckets // 25))
    hits = hits[hits < n_buckets]
    segment = Segment(0, n_buckets * SIZE, 0.0, DT)
    runs = Runs()
    for first in range(0, n_buckets, piece):
        mask = np.zeros((n_channels, piece), np.bool_)
        here = hits[(hits >= first) & (hits < first + piece)]
        mask[here % n_channels, here - first] = True
        runs.add(segment, first * SIZE, SIZE, mask, 0)
    assert hits.size > 1.5 * MOST_RUNS
    assert MOST_RUNS / 4 < len(runs.joined) <= MOST_RUNS
    starts, stops = (np.array([getattr(run, x) for run in runs.joined]) for x in ("first", "stop"))
    inside = np.searchsorted(starts, hits * SIZE, side="right") - 1
    assert (stops[inside] > hits * SIZE).all()
    channels = np.array([run.channels for run in runs.joined])
    assert channels[inside, hits % n_channels].all()
    periods = [
        Period(run.first * DT, run.stop * DT, "saturated", tuple(np.flatnonzero(run.channels)), 0.1)
        for run in runs.joined
    ]
    write_periods(tmp_path / "periods.csv", periods)
    assert (tmp_path / "periods.csv").stat().st_size < 2e6
