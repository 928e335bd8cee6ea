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

from lfpscope.nwb.intervals import Interval, join_touching
from lfpscope.sources.sessions_table import files_of_session

SHARED = os.environ.get("LFPSCOPE_DATA", "")
PROGRAM = Path(__file__).parents[3] / "scripts" / "list_intervals.py"
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


def listed(*files: Path) -> list[dict[str, str]]:
    """Run the program and read its table."""
    return listed_with_log(*files)[0]


def listed_with_log(*files: Path) -> tuple[list[dict[str, str]], str]:
    """Run the program; return its table and what it prints."""
    table = files[0].with_suffix(".csv")
    command = [sys.executable, PROGRAM, *files, "--intervals", table]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with table.open() as file:
        return list(csv.DictReader(file)), done.stdout


def ragged(lists: list[list[float]]) -> np.ndarray:
    stored = np.empty(len(lists), h5py.vlen_dtype(np.float64))
    for i, values in enumerate(lists):
        stored[i] = np.array(values)
    return stored


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


def test_lists_and_rows_of_a_matrix_are_joined(nwb: Make) -> None:
    path = nwb(
        "one",
        start_time=[1.0, 2.0],
        stop_time=[1.5, np.nan],
        tags=["bad", "probeA", "all"],
        tags_index=np.array([2, 3], np.uint8),
        matrix=[[1.0, 2.0], [3.5, np.nan]],
        image=np.zeros((2, 5, 5)),
        lists=ragged([[1.0], [2.0, 3.0]]),
    )
    with h5py.File(path, "r+") as file:
        table = file["intervals/trials"]
        table["timeseries"] = np.zeros(2, dtype=[("idx_start", "i4"), ("count", "i4")])
        table["of"] = np.array([table.ref, table.ref], dtype=h5py.ref_dtype)
    (first, second), log = listed_with_log(path)
    assert first == {**first, "name": "bad probeA", "tags": "bad probeA", "table": "trials"}
    assert (second["name"], second["stop"]) == ("all", "")
    assert (first["matrix"], second["matrix"]) == ("1.0 2.0", "3.5 ")
    assert (first["lists"], second["lists"]) == ("1.0", "2.0 3.0")
    assert not {"tags_index", "timeseries", "of", "image"} & set(first)
    assert "column image left out: values of shape (2, 5, 5) for 2 rows" in log
    assert "column of left out: values of type object" in log


@pytest.mark.parametrize("shape", [(2, 1), (1, 2)])
def test_columns_as_a_matrix(nwb: Make, shape: tuple[int, int]) -> None:
    path = nwb(
        "one",
        start_time=np.reshape([3.0, 1.0], shape),
        stop_time=np.reshape([4.0, 2.0], shape),
        kind=np.reshape([8, 7], shape),
    )
    rows, log = listed_with_log(path)
    assert [(row["start"], row["stop"], row["kind"]) for row in rows] == [
        ("1.0", "2.0", "7"),
        ("3.0", "4.0", "8"),
    ]
    assert log == f"{path}: 2 intervals\n"


