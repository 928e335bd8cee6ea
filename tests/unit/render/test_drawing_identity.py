"""What is drawn from the envelope is, pixel for pixel, what Datashader draws from every sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import datashader
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import recorded
from hypothesis import example, given
from hypothesis import strategies as st

from lfpscope.envelope import grid
from lfpscope.envelope.read import OpenProbe
from lfpscope.render.traces import FAR, trace_levels, trace_pixels
from lfpscope.render.view import View, read_view

Floats = npt.NDArray[np.float64]

GAIN = 0.1 / 0.195e-6  # pixels per volt: ten counts are a pixel
BUCKET = 6
COARSEST = 60  # buckets, so that short recordings have several levels


@dataclass(frozen=True)
class Recorded:
    """A probe, and what its samples truly are: volts (time, channel), NaN where damaged."""

    probe: OpenProbe
    volts: Floats


def make(folder: Path, data: npt.NDArray[Any], truth: Floats | None = None, **options: Any) -> Any:
    bucket = options.pop("bucket", BUCKET)
    references = recorded.index(folder, data, **options)
    volts = data.astype(np.float64) if truth is None else truth
    volts = np.where(np.isinf(volts), np.nan, volts)  # which is left out
    volts = volts * references.scale + references.add
    return Recorded(recorded.probe(references, bucket=bucket), volts)


def plain(folder: Path) -> Recorded:
    data = recorded.walk(20_000, 3, step=0.195e-6).astype(np.float32)
    return make(folder, data, chunks=(997, 1))


def off_grid(folder: Path) -> Recorded:
    """Values on no grid, with NaN: alone, in pairs, in long blocks, at both ends, and infinity."""
    data = recorded.walk(12_000, 3, step=0.2e-6, seed=1).astype(np.float32)
    data *= np.linspace(0.9, 1.1, len(data), dtype=np.float32)[:, np.newaxis]
    rng = np.random.default_rng(1)
    data[rng.integers(0, len(data), 40), 0] = np.nan
    data[5000:5001, 1] = data[5002:5003, 1] = np.nan  # an isolated sample between them
    data[:7, 1] = data[-3:, 1] = data[3000:4500, 1] = np.nan
    data[6000, 2], data[6100, 2] = np.inf, -np.inf
    data[::2, 2][1000:1100] = np.nan
    return make(folder, data, chunks=(1500, 2))


def segments(folder: Path) -> Recorded:
    """Counts at the rails, and a clock with gaps, a step back and segments of one sample."""
    counts = np.clip(recorded.walk(9_000, 4, step=1.0, seed=2), -300, 300).astype(np.int16)
    counts[4321, 1] = 32767
    steps = np.full(len(counts), 1 / recorded.RATE)
    steps[[1233, 3000, 3001, 6001]] += [0.05, 2.0, 1.0, 0.31]
    steps[7777] -= 0.8
    times = 5 + np.cumsum(steps)
    return make(folder, counts, chunks=(640, 3), times=times)


def damaged(folder: Path) -> Recorded:
    data = recorded.walk(8_000, 2, step=0.195e-6, seed=3).astype(np.float32)
    truth = data.astype(np.float64)
    truth[2100:2800, 0] = truth[0:700, 1] = np.nan
    return make(folder, data, truth, chunks=(700, 1), damaged=((3, 0), (0, 1)))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Recorded]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "COARSEST", COARSEST)
        made = [
            build(tmp_path_factory.mktemp(build.__name__))
            for build in (plain, off_grid, segments, damaged)
        ]
    yield made
    for one in made:
        one.probe.close()


def every_sample(
    view: View, one: Recorded, channels: npt.NDArray[np.int64], baselines: Floats, height: int
) -> npt.NDArray[np.bool_]:
    """Draw all samples of a view's segments as Datashader does."""
    picture = np.zeros((height, view.width), np.bool_)
    levels = trace_levels(view, one.probe)[channels]
    for part in view.parts:
        segment, columns = part.columns.segment, part.columns
        index = np.arange(segment.first_sample, segment.stop_sample)
        volts = one.volts[index][:, channels] - levels
        y = np.clip(volts * GAIN + baselines, -FAR, FAR)
        broken = np.vstack([y, np.full(channels.size, np.nan)]).T.ravel()
        x = np.tile(np.append(index, np.nan), channels.size)
        pixels, step = view.pixels(part), columns.step * view.n_columns / view.width
        origin = columns.first_sample + (part.skip - part.at) * columns.step - 0.5
        canvas = datashader.Canvas(
            plot_width=pixels.stop - pixels.start,
            plot_height=height,
            x_range=(origin + pixels.start * step, origin + pixels.stop * step),
            y_range=(0.0, float(height)),
        )
        table = pd.DataFrame({"x": x, "y": broken})
        picture[:, pixels] |= canvas.line(table, "x", "y", agg=datashader.any()).to_numpy()[::-1]
    return picture


