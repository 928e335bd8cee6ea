"""The block of lines that says what was found in a recording."""

import dialects
import numpy as np
from dialects import add_region, add_series, add_table, recording

from lfpscope.nwb.describe import describe
from lfpscope.nwb.file import open_nwb
from lfpscope.nwb.recording import read_clock, read_recording

nwb = dialects.nwb  # the fixture


def lines(nwb, n_chunks=1, **options):
    found = recording(nwb)
    return describe(found, read_clock(nwb, found), n_chunks=n_chunks, **options).splitlines()


def test_whole_description(write_nwb, tmp_path):
    path = write_nwb(tmp_path / "a.nwb", samples=2500)
    with open_nwb(path) as nwb:
        found = read_recording(nwb, "/acquisition/LFP/lfp")
        text = describe(found, read_clock(nwb, found), n_chunks=12)
    assert text.splitlines() == [
        f"file      {path}",
        "series    /acquisition/LFP/lfp",
        "samples   2500 × 4 channels",
        "stored    float32, gzip, 12 pieces of 1000 × 1",
        "volts     stored × 1 + 0",
        "clock     10.000 s to 12.000 s, 1250.0000 Hz, even to 0.000 µs",
        "length    2 s, gaps included",
        "channels  4 with ids 100 to 103",
        "depth     0 to 60: distance from the tip (µm)",
        "areas     CA1 (4)",
    ]


def test_clock_with_all_that_can_happen(nwb):
    times = np.concatenate([np.full(40, -1.0), 13 + np.arange(30) * 0.5, 90 + np.arange(30) * 0.5])
    times[80:] -= 20
    add_series(nwb, times=times)
    assert lines(nwb)[5:10] == [
        "clock     13.000 s to 95.000 s, 2.0000 Hz, even to 0.000 µs",
        "length    1 min 22 s, gaps included",
        "gap       28.000 s to 90.000 s: 1 min 2 s",
        "reset     from 95.000 s to 75.000 s",
        "no time   samples 0 to 39",
    ]


def test_clock_without_any_time(nwb):
    add_series(nwb, times=np.full(100, np.nan))
    assert lines(nwb)[5] == "clock     no sample has a time"


def test_many_gaps_and_areas_are_counted(nwb):
    areas = [f"area{i}" for i in range(9)]
    add_table(nwb, id=np.arange(10), location=[*areas, "area0"])
    times = np.arange(100) / 20 + np.arange(100) // 4
    series = add_series(nwb, data=np.ones((100, 11), "<f4"), times=times)
    add_region(series, np.arange(10))
    series["channel_conversion"] = np.ones(11)
    nwb.attrs["nwb_version"], nwb["general/session_id"] = "2.6.0", "monday"
    found = lines(nwb)
    assert found[1:3] == ["version   NWB 2.6.0", "session   monday, the file says"]
    assert "volts     stored × 1 × channel_conversion + 0" in found
    assert "gap       and 4 more" in found
    assert "channels  10 with ids 0 to 9, and 1 without an electrode" in found
    assert "areas     area0 (2), area1 (1)" in "\n".join(found)
    assert "area7 (1), and 1 more" in "\n".join(found)
    assert found[-2:] == [
        "doubt     electrodes region of 10 rows for 11 channels",
        "doubt     no depth: channels keep the file's order",
    ]
