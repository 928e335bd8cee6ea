"""What was named on the command line → sessions."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from lfpscope.command.inputs import Inputs, find_inputs, is_results
from lfpscope.sources.sessions_table import find_files, read_sessions


def touch(folder: Path, *names: str) -> list[Path]:
    files = [folder / name for name in names]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return files


def sessions(inputs: Inputs) -> dict[str, list[str]]:
    """Names of the files of each session."""
    return {row.session: [Path(one).name for one in find_files(row)] for row in inputs.rows}


def test_a_file_is_a_session(tmp_path: Path) -> None:
    (file,) = touch(tmp_path, "mouse-07.nwb")
    found = find_inputs([str(file)])
    assert sessions(found) == {"mouse-07": ["mouse-07.nwb"]}
    assert found.problems == ()


def test_a_relative_path_becomes_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.nwb")
    monkeypatch.chdir(tmp_path)
    (row,) = find_inputs(["a.nwb"]).rows
    assert row.location == str(tmp_path / "a.nwb")


def test_files_of_a_folder_and_below(tmp_path: Path) -> None:
    touch(tmp_path, "a.nwb", "b.nwb", "notes.txt", "below/c.nwb")
    assert list(sessions(find_inputs([str(tmp_path)]))) == ["a", "b", "c"]


def test_a_glob(tmp_path: Path) -> None:
    touch(tmp_path, "a1.nwb", "a2.nwb", "b.nwb")
    assert list(sessions(find_inputs([str(tmp_path / "a*.nwb")]))) == ["a1", "a2"]


def test_allens_files_of_one_folder_are_one_session(tmp_path: Path) -> None:
    names = ["probe_1_lfp.nwb", "probe_2_lfp.nwb", "session_7.nwb"]
    touch(tmp_path / "session_7", *names)
    assert sessions(find_inputs([str(tmp_path)])) == {"session_7": names}


def test_one_of_allens_files_is_taken_alone(tmp_path: Path) -> None:
    files = touch(tmp_path / "session_7", "probe_1_lfp.nwb", "probe_2_lfp.nwb")
    assert sessions(find_inputs([str(files[0])])) == {"1": ["probe_1_lfp.nwb"]}


def test_dandis_files_of_one_session(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "sub-1_ses-2_probe-0_ecephys.nwb",
        "sub-1_ses-2_probe-1_ecephys.nwb",
        "sub-1_ses-21_ecephys.nwb",
    )
    found = sessions(find_inputs([str(tmp_path)]))
    assert sorted(map(len, found.values())) == [1, 2]


def test_same_names_become_different_sessions(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.nwb", "y/a.nwb", "x/z/a.nwb", "y/z/a.nwb")
    found = find_inputs([str(tmp_path)])
    names = [row.session for row in found.rows]
    assert len(set(names)) == 4
    assert names[:1] == ["x.a"]


def test_a_file_named_twice_is_one_session(tmp_path: Path) -> None:
    (file,) = touch(tmp_path, "a.nwb")
    assert len(find_inputs([str(file), str(tmp_path)]).rows) == 1


@pytest.mark.parametrize(
    "name", ["with space.nwb", "daß é.nwb", "a[1].nwb", 'say "hi".nwb', "{x}.nwb", "tab\there.nwb"]
)
def test_the_table_holds_any_name(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    found = find_inputs([str(tmp_path)])
    if "\t" in name:
        assert len(found.problems) == 1
        return
    table = tmp_path / "sessions.tsv"
    table.write_text(found.table)
    (row,) = read_sessions(table)
    assert row.problem == ""
    assert find_files(row) == [str(tmp_path / name)]


def test_what_cannot_be_taken_is_a_line_and_the_others_go_on(tmp_path: Path) -> None:
    (file,) = touch(tmp_path, "a.nwb")
    (tmp_path / "empty").mkdir()
    names = [str(tmp_path / "none.nwb"), str(tmp_path / "empty"), "gs://bucket/a.nwb", str(file)]
    found = find_inputs(names)
    assert [row.session for row in found.rows] == ["a"]
    assert len(found.problems) == 3
    for name, problem in zip(names, found.problems, strict=False):
        assert name in problem
        assert "\n" not in problem


def test_addresses() -> None:
    found = find_inputs(["https://lab.org/a.nwb", "s3://bucket/b.nwb"])
    assert [row.session for row in found.rows] == ["a", "b"]
    assert list(csv.reader(found.table.splitlines(), "excel-tab"))[1] == [
        "a",
        "nwb",
        "https://lab.org/a.nwb",
    ]


def test_results_are_told_from_recordings(tmp_path: Path, write_nwb: Callable[..., Path]) -> None:
    write_nwb(tmp_path / "data" / "a.nwb")
    touch(tmp_path, "results/one/session.json", "other/probes.tsv")
    assert not is_results(tmp_path / "data")
    assert is_results(tmp_path / "results")
    assert is_results(tmp_path / "other")