def assert_same_pixels(
    one: Recorded,
    start: float,
    stop: float,
    *,
    width: int,
    height: int = 60,
    channels: npt.NDArray[np.int64] | None = None,
) -> View:
    """Draw a view both ways; returns it."""
    if channels is None:
        channels = np.arange(one.probe.references.n_channels)
    view = read_view(one.probe, start, stop, width)
    baselines = (np.arange(channels.size) + 0.5) * height / channels.size
    levels = trace_levels(view, one.probe)[channels]
    size = {"height": height, "pixels_per_volt": GAIN}
    drawn = trace_pixels(view, one.probe, channels, baselines, levels, **size)
    expected = every_sample(view, one, channels, baselines, height)
    different = np.argwhere(drawn != expected)
    assert not different.size, (
        f"{len(different)} pixels differ, first {different[0]} (row, column), drawn from "
        f"{view.drawn_from}, {view.n_columns} columns of {view.parts[0].columns.step}"
    )
    return view


@pytest.mark.parametrize("which", range(4))
def test_same_pixels_at_every_level(recordings: list[Recorded], which: int) -> None:
    one = recordings[which]
    clock = one.probe.references.clock
    drawn_from = {
        assert_same_pixels(one, clock.t0, clock.t1, width=width).drawn_from
        for width in (3, 4, 10, 17, 40, 100, 257, 600, 1400, 3000, 5000)
    }
    # one level finer than the widest that fits is taken, so the coarsest never is
    levels = {f"envelope of {size} samples" for size in one.probe.sizes[:-1]}
    assert drawn_from == levels | {"every sample"}


@given(draw=st.data())
def test_same_pixels_in_any_view(recordings: list[Recorded], draw: st.DataObject) -> None:
    one = draw.draw(st.sampled_from(recordings))
    references = one.probe.references
    clock = references.clock
    duration = clock.t1 - clock.t0
    span = duration * draw.draw(st.sampled_from([1e-4, 1e-3, 0.01, 0.1, 0.4, 1.0, 1.3]))
    span *= draw.draw(st.floats(0.5, 1.5))
    start = clock.t0 - 0.1 * span + draw.draw(st.floats(0, 1)) * duration
    everything = range(references.n_channels)
    channels = draw.draw(st.lists(st.sampled_from(everything), min_size=1, unique=True))
    view = assert_same_pixels(
        one,
        start,
        start + span,
        width=draw.draw(st.integers(3, 400)),
        height=draw.draw(st.integers(1, 90)),
        channels=np.array(channels),
    )
    rounding = 1e-6 * (view.t1 - view.t0) / view.n_columns
    assert view.t0 <= start + rounding
    assert view.t1 >= start + span - rounding


def test_each_segment_lies_at_its_time_whatever_its_own_step(tmp_path: Path) -> None:
    even = np.arange(10_000) / recorded.RATE
    few = np.array([0, 1.4]) / recorded.RATE  # two samples farther apart than the others
    times = np.concatenate([10 + even, 20 + few, 22 + 1.001 * even])
    data = np.ones((times.size, 1), np.float32)
    with recorded.probe(recorded.index(tmp_path, data, chunks=(1000, 1), times=times)) as probe:
        view = read_view(probe, 10, 30, 1000)
        seconds = (view.t1 - view.t0) / view.n_columns
        found = [view.t0 + part.at * seconds for part in view.parts]
    assert found == pytest.approx([10, 20, 22], abs=seconds)


VALUES = st.sampled_from([0.0, 1.0, -1.0, 40.0, -40.0, 300.0, -300.0, np.nan, np.nan, np.inf])


@given(
    samples=st.lists(VALUES, min_size=1, max_size=60),
    bucket=st.integers(2, 9),
    chunk=st.integers(1, 40),
    width=st.integers(3, 40),
)
@example(samples=[np.nan, 1.0, np.nan, -40.0, 40.0], bucket=2, chunk=3, width=3)
@example(samples=[1.0], bucket=2, chunk=1, width=5)
@example(samples=[1.0, 40.0, -40.0, 0.0, np.nan, 0.0, 40.0], bucket=3, chunk=2, width=4)
def test_same_pixels_of_any_samples(
    samples: list[float], bucket: int, chunk: int, width: int
) -> None:
    data = (np.array(samples)[:, np.newaxis] * 0.195e-6).astype(np.float32)
    with TemporaryDirectory() as folder:
        one = make(Path(folder), data, chunks=(min(chunk, len(data)), 1), bucket=bucket)
        with one.probe as probe:
            clock = probe.references.clock
            for stretch in (1.0, 0.3):
                assert_same_pixels(
                    one, clock.t0, clock.t0 + stretch * (clock.t1 - clock.t0), width=width
                )
