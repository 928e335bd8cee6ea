"""The last look over all results: the table of all probes, and the last lines of a run."""

import json
from pathlib import Path

import pytest

from lfpscope.clock.segments import Clock, Segment
from lfpscope.doubts import Doubt
from lfpscope.io.tables import read_table
from lfpscope.site.check_run import describe_results, write_checked
from lfpscope.site.results import Result, probe_figures
from lfpscope.site.run_json import describe_run, read_run
from lfpscope.sources.probes_table import NO_LFP, NOT_TAKEN, ProbeRow

UNIT = Doubt("values", "unit 'uV': taken as volts")
DEPTH = Doubt("labels", "depth is z as stored")
SHORT = Doubt("missing", "3 samples have no time")


def probe(name: str, *doubts: Doubt, problem: str = "", log: str = "") -> Result:
    session, _, row = name.partition("/")
    return Result(ProbeRow(session, row, "nwb", f"{row}.nwb"), problem, log, None, {}, doubts)


def not_taken(address: str, reason: str) -> Result:
    note = f"{address}: {reason}"
    return Result(ProbeRow("s", "x", "nwb", address, "", NOT_TAKEN, note), "", "", None, {})


def no_lfp(name: str) -> Result:
    row = ProbeRow("s", name, "allen", f"{name}.nwb", "", NO_LFP, "none was recorded")
    return Result(row, "", "", None, {})


# --- the last lines -----------------------------------------------------------------------------


def test_all_is_well_in_one_line() -> None:
    assert describe_results([probe("s/a")]) == ["1 probe complete"]
    assert describe_results([]) == ["0 probes complete"]


def test_what_matters_most_is_named_first_and_counted_last() -> None:
    some = [
        probe("s/a", UNIT, DEPTH),
        probe("s/b", problem="unreadable: b.nwb: truncated"),
        probe("s/c", SHORT, problem="summarize_probe failed: no space", log="logs/c.log"),
        no_lfp("d"),
        not_taken("data/e.nwb", "a folder. Name NWB files in HDF5."),
    ]
    assert describe_results(some) == [
        "2 probes incomplete:",
        "  s/b: unreadable: b.nwb: truncated",
        "  s/c: summarize_probe failed: no space; see logs/c.log",
        "Values may be wrong in 1 probe:",
        "  s/a: unit 'uV': taken as volts",
        "Labels may be wrong in 1 probe:",
        "  s/a: depth is z as stored",
        "Something is missing in 1 probe:",
        "  s/c: 3 samples have no time",
        "1 found and not taken:",
        "  data/e.nwb: a folder. Name NWB files in HDF5.",
        "1 probe complete, 2 incomplete, 2 with doubts, 1 without LFP, 1 not taken",
    ]


def test_probes_that_share_a_doubt_share_a_line() -> None:
    some = [probe(f"s/p{i}", UNIT) for i in range(348)]
    assert describe_results([*some, probe("s/z", Doubt("values", "another"))]) == [
        "Values may be wrong in 349 probes:",
        "  s/p0, s/p1, s/p2 and 345 more: unit 'uV': taken as volts",
        "  s/z: another",
        "349 probes complete, 349 with doubts",
    ]


def test_incomplete_probes_are_named_every_one() -> None:
    some = [probe(f"s/p{i}", problem="fetch_probe has not run") for i in range(6)]
    assert describe_results(some) == [
        "6 probes incomplete:",
        "  s/p0, s/p1, s/p2, s/p3, s/p4, s/p5: fetch_probe has not run",
        "0 probes complete, 6 incomplete",
    ]


def test_things_not_taken_for_one_reason_share_a_line() -> None:
    lines = describe_results([not_taken("a.nwb", "a folder"), not_taken("b.nwb", "a folder")])
    assert lines == [
        "2 found and not taken:",
        "  a.nwb, b.nwb: a folder",
        "0 probes complete, 2 not taken",
    ]


def test_many_different_doubts_do_not_hide_what_is_incomplete() -> None:
    some = [probe(f"s/p{i}", Doubt("labels", f"{i} channels have no depth")) for i in range(100)]
    cut = [probe(f"s/q{i}", problem=f"byte {i}: cut short") for i in range(100)]
    lines = describe_results([*some, *cut])
    assert len(lines) == (1 + 100) + (1 + 10 + 1) + 1
    assert lines[100] == "  s/q99: byte 99: cut short"
    assert lines[-2] == "  and 90 more: see checked.tsv"


def test_a_session_that_could_not_be_listed_is_named_alone() -> None:
    (_, line, _) = describe_results([probe("s/", problem="unreadable: no such host")])
    assert line == "  s: unreadable: no such host"


@pytest.mark.parametrize("bad", ["\x1b[2J\x1b[H", "one\ntwo", "a\rb", "\u202e"])
def test_texts_of_files_do_not_steer_the_terminal(bad: str) -> None:
    lines = describe_results([probe("s/a", Doubt("labels", bad), problem=bad)])
    assert len(lines) == 5
    assert all(line.isprintable() for line in lines)


# --- the table ----------------------------------------------------------------------------------


def test_table_has_every_row_with_its_status(tmp_path: Path) -> None:
    clock = Clock((Segment(0, 100, 0.0, 0.001),))
    cells = {"depth_um": "", "area": "", "std": "8e-05", "n_nan": "0", "n_damaged": "0"}
    cells |= {"label": "good", "flags": ""}
    channels = [cells | {"dead": "1", "saturated": "0"}, cells | {"dead": "0", "saturated": "1"}]
    row = ProbeRow("s", "a", "nwb", "a.nwb")
    complete = Result(row, "", "", probe_figures(clock, channels), {}, (UNIT, DEPTH))
    some = [complete, probe("s/b", problem="cut short"), no_lfp("c"), not_taken("d", "a folder")]
    write_checked(some, tmp_path / "checked.tsv")
    doubts = "values may be wrong: unit 'uV': taken as volts; "
    doubts += "labels may be wrong: depth is z as stored"
    assert [list(one.values()) for one in read_table(tmp_path / "checked.tsv")] == [
        ["s", "a", "complete", "", doubts, "100", "2", "0", "1", "1"],
        ["s", "b", "incomplete", "cut short", "", "", "", "", "", ""],
        ["s", "c", "no LFP", "none was recorded", "", "", "", "", "", ""],
        ["s", "x", "not taken", "d: a folder", "", "", "", "", "", ""],
    ]


# --- by way of run.json -------------------------------------------------------------------------


def test_lines_are_the_same_from_the_description_of_the_run(tmp_path: Path) -> None:
    some = [probe("s/a", UNIT, SHORT, problem="cut"), no_lfp("b"), not_taken("c", "a folder")]
    (tmp_path / "run.json").write_text(json.dumps(describe_run(some, {})))
    assert read_run(tmp_path / "run.json") == some
