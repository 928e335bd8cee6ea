"""Units, shape and clock of a recording, in any dialect of NWB."""

from typing import Any

import dialects
import h5py
import numpy as np
import pytest
from dialects import (
    add_region,
    add_series,
    add_table,
    clock,
    plain,
    recording,
    references,
    texts,
    volts,
)

from lfpscope.errors import UserError
from lfpscope.nwb.recording import read_clock

nwb = dialects.nwb  # the fixture


# --- units --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["<i2", ">i4", "<f4", "<f8"])
@pytest.mark.parametrize(("conversion", "offset"), [(1.0, 0.0), (2e-6, 0.0), (1.95e-7, -3e-4)])
def test_conversion_and_offset_are_applied_once(nwb, tmp_path, dtype, conversion, offset):
    data = np.arange(400).reshape(100, 4).astype(dtype)
    series = add_series(nwb, data=data)
    series["data"].attrs["conversion"], series["data"].attrs["offset"] = conversion, offset
    opened = references(nwb, tmp_path)
    expected = data.astype("f8") * conversion + offset
    np.testing.assert_allclose(data * opened.scale + opened.add, expected, rtol=1e-15)
    np.testing.assert_allclose(volts(tmp_path), expected, rtol=1e-6, atol=1e-12)


def test_channel_conversion_is_a_coordinate(nwb, tmp_path):
    data = np.arange(400).reshape(100, 4).astype("<i2")
    series = add_series(nwb, data=data)
    series["data"].attrs["conversion"], series["data"].attrs["offset"] = 2e-6, 1e-3
    series["channel_conversion"] = [1.0, 2.0, 0.5, 1.0]
    opened = references(nwb, tmp_path)
    per_count = np.array([2e-6, 4e-6, 1e-6, 2e-6])
    np.testing.assert_array_equal(opened.scale, per_count)
    assert opened.add == 1e-3
    assert "channel_conversion" not in opened.channels.columns
    with plain(tmp_path / "lfp.json") as dataset:
        assert dataset.lfp.attrs["units"] == "count"
        np.testing.assert_array_equal(dataset.lfp.values, data)
        np.testing.assert_array_equal(dataset.volts_per_count.values, per_count)


# --- shape --------------------------------------------------------------------------------------


def channels_first(nwb: h5py.File, **how: Any) -> h5py.Group:
    return add_series(nwb, data=np.zeros((4, 100), "<f4"), **how)


def test_channels_first_by_the_number_of_timestamps(nwb):
    channels_first(nwb, times=np.arange(100) / 1250)
    found = recording(nwb)
    assert (found.n_samples, found.n_channels, found.transposed) == (100, 4, True)
    assert texts(found)[0] == "channels first in the file, (4, 100): read with the axes swapped"


def test_channels_first_by_the_number_of_electrodes(nwb):
    add_region(channels_first(nwb), np.arange(4), add_table(nwb, id=np.arange(4)))
    assert recording(nwb).transposed


def test_channels_first_is_not_guessed(nwb):
    channels_first(nwb)
    found = recording(nwb)
    assert (found.n_samples, found.n_channels, found.transposed) == (4, 100, False)
    assert texts(found)[0].startswith("more channels than samples, (4, 100)")


def test_short_recording_is_not_channels_first(nwb):
    # released probe files cut to ten samples by others: as many rows in the region
    series = add_series(nwb, data=np.zeros((10, 87), "<f4"), times=np.arange(10) / 1250)
    add_region(series, np.arange(10), add_table(nwb, id=np.arange(10)))
    assert not recording(nwb).transposed


def test_timestamps_and_electrodes_that_contradict_each_other(nwb):
    series = channels_first(nwb, times=np.arange(100) / 1250)
    add_region(series, np.arange(100), add_table(nwb, id=np.arange(100)))
    with pytest.raises(UserError, match=r"4 samples but timestamps of shape \(100,\)"):
        recording(nwb)