ODD: dict[str, tuple[dict[str, object], str]] = {
    "two_times": (
        {"start_time": np.ones((2, 2)), "stop_time": [1.0, 2.0]},
        "start_time of shape (2, 2) and type float64, not times.",
    ),
    "indexed": (
        {"start_time": [1.0, 2.0, 3.0], "start_time_index": [2, 3]},
        "start_time has several times for a row (expected one).",
    ),
    "complex": (
        {"start_time": np.array([1j, 2j])},
        "start_time of shape (2,) and type complex128, not times.",
    ),
    "no_start": ({"stop_time": [1.0, 2.0]}, "no start_time, so no interval has a time."),
    "lengths": (
        {"start_time": [1.0, 2.0, 3.0], "stop_time": [2.0, 3.0]},
        "3 times in start_time, 2 in stop_time.",
    ),
    "scalar": ({"start_time": 1.0}, "start_time of shape () and type float64, not times."),
    "elsewhere": (
        {"start_time": h5py.ExternalLink("/etc/passwd", "/x")},
        "a link into another file, /etc/passwd, which is not followed.",
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_table_costs_itself_only(nwb: Make, kind: str) -> None:
    columns, reason = ODD[kind]
    path = nwb("one", "a_odd", **columns)
    nwb("one", "b_trials", start_time=[1.0], stop_time=[2.0])
    (row,), log = listed_with_log(path)
    assert row == {"start": "1.0", "stop": "2.0", "name": "b_trials", "table": "b_trials"}
    first, second = log.splitlines()
    assert first == f"{path}: 1 intervals"
    assert second.startswith(f"left out: {path}: /intervals/a_odd")
    assert reason in second


def test_lists_of_times_and_a_dataset_in_place_of_a_table(nwb: Make) -> None:
    path = nwb("one", "trials", start_time=[1.0])
    with h5py.File(path, "r+") as file:
        file["intervals/array"] = [1.0, 2.0]
        table = file.create_group("intervals/lists")
        table.create_dataset("start_time", data=ragged([[1.0], [2.0, 3.0]]))
    rows, log = listed_with_log(path)
    assert [row["table"] for row in rows] == ["trials"]
    assert f"left out: {path}: /intervals/array: no table of intervals." in log
    assert f"left out: {path}: /intervals/lists: start_time has several times for a row" in log


def test_a_damaged_table_costs_itself_only(nwb: Make) -> None:
    path = nwb("one", "a", start_time=[1.0, 2.0])
    nwb("one", "b", start_time=[3.0])
    with h5py.File(path) as file:
        start = h5py.h5o.get_info(file["intervals/a/start_time"].id).addr
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 8)
    (row,), log = listed_with_log(path)
    assert row["table"] == "b"
    assert f"left out: {path}: /intervals/a/start_time: its metadata are damaged" in log


def test_rows_with_odd_times_are_counted(nwb: Make) -> None:
    path = nwb(
        "one",
        start_time=[5.0, 1.0, np.nan, 7.0, 9.0, np.inf, 3.0],
        stop_time=[6.0, 2.0, np.nan, 6.5, np.nan, 9.0, np.inf],
        kind=[0, 1, 2, 3, 4, 5, 6],
        short=[1, 2],
    )
    rows, log = listed_with_log(path)
    assert [(row["start"], row["stop"], row["kind"]) for row in rows] == [
        ("1.0", "2.0", "1"),
        ("3.0", "", "6"),
        ("5.0", "6.0", "0"),
        ("7.0", "", "3"),
        ("9.0", "", "4"),
    ]
    assert log.splitlines() == [
        f"{path}: 5 intervals",
        f"{path}: /intervals/trials: column short left out: 2 values for 7 rows",
        f"{path}: /intervals/trials: 2 of 7 intervals without a start, left out",
        f"{path}: /intervals/trials: 2 of 7 intervals without an end, shown as points",
        f"{path}: /intervals/trials: 1 of 7 intervals that end before they start, shown as points",
    ]


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


# --- events ---------------------------------------------------------------------------------------


@pytest.fixture
def events(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that adds a series of events to a file."""

    def add(kind: str, where: str, labels: list[str] | None = None, /, **members: object) -> Path:
        path = tmp_path / "events.nwb"
        with h5py.File(path, "a") as file:
            group = file.create_group(where)
            group.attrs["neurodata_type"] = kind
            for name, values in members.items():
                group[name] = values
            if labels:
                group["data"].attrs["labels"] = labels
        return path

    return add


def test_events_are_instants(events: Callable[..., Path]) -> None:
    events("AnnotationSeries", "acquisition/notes", timestamps=[1.0, 5.0], data=["start", "stop"])
    events("LabeledEvents", "processing/b/licks", ["L", "R"], timestamps=[2.0, 3.0], data=[1, 0])
    events("Events", "acquisition/rewards", timestamps=[4.0])
    events("TimeSeries", "acquisition/speed", timestamps=[4.0], data=[0.5])
    path = events(
        "EventsTable",
        "events/stimuli",
        timestamp=[6.0, 7.0],
        duration=[0.5, np.nan],
        contrast=[0.1, 0.2],
    )
    rows = listed(path)
    assert [(row["start"], row["stop"], row["name"], row["table"]) for row in rows] == [
        ("1.0", "1.0", "start", "notes"),
        ("2.0", "2.0", "R", "licks"),
        ("3.0", "3.0", "L", "licks"),
        ("4.0", "4.0", "rewards", "rewards"),
        ("5.0", "5.0", "stop", "notes"),
        ("6.0", "6.5", "stimuli", "stimuli"),
        ("7.0", "7.0", "stimuli", "stimuli"),
    ]
    assert [row["contrast"] for row in rows[-2:]] == ["0.1", "0.2"]


def test_events_of_containers_and_of_annotated_tables(events: Callable[..., Path]) -> None:
    events("BehavioralEvents", "processing/behavior/be")
    events("TimeSeries", "processing/behavior/be/reward", timestamps=[2.0], data=[0.01])
    path = events(
        "AnnotatedEventsTable",
        "processing/events/annotated",
        event_times=[1.0, 3.0, 5.0],
        event_times_index=[1, 1, 3],
        label=["poke", "none", "lick"],
    )
    rows = listed(path)
    assert [(row["start"], row["name"], row["table"]) for row in rows] == [
        ("1.0", "poke", "annotated"),
        ("2.0", "reward", "reward"),
        ("3.0", "lick", "annotated"),
        ("5.0", "lick", "annotated"),
    ]


def test_beginnings_and_ends_are_intervals(events: Callable[..., Path]) -> None:
    path = events(
        "IntervalSeries",
        "processing/behavior/running",
        timestamps=[1.0, 2.0, 3.0, 4.5, 6.0],
        data=np.array([1, -1, 1, -1, 1], np.int8),
    )
    assert [(row["start"], row["stop"]) for row in listed(path)] == [
        ("1.0", "2.0"),
        ("3.0", "4.5"),
        ("6.0", ""),
    ]


def test_odd_events_cost_themselves_only(events: Callable[..., Path]) -> None:
    events("AnnotationSeries", "acquisition/a", timestamps=[1.0, 2.0], data=["one"])
    events("LabeledEvents", "acquisition/b", data=[1, 0])
    events("TTLs", "acquisition/frames", timestamps=np.arange(100_001.0), data=[0])
    path = events("Events", "acquisition/z", timestamps=[4.0])
    rows, log = listed_with_log(path)
    assert [row["table"] for row in rows] == ["z"]
    assert "/acquisition/a: 1 labels for 2 times." in log
    assert "/acquisition/b: no timestamps, so no event has a time." in log
    assert "/acquisition/frames: 100001 events (expected at most 100000)." in log


# --- blocks ---------------------------------------------------------------------------------------


def test_touching_intervals_of_one_name_are_a_block() -> None:
    some = [
        Interval(0.0, 1.0, "a"),
        Interval(1.0, 2.0, "a"),
        Interval(1.5, 1.7, "b"),
        Interval(2.4, 3.0, "a"),
        Interval(0.2, 0.4, "a"),
    ]
    blocks = [Interval(0.0, 2.0, "a"), Interval(1.5, 1.7, "b"), Interval(2.4, 3.0, "a")]
    assert join_touching(some) == blocks
    assert join_touching(some, gap=0.5) == [Interval(0.0, 3.0, "a"), Interval(1.5, 1.7, "b")]
    assert join_touching([]) == []
