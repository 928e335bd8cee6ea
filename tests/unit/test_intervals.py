"""Intervals of NWB files become one table."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpscope.sources.tables import files_of_session

SHARED = os.environ.get("LFPSCOPE_DATA", "")
PROGRAM = Path(__file__).parents[2] / "scripts" / "list_intervals.py"
Make = Callable[..., Path]


@pytest.fixture
def nwb(tmp_path: Path) -> Make:
    """Return a function that makes a file with one table of intervals."""

    def make(name: str, table: str = "trials", /, **columns: object) -> Path:
        path = tmp_path / f"{name}.nwb"
        with h5py.File(path, "a") as file:
            group = file.create_group(f"intervals/{table}")
            for column, values in columns.items():
                group[column] = values
        return path

    return make


def listed(*files: Path, code: int = 0) -> list[dict[str, str]]:
    """Run the program and read its table."""
    table = files[0].with_suffix(".csv")
    command = [sys.executable, PROGRAM, *files, "--intervals", table]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    with table.open() as file:
        return list(csv.DictReader(file))


def test_in_the_order_of_time_with_names_and_columns(nwb: Make) -> None:
    one = nwb(
        "one",
        "flashes_presentations",
        start_time=[9.5, 1.0],
        stop_time=[9.75, 1.25],
        stimulus_name=["flashes", "flashes"],
        contrast=[0.8, np.nan],
        stimulus_index=[7, 8],
    )
    other = nwb("other", "epochs", start_time=[0.5], stop_time=[20.0])
    rows = listed(one, other)
    assert list(rows[0]) == [
        *("start", "stop", "name", "table", "contrast", "stimulus_index", "stimulus_name")
    ]
    assert [(row["start"], row["stop"], row["name"], row["contrast"]) for row in rows] == [
        ("0.5", "20.0", "epochs", ""),
        ("1.0", "1.25", "flashes", ""),
        ("9.5", "9.75", "flashes", "0.8"),
    ]


def test_columns_named_as_ours_and_times_that_are_none(nwb: Make) -> None:
    path = nwb(
        "one",
        start_time=["2.0", "soon", "1.0"],
        stop_time=["2.5", "3.5", "late"],
        start=["left", "left", "right"],
        stop=["right", "left", "left"],
        name=["", "", "go"],
        table=[7, 8, 9],
    )
    assert [(row["start"], row["stop"], row["name"], row["table"]) for row in listed(path)] == [
        ("1.0", "", "go", "trials"),
        ("2.0", "2.5", "trials", "trials"),
    ]


def test_tags_are_joined_and_what_is_no_cell_is_left_out(nwb: Make) -> None:
    path = nwb(
        "one",
        start_time=[1.0, 2.0],
        stop_time=[1.5, np.nan],
        tags=["bad", "probeA", "all"],
        tags_index=np.array([2, 3], np.uint8),
        matrix=np.zeros((2, 3)),
    )
    (first, second) = listed(path)
    assert first == {**first, "name": "bad probeA", "tags": "bad probeA", "table": "trials"}
    assert (second["name"], second["stop"]) == ("all", "")
    assert "matrix" not in first
    assert "tags_index" not in first


def test_the_same_interval_of_two_files_is_one(nwb: Make) -> None:
    times = {"start_time": [1.0], "stop_time": [2.0]}
    assert len(listed(nwb("one", **times), nwb("other", **times))) == 1


def test_without_intervals_the_table_is_empty(nwb: Make, tmp_path: Path) -> None:
    path = nwb("one", start_time=np.empty(0))
    assert listed(path) == []
    (tmp_path / "broken.nwb").write_text("no HDF5")
    assert listed(tmp_path / "broken.nwb") == []


@pytest.mark.skipif(not SHARED, reason="LFPSCOPE_DATA names no folder with files of others")
def test_allens_session_file(tmp_path: Path) -> None:
    for file in Path(SHARED, "allen_writer", "session_715093703").glob("*.nwb"):
        (tmp_path / file.name).symlink_to(file)
    rows = listed(*tmp_path.glob("*.nwb"))
    assert len(rows) == 30
    assert (rows[0]["start"], rows[0]["stop"], rows[0]["name"]) == ("13.58", "13.83", "flashes")


def test_allens_session_file_is_found_beside_its_probes(tmp_path: Path) -> None:
    probe = str(tmp_path / "session_7" / "probe_1_lfp.nwb")
    assert files_of_session([probe]) == [probe]
    session = tmp_path / "session_7" / "session_7.nwb"
    session.parent.mkdir()
    session.touch()
    assert files_of_session([probe, probe]) == [probe, str(session)]
    server = "https://host/session_7/probe_1_lfp.nwb"
    assert files_of_session([server]) == [server, "https://host/session_7/session_7.nwb"]
    assert files_of_session(["https://host/session_7/other.nwb"]) == [
        "https://host/session_7/other.nwb"
    ]