def test_square_data_are_time_first(nwb):
    add_series(nwb, data=np.zeros((50, 50), "<f4"), times=np.arange(50) / 1250)
    assert not recording(nwb).transposed


# --- clock --------------------------------------------------------------------------------------


def test_rate_that_is_no_whole_number(nwb, tmp_path):
    add_series(nwb, rate=3051.75)
    assert clock(nwb) == [[0, 100, 0.5, 1 / 3051.75, 0.0]]
    references(nwb, tmp_path)
    with plain(tmp_path / "lfp.json") as dataset:
        expected = 0.5 + np.arange(100) / 3051.75
        np.testing.assert_allclose(dataset.timestamps.values, expected, rtol=1e-15)


def test_counted_clock_of_several_chunks(nwb, tmp_path, monkeypatch):
    monkeypatch.setattr("lfpscope.references.variables.COUNT_CHUNK", 30)
    add_series(nwb, rate=1000.0)
    references(nwb, tmp_path)
    with plain(tmp_path / "lfp.json") as dataset:
        expected = 0.5 + np.arange(100) / 1000
        np.testing.assert_allclose(dataset.timestamps.values, expected, rtol=1e-15)


def test_both_timestamps_and_rate(nwb):
    series = add_series(nwb, rate=999.0)
    series["timestamps"] = np.arange(100) * 0.5
    assert clock(nwb) == [[0, 100, 0.0, 0.5, 0.0]]
    assert "both timestamps and starting_time: timestamps are used" in texts(recording(nwb))


def test_neither_timestamps_nor_rate(nwb):
    add_series(nwb, rate=None)
    with pytest.raises(UserError, match="neither timestamps nor starting_time and rate"):
        recording(nwb)


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_rate_that_is_none(nwb, rate):
    add_series(nwb, rate=rate)
    with pytest.raises(UserError, match=r"a rate of .* Hz; expected more than 0"):
        recording(nwb)


def test_starting_time_that_is_not_a_number(nwb):
    add_series(nwb)["starting_time"][()] = np.nan
    assert clock(nwb) == [[0, 100, 0.0, 1 / 1250, 0.0]]
    assert "starting_time is not a number: the clock starts at 0" in texts(recording(nwb))


def test_number_of_timestamps_that_does_not_fit(nwb):
    add_series(nwb, times=np.arange(99) / 1250)
    with pytest.raises(UserError, match=r"100 samples but timestamps of shape \(99,\)"):
        recording(nwb)


def test_ticks_labelled_seconds(nwb):
    add_series(nwb, times=np.arange(100) * 24)
    assert texts(recording(nwb))[0] == (
        "implausible rate for LFP: 0.0417 Hz. Are the timestamps counts of samples, or ticks?"
    )
    assert clock(nwb) == [[0, 100, 0.0, 24.0, 0.0]]


def test_milliseconds_labelled_so(nwb):
    series = add_series(nwb, times=np.arange(100) * 0.8)
    series["timestamps"].attrs["unit"] = "milliseconds"
    assert "times in 'milliseconds': multiplied by 0.001, which makes 1250 Hz" in texts(
        recording(nwb)
    )
    assert clock(nwb) == [[0, 100, 0.0, pytest.approx(0.0008), pytest.approx(0.0, abs=1e-12)]]


def test_seconds_labelled_milliseconds(nwb):
    series = add_series(nwb, times=np.arange(100) / 1250)
    series["timestamps"].attrs["unit"] = "milliseconds"
    assert "times in 'milliseconds': taken as seconds, as NWB says" in texts(recording(nwb))


def test_ticks_beside_a_rate(nwb):
    series = add_series(nwb, times=np.arange(100) * 24)
    series["starting_time"] = 0.0
    series["starting_time"].attrs["rate"] = 1250.0
    assert "times are no seconds: multiplied by 3.33333e-05, which makes 1250 Hz" in texts(
        recording(nwb)
    )
    assert clock(nwb) == [[0, 100, 0.0, pytest.approx(0.0008), pytest.approx(0.0, abs=1e-12)]]


