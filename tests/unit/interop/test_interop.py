"""Recordings given to other packages: values, places, times and intervals are those of the file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mne
import numpy as np
import pytest
import recorded

from lfpscope.errors import UserError
from lfpscope.interop.mne import to_mne

ROOT = Path(__file__).parents[3]
COUNTS = np.rint(recorded.walk(3000, 4, step=1.0)).astype(np.int16)
GAP = np.where(np.arange(3000) < 2000, 0, 60) + 10 + np.arange(3000) / 1250


@pytest.fixture
def session(tmp_path: Path) -> Path:
    folder = tmp_path / "probes" / "probe"
    folder.mkdir(parents=True)
    recorded.index(folder, COUNTS, chunks=(700, 2), times=GAP)
    table = "start,stop,name\n9,10.5,before\n10.6,10.7,flash\n10.9,99,after\n50,51,elsewhere\n"
    (tmp_path / "intervals.csv").write_text(table)
    return tmp_path


def test_a_window_for_mne(session: Path) -> None:
    raw = to_mne(session, "probe", (10.4, 11.2))
    assert isinstance(raw, mne.io.RawArray)
    np.testing.assert_array_equal(raw.get_data(), COUNTS[500:1500].T)
    assert raw.ch_names == ["0", "1", "2", "3"]
    assert raw.info["sfreq"] == pytest.approx(1250)
    found = [(one["onset"], one["duration"], one["description"]) for one in raw.annotations]
    expected = [(0, 0.1, "before"), (0.2, 0.1, "flash"), (0.5, 0.3, "after")]
    for one, other in zip(found, expected, strict=True):
        assert one[:2] == pytest.approx(other[:2], abs=1e-6)
        assert one[2] == other[2]
    assert raw.info["description"] == "session session, probe probe, from 10.400000 s on"


def test_a_window_with_a_gap_is_refused(session: Path) -> None:
    with pytest.raises(UserError, match="expected one stretch of samples, found 2"):
        to_mne(session, "probe", (11, 72))
    with pytest.raises(KeyError, match=r"no probe other \(expected one of probe\)"):
        to_mne(session, "other", (10, 11))


def test_positions_for_mne(tmp_path: Path, write_nwb) -> None:
    from lfpscope.references.index import index_recording

    folder = tmp_path / "probes" / "probe"
    folder.mkdir(parents=True)
    nwb = write_nwb(tmp_path / "probe.nwb")
    index_recording(str(nwb), folder / "lfp.json", session="session", probe="probe")
    raw = to_mne(tmp_path, "probe", (10, 11))
    places = [one["loc"][:3].tolist() for one in raw.info["chs"]]
    assert np.array(places) == pytest.approx(np.array([[0, 0, z] for z in (0, 2e-5, 4e-5, 6e-5)]))


def test_a_package_that_is_missing_is_named(session: Path) -> None:
    code = f"""
import sys
sys.modules["mne"] = sys.modules["spikeinterface"] = None
from lfpscope.errors import UserError
from lfpscope.interop.mne import to_mne
try:
    to_mne({str(session)!r}, "probe", (10, 11))
except UserError as error:
    print(error)
try:
    import lfpscope.interop.spikeinterface
except UserError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "mne is not installed. Install it: pip install 'lfpscope[mne]'.",
        "spikeinterface is not installed. Install it: pip install spikeinterface.",
    ]


RECORDING = """
import json, sys
import spikeinterface as si
from lfpscope.interop.spikeinterface import ReferencedRecording

recording = ReferencedRecording(sys.argv[1], "probe")
again = si.load(recording.to_dict())
first = recording.get_traces(segment_index=0, start_frame=690, end_frame=710)
print(json.dumps({
    "sizes": [recording.get_num_samples(i) for i in range(recording.get_num_segments())],
    "starts": [recording.get_times(i)[0] for i in range(2)],
    "traces": first.tolist(),
    "volts": recording.get_traces(segment_index=1, start_frame=-5, channel_ids=[3, 1],
                                  return_in_uV=True).tolist(),
    "again": again.get_traces(segment_index=0, start_frame=690, end_frame=710).tolist(),
    "ids": recording.channel_ids.tolist(),
}))
"""


@pytest.mark.slow
def test_a_recording_of_spikeinterface(session: Path) -> None:
    """In an environment of its own, for it needs another Zarr."""
    listed = ROOT / "envs/spikeinterface.txt"
    command = ["uv", "run", "--no-project", "--python", sys.executable, "--with-requirements"]
    command += [str(listed), "python", "-W", "ignore", "-c", RECORDING, str(session)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["sizes"] == [2000, 1000]
    assert found["starts"] == pytest.approx([10, 71.6])
    assert found["traces"] == found["again"] == COUNTS[690:710].tolist()
    np.testing.assert_allclose(found["volts"], COUNTS[-5:, [3, 1]] * 1e6, rtol=1e-6)
    assert found["ids"] == [0, 1, 2, 3]
