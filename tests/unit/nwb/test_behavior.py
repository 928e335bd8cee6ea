"""Numbers over time in NWB files, from the file to the curve of a lane."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpscope.clock.timeline import Stretch, Timeline
from lfpscope.envelope.behavior import list_behavior, read_behavior, write_behavior
from lfpscope.errors import UserError
from lfpscope.nwb import behavior
from lfpscope.nwb.behavior import Series, find_behavior
from lfpscope.viewer.behavior_curves import SET_BACK, choose_series, make_curve, read_curves
from lfpscope.viewer.lane_curves import value_text

NAN = float("nan")
UNBROKEN = Timeline((Stretch(0, 0.0, 1000.0, 0.0),), ((0.0, 1000.0),))


def add(nwb: h5py.File, path: str, data: Any, kind: str = "TimeSeries", **more: Any) -> h5py.Group:
    """Add a series; by default one sample a second from 10 s on."""
    group = nwb.create_group(path)
    group.attrs["neurodata_type"] = kind
    stored = group.create_dataset("data", data=np.asarray(data))
    stored.attrs.update(more.get("about", {"unit": "cm/s"}))
    if "rate" in more:
        group["starting_time"] = more["start"]
        group["starting_time"].attrs["rate"] = more["rate"]
    elif more.get("timed", True):
        group["timestamps"] = more.get("times", 10.0 + np.arange(len(data)))
        group["timestamps"].attrs["unit"] = more.get("time_unit", "seconds")
    return group


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "one.nwb"


def found_in(file: Path) -> tuple[dict[str, Series], list[str]]:
    with h5py.File(file) as nwb:
        series, remarks = find_behavior(nwb)
    return {one.name: one for one in series}, remarks


def test_one_number_at_each_time_is_found_wherever_it_lies(file: Path) -> None:
    with h5py.File(file, "w") as nwb:
        add(nwb, "acquisition/wheel", [1, 2, 3], rate=50.0, start=2.0)
        add(nwb, "processing/behavior/BehavioralTimeSeries/speed", [1.5, NAN, np.inf])
        scaled = {"unit": "mm", "conversion": 0.5, "offset": 1.0}
        data = np.array([[2], [4]], np.int16)
        add(nwb, "processing/behavior/Pupil/area", data, "SpatialSeries", about=scaled)
        add(nwb, "acquisition/gaze", [[1, 2], [3, 4]], "SpatialSeries")
        add(nwb, "acquisition/lfp", [1.0, 2.0], "ElectricalSeries")
        add(nwb, "acquisition/notes", [1, -1], "IntervalSeries")
        add(nwb, "acquisition/frames", [10.0, 11.0])  # the times themselves
        add(nwb, "acquisition/nothing", [NAN, NAN])
        lickometer = nwb.create_group("processing/behavior/licks")
        lickometer.attrs["neurodata_type"] = "BehavioralEvents"
        add(nwb, "processing/behavior/licks/lick", [1.0, 1.0])
    found, remarks = found_in(file)
    assert (list(found), remarks) == (["speed", "area", "wheel"], [])
    assert found["wheel"].start.tolist() == [2.0, 2.02, 2.04]
    assert (found["wheel"].low.tolist(), found["wheel"].unit) == ([1, 2, 3], "cm/s")
    np.testing.assert_array_equal(found["speed"].low, [1.5, NAN, NAN])
    assert (found["area"].low.tolist(), found["area"].unit) == ([2.0, 3.0], "mm")
    assert found["area"].start.tolist() == [10.0, 11.0]


def test_what_has_no_time_for_each_number_is_left_out_and_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behavior, "MAX_SAMPLES", 5)
    with h5py.File(file, "w") as nwb:
        add(nwb, "acquisition/few", [1.0, 2.0], times=[10.0])
        add(nwb, "acquisition/many", np.zeros(6))
        add(nwb, "acquisition/never", [1.0], rate=0.0, start=2.0)
        add(nwb, "acquisition/right", [1.0, 2.0, 3.0], times=[10.0, NAN, 12.0])
    found, remarks = found_in(file)
    assert list(found) == ["right"]
    assert found["right"].start.tolist() == [10.0, 12.0]
    assert found["right"].low.tolist() == [1.0, 3.0]
    few, many, never = remarks
    assert few.endswith("/acquisition/few: 2 numbers for 1 timestamps.")
    assert many.endswith("/acquisition/many: 6 samples (expected at most 5).")
    assert "neither timestamps nor a rate" in never


def test_times_in_the_unit_that_they_name_where_seconds_are_absurd(file: Path) -> None:
    with h5py.File(file, "w") as nwb:
        unit = {"time_unit": "milliseconds"}
        add(
            nwb, "acquisition/camera", [1.0, 2.0, 3.0], times=[10_000.0, 10_033.0, 10_066.0], **unit
        )
        add(nwb, "acquisition/seconds", [1.0, 2.0, 3.0], times=[10.0, 10.033, 10.066], **unit)
    found, _ = found_in(file)
    for name in ("camera", "seconds"):
        np.testing.assert_allclose(found[name].start, [10.0, 10.033, 10.066])


def test_long_series_are_extremes_of_buckets(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behavior, "MAX_BUCKETS", 3)
    values = np.array([5, 1, 2, 3, NAN, NAN, NAN, NAN, 7, 8.0])
    with h5py.File(file, "w") as nwb:
        add(nwb, "acquisition/wheel", values)
    one = found_in(file)[0]["wheel"]
    assert (one.bucket, one.n_samples) == (4, 10)
    assert (one.start.tolist(), one.stop.tolist()) == ([10, 14, 18], [13, 17, 19])
    np.testing.assert_array_equal(one.low, [1, NAN, 7])
    np.testing.assert_array_equal(one.high, [5, NAN, 8])
    curve = make_curve(one, UNBROKEN)
    assert curve is not None
    assert value_text(curve, 12.0, 0.0, 40.0, 4000) == "wheel 1 … 5 cm/s"
    assert value_text(curve, 15.0, 0.0, 40.0, 4000) == ""
    assert "every 4 samples" in curve.detail


def test_a_session_has_each_series_once_under_a_name_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / name for name in ("a.nwb", "b.nwb", "none.nwb", "missing.nwb")]
    for i, file in enumerate(files[:2]):
        with h5py.File(file, "w") as nwb:
            add(nwb, "processing/running/speed", [1.0, 2.0])
            add(nwb, "acquisition/speed", [3.0, 4.0 + i])
    with h5py.File(files[2], "w"):
        pass
    made = tmp_path / "behavior.zarr.zip"
    list_behavior(*map(str, files), behavior=made)
    found = read_behavior(made)
    assert [(one.name, one.low.tolist()) for one in found] == [
        ("speed", [1.0, 2.0]),
        ("speed 2", [3.0, 4.0]),
        ("speed 3", [3.0, 5.0]),
    ]
    assert found[0].stop.tolist() == [10.0, 11.0]
    said = capsys.readouterr().out
    assert f"{files[2]}: 0 series of one number" in said
    assert "missing.nwb: no such file" in said
    first = made.read_bytes()
    list_behavior(*map(str, files), behavior=made)
    assert made.read_bytes() == first
    list_behavior(str(files[2]), behavior=made)
    assert read_behavior(made) == []
    made.write_bytes(b"PK broken")
    with pytest.raises(UserError, match="Delete it and run the pipeline again"):
        read_behavior(made)


# --- curves -------------------------------------------------------------------------------------


def series(times: list[float], values: list[float], name: str = "speed") -> Series:
    t, v = np.array(times, float), np.array(values, float)
    return Series(name, f"/processing/running/{name}", "cm/s", 1, t.size, t, t, v, v)


def test_the_line_is_broken_where_no_sample_is_for_long() -> None:
    times = [0.0, 1, 2, 3, 20, 21, 22]
    curve = make_curve(series(times, [1.0] * 7), UNBROKEN)
    assert curve is not None
    assert curve.times.tolist() == [0, 1, 2, 3, 3, 20, 21, 22]
    assert np.isnan(curve.values).tolist() == [False] * 4 + [True] + [False] * 3
    assert (curve.about, curve.detail) == ("running", "/processing/running/speed, every sample")


def test_a_broken_axis_has_what_lies_in_its_stretches() -> None:
    stretches = Stretch(0, 0.0, 2.0, 0.0), Stretch(0, 100.0, 102.0, 5.0)
    times = [0.0, 1, 2, 50, 100, 101]
    curve = make_curve(series(times, [1, 2, 3, 4, 5, 6]), Timeline(stretches, ((0.0, 102.0),)))
    assert curve is not None
    known = ~np.isnan(curve.values)
    assert curve.times[known].tolist() == [0, 1, 2, 5, 6]
    assert curve.values[known].tolist() == [1, 2, 3, 5, 6]
    assert np.isnan(curve.values[3])


def test_a_clock_that_is_set_back_is_matched_or_the_lane_is_not_there() -> None:
    reset = Timeline((Stretch(0, 0.0, 3.0, 0.0), Stretch(1, 1.0, 4.0, 5.0)))
    curve = make_curve(series([0, 1, 2, 1, 2, 3], [1, 2, 3, 4, 5, 6]), reset)
    assert curve is not None
    known = ~np.isnan(curve.values)
    assert curve.times[known].tolist() == [0, 1, 2, 5, 6, 7]
    assert curve.values[known].tolist() == [1, 2, 3, 4, 5, 6]
    assert make_curve(series([0, 1, 2, 3], [1, 2, 3, 4]), reset) is None
    assert make_curve(series([0, 1, 2, 0, 1], [1, 2, 3, 4, 5]), UNBROKEN) is None
    trembling = make_curve(series([0, 1, 0.9, 2, 3], [1, 3, 2, 4, 5]), UNBROKEN)
    assert trembling is not None
    assert trembling.values.tolist() == [1, 2, 3, 4, 5]


def test_speed_and_pupil_are_shown_first_and_others_named(tmp_path: Path) -> None:
    names = ["rotation", "voltage", "pupil_area", "running_speed"]
    some = [series([10, 11, 12], [1, 2, 3], name) for name in names]
    assert [one.name for one in choose_series(some)] == [*names[2:], *names[:2]]
    back = replace(some[0], start=np.array([10.0, 11, 5]), stop=np.array([10.0, 11, 5]))
    made = tmp_path / "behavior.zarr.zip"
    write_behavior(made, [back, *some[1:]])
    curves, missing = read_curves(made, UNBROKEN, (0, 0))
    assert [one.name for one in curves] == ["pupil_area", "running_speed"]
    assert missing == {"rotation": SET_BACK, "lane of voltage": "2 are shown"}