def test_timestamps_that_stand_still(nwb):
    add_series(nwb, times=np.zeros(100))
    assert "timestamps do not rise where they were looked at" in texts(recording(nwb))
    why = "99 of 100 samples repeat the timestamp before them"
    assert clock(nwb) == [[0, 100, None, None, 0.0, why]]


TIMES = np.concatenate([np.full(70_000, -1.0), 2.0 + 0.5 * np.arange(80_000), [60_000.0]])
SEGMENTS = [
    [0, 70_000, None, 0.5, 0.0],
    [70_000, 80_000, 2.0, 0.5, 0.0],
    [150_000, 1, 60_000.0, 0.5, 0.0],
]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"chunks": (1000,)},
        {"chunks": (7001,), "compression": "gzip", "shuffle": True},
        {"chunks": (150_001,), "compression": "gzip"},
        {"chunks": (50_000,), "maxshape": (None,), "compression": "gzip", "fletcher32": True},
    ],
    ids=["contiguous", "chunked", "gzip", "one_chunk", "few_chunks"],
)
def test_timestamps_in_any_layout(nwb, tmp_path, how):
    series = add_series(nwb, data=np.ones((150_001, 1), "<f4"), rate=None)
    series.create_dataset("timestamps", data=TIMES, **how)
    assert clock(nwb) == SEGMENTS
    references(nwb, tmp_path)
    with plain(tmp_path / "lfp.json") as dataset:
        np.testing.assert_array_equal(dataset.timestamps.values, TIMES)


@pytest.mark.parametrize("shape", [(1, -1), (-1, 1)])
def test_timestamps_as_a_matrix(nwb, tmp_path, shape):
    add_series(nwb, data=np.ones((150_001, 1), "<f4"), times=TIMES.reshape(shape))
    assert clock(nwb) == SEGMENTS
    references(nwb, tmp_path)
    with plain(tmp_path / "lfp.json") as dataset:
        np.testing.assert_array_equal(dataset.timestamps.values, TIMES)


def test_timestamps_with_a_missing_chunk_have_no_time(nwb):
    series = add_series(nwb, data=np.ones((3000, 1), "<f4"), rate=None)
    stored = series.create_dataset(
        "timestamps", (3000,), "f8", chunks=(1000,), compression="gzip", fillvalue=0.0
    )
    stored[:1000], stored[2000:] = np.arange(1000.0), np.arange(2000.0, 3000.0)
    assert clock(nwb) == [
        [0, 1000, 0.0, 1.0, 0.0],
        [1000, 1000, None, 1.0, 0.0],
        [2000, 1000, 2000.0, 1.0, 0.0],
    ]


def test_timestamps_that_cannot_be_read_in_place(nwb):
    series = add_series(nwb, data=np.ones((3000, 1), "<f4"), rate=None)
    series.create_dataset("timestamps", data=np.arange(3000.0), compression="lzf")
    with pytest.raises(UserError, match=r"/acquisition/lfp/timestamps: stored with lzf"):
        recording(nwb)


def test_timestamps_that_are_damaged(nwb):
    series = add_series(nwb, data=np.ones((3000, 1), "<f4"), rate=None)
    times = np.random.default_rng(0).random(3000)
    stored = series.create_dataset("timestamps", data=times, chunks=(1000,), compression="gzip")
    stored.id.write_direct_chunk((1000,), b"not gzip")
    with pytest.raises(UserError, match=r"timestamps: the chunk of sample 1000 does not inflate"):
        read_clock(nwb, recording(nwb))


def test_clock_that_never_runs_evenly(nwb):
    times = np.random.default_rng(0).uniform(0, 100, 50_000)
    add_series(nwb, data=np.ones((50_000, 1), "<f4"), times=times)
    with pytest.raises(UserError, match=r"timestamps: expected timestamps that rise evenly"):
        read_clock(nwb, recording(nwb))
