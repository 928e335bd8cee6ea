"""The amplitude map shows every sample, whatever the clock; traces lie in their rows."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import recorded
from hypothesis import example, given
from hypothesis import strategies as st

from lfpscope.clock.segments import Clock
from lfpscope.clock.timeline import make_timeline
from lfpscope.envelope.amplitude import Amplitude
from lfpscope.envelope.columns import Columns
from lfpscope.envelope.grid import block_size
from lfpscope.envelope.read import OpenProbe
from lfpscope.render.heatmap import PEAK_MULTIPLE, amplitude, heat_picture
from lfpscope.render.palettes import HEAT_GAP, HEAT_GREY, SHADES, TRACE_PALETTE
from lfpscope.render.traces import trace_levels, trace_picture, traces_every
from lfpscope.render.view import View, gap_columns, read_view

Data = npt.NDArray[Any]
MICROVOLT = 1e-6
LIGHTEST = len(TRACE_PALETTE) - len(SHADES)


# --- every sample, one after the other ----------------------------------------------------------


def column_of_samples(view: View, clock: Clock, n_samples: int) -> npt.NDArray[np.int64]:
    """Column of the grid for each sample of a recording; −1 where it is not in the view."""
    columns = np.full(n_samples, -1)
    seconds = (view.t1 - view.t0) / view.n_columns
    for part in view.parts:
        step, segment = part.columns.step, part.columns.segment
        begin = part.columns.first_sample + part.skip * step
        stop = min(begin + part.n_columns * step, segment.stop_sample)
        at = round((clock.seconds(begin) - view.t0) / seconds)
        for sample in range(begin, stop):
            columns[sample] = at + (sample - begin) // step
    return columns


def columns_of_pixel(view: View, pixel: int) -> range:
    """The column in which a pixel starts, and those that follow up to the next pixel."""
    start, stop = (i * view.n_columns // view.width for i in (pixel, pixel + 1))
    return range(start, max(stop, start + 1))


def map_of_samples(distances: Data, columns: npt.NDArray[np.int64], view: View) -> Data:
    """RMS of distances (channel, sample) in each pixel column, or the peak where it is far off."""
    values = np.full((len(distances), view.width), np.nan)
    for pixel in range(view.width):
        here = distances[:, np.isin(columns, columns_of_pixel(view, pixel))]
        for channel, row in enumerate(here):
            known = row[~np.isnan(row)]
            if known.size:
                rms = np.sqrt((known**2).sum() / known.size)
                peak = known.max()
                values[channel, pixel] = peak if peak > PEAK_MULTIPLE * rms else rms
    return values


class ExactProbe(OpenProbe):
    """A probe whose amplitude is known sample by sample."""

    distances: Data  # volts, of shape (channel, sample); NaN where there is no number

    def amplitude(self, columns: Columns) -> Amplitude:
        """Squares, n and peak of columns, from all samples in them."""
        shape = columns.nan.shape
        squares, n, peak = np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape)
        for i in range(columns.n_columns):
            first = columns.first_sample + i * columns.step
            stop = min(first + columns.step, columns.segment.stop_sample)
            part = self.distances[:, first:stop]
            squares[:, i], n[:, i] = np.nansum(part**2, axis=1), (~np.isnan(part)).sum(axis=1)
            peak[:, i] = np.nan_to_num(part).max(axis=1)
        return Amplitude(squares, n, peak)


def clock_of(steps: list[tuple[int, float]]) -> Data:
    """Times of stretches of so many samples, each so many seconds after the one before."""
    times, start = [], 10.0
    for n, pause in steps:
        start += pause
        times.append(start + np.arange(n) / recorded.RATE)
        start += n / recorded.RATE
    return np.concatenate(times)


def make(folder: Path, data: Data, times: Data | None = None, *, bucket: int = 4) -> ExactProbe:
    references = recorded.index(folder, data, chunks=(3, 1), times=times)
    _, made = recorded.summarise(references, bucket=bucket)
    probe = ExactProbe(references, made)
    volts = data.astype(float) * references.scale + references.add
    probe.distances = np.abs(volts).T
    return probe


# no sum of these is half a sample, which is half a column: either neighbour would be right
PAUSES = st.sampled_from([0.0, 0.0, 0.01, 0.05, 0.4, 3.0, 500.0, -0.02, -0.3, -2.0]).map(
    lambda pause: pause and (round(pause * recorded.RATE) + 0.29) / recorded.RATE
)


@given(
    steps=st.lists(st.tuples(st.integers(3, 120), PAUSES), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
    share=st.sampled_from([1.0, 1.0, 0.3, 0.05]),
    width=st.integers(3, 90),
    in_axis_time=st.booleans(),
)
@example(steps=[(100, 0.0), (100, 0.05)], seed=0, share=1.0, width=100, in_axis_time=False)
@example(steps=[(40, 0.0), (40, 0.0005)], seed=1, share=1.0, width=13, in_axis_time=False)
@example(steps=[(40, 0.0), (40, -0.02), (9, 500.0)], seed=1, share=1.0, width=9, in_axis_time=True)
def test_a_map_is_that_of_every_sample(
    steps: list[tuple[int, float]], seed: int, share: float, width: int, in_axis_time: bool
) -> None:
    chance = np.random.default_rng(seed)
    times = clock_of(steps)
    data = chance.normal(0, 50, (times.size, 3)).round().astype(np.float32)
    data[chance.integers(0, len(data), 3), 0] *= 1000  # peaks that must not vanish
    data[chance.random(data.shape) < 0.1] = np.nan
    data[:, 2] = np.nan
    data *= np.float32(MICROVOLT)
    with TemporaryDirectory() as folder, make(Path(folder), data, times) as probe:
        clock = probe.references.clock
        if in_axis_time:
            clock = make_timeline([clock]).clock(clock)
        stop = clock.t0 + share * (clock.t1 - clock.t0)
        view = read_view(probe, clock.t0, stop, width, clock)
        assert view.width <= width
        columns = column_of_samples(view, clock, times.size)
        expected = map_of_samples(probe.distances, columns, view)
        np.testing.assert_allclose(amplitude(view, probe), expected, rtol=1e-9)
        if share == 1.0:  # no sample is outside, and only columns without one are gaps
            shown = set(columns.tolist())
            assert -1 not in shown
            assert np.flatnonzero(~gap_columns(view)).tolist() == sorted(shown)
            inside = {c for p in range(view.width) for c in columns_of_pixel(view, p)}
            assert shown <= inside


def test_a_peak_stays_where_two_segments_share_a_column(tmp_path: Path) -> None:
    """The end of one segment and the start of the next round to the same column."""
    data = np.random.default_rng(0).choice([-1.0, 1.0], (20_000, 1))
    data[9_998] = 5000.0
    times = 10 + np.arange(20_000) / recorded.RATE
    times[10_000:] += 0.05
    with make(tmp_path, (data * MICROVOLT).astype(np.float32), times) as probe:
        clock = probe.references.clock
        for width in (20, 50, 100):
            view = read_view(probe, clock.t0, clock.t1, width)
            assert np.nanmax(amplitude(view, probe)) == pytest.approx(5000e-6, rel=1e-3)


@pytest.mark.parametrize("width", [30, 100, 700])
def test_colours_are_those_of_every_sample(tmp_path: Path, width: int) -> None:
    """From the envelope, within one of 256 colours."""
    chance = np.random.default_rng(3)
    times = clock_of([(20_000, 0.0), (7_000, 0.3), (13_000, 2.0)])
    data = chance.normal(0, 40, (40_000, 4)) * np.repeat(chance.uniform(0.2, 3, 400), 100)[:, None]
    data[12_345, 1] = 4000
    data[:, 3] += np.linspace(0, 20_000, 40_000)  # drift is no amplitude
    counts = data.round().astype(np.int16).astype(np.float32) * np.float32(MICROVOLT)
    references = recorded.index(tmp_path, counts, chunks=(1000, 2), times=times)
    with recorded.probe(references, bucket=16) as probe:
        clock = probe.references.clock
        size = block_size(clock, probe.sizes[0])
        distances = np.empty(counts.T.shape)
        for segment in clock.segments:
            here = slice(segment.first_sample, segment.stop_sample)
            for channel, x in enumerate(counts[here].T.astype(np.float64)):
                distances[channel, here] = np.abs(x - recorded.baseline(x, size, 16))
        view = read_view(probe, clock.t0, clock.t1, width)
        columns = column_of_samples(view, clock, len(counts))
        expected = map_of_samples(distances, columns, view)
        with np.errstate(invalid="ignore"):
            shades = np.clip(expected / 125e-6, 0, 1) * 253
        drawn = heat_picture(view, probe, 4, volts=125e-6, channels=np.arange(4)).astype(float)
        gap = np.isnan(shades)
        assert (drawn[gap] == HEAT_GAP).all()
        assert np.abs(drawn - shades)[~gap].max() < 1.5


def test_channels_that_share_a_row_of_pixels_do_not_hide_each_other(tmp_path: Path) -> None:
    data = np.zeros((500, 60), np.float32)
    data[::2] = 30 * MICROVOLT
    data[205, 37] = 900 * MICROVOLT
    data[:, 10:20] = 0.0  # flat, so dead: a row of pixels of its own
    with make(tmp_path, data, None) as probe:
        view = read_view(probe, 10, 10.4, 50)
        picture = heat_picture(view, probe, 6, volts=800e-6, channels=np.arange(60))
    assert picture.shape == (6, view.width)
    assert picture[3].max() == 82  # 900 µV in 12 samples are 260 µV RMS, of 800
    assert picture[[0, 2, 4, 5]].max() < 10
    assert (picture[1] == HEAT_GREY).all()


# --- where traces lie -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def railing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenProbe, OpenProbe]]:
    """Sixteen channels of ±20 µV, alone and with a last fifth at the rails and in drift."""
    chance = np.random.default_rng(5)
    data = chance.normal(0, 7, (20_000, 16)).clip(-20, 20)
    bad = data.copy()
    bad[16_000:] = 6400.0
    bad[16_000:, 5] = -6400.0
    bad[16_000:, 9] += np.linspace(0, 3000, 4_000)
    bad[18_000, 2] = 1e9
    made = []
    for name, values in (("good", data), ("bad", bad)):
        folder = tmp_path_factory.mktemp(name)
        stored = (values.round() * MICROVOLT).astype(np.float32)
        references = recorded.index(folder, stored, chunks=(1000, 16))
        made.append(recorded.probe(references))
    yield made[0], made[1]
    for probe in made:
        probe.close()


def test_a_fifth_at_the_rails_moves_no_other_second(railing: tuple[OpenProbe, OpenProbe]) -> None:
    good, bad = railing
    start, stop = good.references.clock.t0, good.references.clock.t1
    # short of the end: about the medians of the view
    drawn = []
    for probe in (good, bad):
        view = read_view(probe, start, stop - 0.01, 400)
        assert not view.is_complete
        assert np.abs(trace_levels(view, probe)).max() < 5e-6
        drawn.append(trace_picture(view, probe, 320, pixels_per_volt=0.2 / MICROVOLT))
    before = int(0.79 * drawn[0].shape[1])
    rows = [np.flatnonzero((one[:, :before] > 0).any(axis=1)) for one in drawn]
    middles = np.arange(16) * 20 + 10
    for found in rows:
        distance = np.abs(found[:, np.newaxis] - middles).min(axis=1)
        assert distance.max() <= 7  # 20 µV are 4 pixels, and a median may be off by some µV
        assert {int(np.abs(middles - row).argmin()) for row in found.tolist()} == set(range(16))


def test_a_complete_recording_is_drawn_about_its_medians(
    railing: tuple[OpenProbe, OpenProbe],
) -> None:
    _, bad = railing
    clock = bad.references.clock
    view = read_view(bad, clock.t0, clock.t1, 400)
    assert view.is_complete
    assert trace_levels(view, bad).tolist() == bad.median.tolist()


def test_the_median_of_a_view_leaves_out_what_is_no_number(tmp_path: Path) -> None:
    data = np.tile(np.arange(100.0), (3, 1)).T.astype(np.float32)
    data[50:, 1] = np.nan
    data[:, 2] = np.nan
    with recorded.probe(recorded.index(tmp_path, data, chunks=(100, 3))) as probe:
        view = replace(read_view(probe, 10, 10.08, 100), is_complete=False)
        assert trace_levels(view, probe).tolist() == [49.5, 24.5, 0.0]


def test_one_noisy_channel_makes_no_bands_in_its_neighbours(tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    data = chance.normal(0, 60, (20_000, 60))
    data[:, 30] *= 16
    stored = (data * MICROVOLT).astype(np.float32)
    with recorded.probe(recorded.index(tmp_path, stored, chunks=(1000, 60))) as probe:
        view = read_view(probe, 10, 26, 300)
        order = np.arange(60)
        picture = trace_picture(view, probe, 180, pixels_per_volt=0.05 / MICROVOLT, channels=order)
        quiet = trace_picture(
            view,
            probe,
            180,
            pixels_per_volt=0.05 / MICROVOLT,
            channels=np.where(order == 30, 0, order),
        )
    shade = np.clip(picture.astype(int) - LIGHTEST, 0, None).mean(axis=1)
    without = np.clip(quiet.astype(int) - LIGHTEST, 0, None).mean(axis=1)
    far = np.abs(np.arange(180) - 91.5) > 15  # from its row: beyond NEAR
    assert np.abs(shade - without)[far].max() < 0.05


def test_of_thousands_of_channels_some_are_drawn_as_traces(tmp_path: Path) -> None:
    assert [traces_every(n, 600) for n in (1, 93, 300, 301, 4096)] == [1, 1, 1, 2, 14]
    data = np.zeros((40, 90), np.float32)
    data[::2] = 50 * MICROVOLT
    with recorded.probe(recorded.index(tmp_path, data, chunks=(40, 90))) as probe:
        view = read_view(probe, 10, 10.032, 40)
        picture = trace_picture(view, probe, 61, pixels_per_volt=1.0, channels=np.arange(90))
    rows = np.flatnonzero((picture >= LIGHTEST).any(axis=1))
    assert rows.size == 30
    assert (np.diff(rows) >= 2).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_draw_the_same(tmp_path: Path, threads: int) -> None:
    data = (np.random.default_rng(0).normal(0, 60, (3000, 9)) * MICROVOLT).astype(np.float32)
    with recorded.probe(recorded.index(tmp_path, data, chunks=(1000, 9))) as probe:
        view = read_view(probe, 10, 12.4, 200)
        size: dict[str, Any] = {"pixels_per_volt": 0.05 / MICROVOLT}
        drawn = trace_picture(view, probe, 90, threads=threads, **size)
        assert (drawn == trace_picture(view, probe, 90, **size)).all()
