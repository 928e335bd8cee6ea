"""The clock of a recording in its file: what the index says of it, and what it refuses."""

import json

import dialects
import numpy as np
import pytest
from dialects import SERIES, add_series, clock

from lfpscope.errors import UserError
from lfpscope.nwb.timestamps import stored_rate
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references

nwb = dialects.nwb  # the fixture


def add_times(nwb, times):
    return add_series(nwb, data=np.ones((len(times), 2), "<f4"), times=times)


def index(nwb, tmp_path):
    nwb.close()
    index_recording(
        str(tmp_path / "a.nwb"), tmp_path / "lfp.json", session="s", probe="p", series=SERIES
    )
    return open_references(tmp_path / "lfp.json")


def texts(references):
    return [doubt.text for doubt in references.doubts if doubt.kind == "values"]


@pytest.mark.parametrize(
    "times",
    [
        np.arange(50_000) / 1250.0,
        (70_000 + np.arange(50_000) / 1250.0).astype(np.float32),
        np.arange(50_000) // 32 * 32 / 1250.0,
        np.arange(50_000) // 1024 * 1024 / 1250.0,
        np.round(np.arange(50_000) / 1250.0, 3),
    ],
)
def test_the_rate_that_series_are_chosen_by(nwb, times):
    assert stored_rate(add_times(nwb, times)) == pytest.approx(1250.0, rel=1e-3)


def test_what_the_index_finds_is_said(nwb, tmp_path):
    times = np.r_[27_720 + np.arange(768) / 1024, np.arange(12_000) / 1024]
    add_times(nwb, times)
    found = index(nwb, tmp_path)
    assert texts(found) == ["the clock is reset 1 time: after 750 ms it restarts at 0:00"]


def test_float32_in_the_file(nwb, tmp_path):
    add_times(nwb, (70_000 + np.arange(50_000) / 1250.0).astype(np.float32))
    found = index(nwb, tmp_path)
    assert texts(found) == ["timestamps are float32: times are right to 7.8 ms"]


def test_a_band_in_milliseconds_is_doubted(nwb, tmp_path):
    add_times(nwb, np.arange(12_500) / 30.0)
    found = index(nwb, tmp_path)
    assert texts(found) == ["implausible rate for LFP: 30 Hz. Are the timestamps milliseconds?"]
    assert 1 / found.clock.dt == pytest.approx(30.0)


def test_milliseconds_that_are_proved_are_seconds_everywhere(nwb, tmp_path):
    add_times(nwb, np.arange(12_500) * 0.8)["timestamps"].attrs["unit"] = "milliseconds"
    found = index(nwb, tmp_path)
    assert 1 / found.clock.dt == pytest.approx(1250.0)
    refs = json.loads((tmp_path / "lfp.json").read_text())["refs"]
    assert json.loads(refs["timestamps/.zattrs"])["scale_factor"] == 0.001
    with dialects.plain(tmp_path / "lfp.json") as dataset:
        np.testing.assert_allclose(dataset.timestamps[:3], [0, 0.0008, 0.0016])


@pytest.mark.parametrize(
    ("times", "why"),
    [
        (np.zeros(5000), "4999 of 5000 samples repeat the timestamp before them"),
        (np.full(5000, np.nan), "5000 of 5000 timestamps are not numbers"),
        ((1.651e9 + np.arange(5000) / 1250).astype("f4"), "no rate can be told"),
    ],
)
def test_a_recording_without_a_time_is_refused(nwb, tmp_path, times, why):
    add_times(nwb, times)
    with pytest.raises(UserError, match=f"timestamps: no sample has a usable time: .*{why}"):
        index(nwb, tmp_path)


def test_seconds_since_1970_are_nothing_to_doubt(nwb):
    add_times(nwb, 1.651e9 + np.arange(5000) / 1250)
    ((first, n, t0, dt, residual),) = clock(nwb)
    assert (first, n, t0) == (0, 5000, 1.651e9)
    assert 1 / dt == pytest.approx(1250.0, rel=1e-6)
    assert residual < 1e-6
