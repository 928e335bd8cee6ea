import os
from pathlib import Path

import pytest

from lfpscope.errors import UserError
from lfpscope.io.secrets import check_secrets
from lfpscope.sources.probes_table import ProbeRow, read_probes, write_probes
from lfpscope.sources.sessions_table import SessionRow, find_files, fingerprint, read_sessions


def sessions_in(folder: Path, *rows: str) -> list[SessionRow]:
    path = folder / "sessions.tsv"
    path.write_text("\n".join(["session\tsource\tlocation\tprobes\tseries", *rows]))
    return read_sessions(path)


def test_rows_say_where_they_are(tmp_path):
    path = tmp_path / "s.tsv"
    text = "\ufeffsession\tsource\r\n# a remark\r\n\r\n demo-1 \tdemo\r\n"
    path.write_text(text, encoding="utf-8")
    assert read_sessions(path) == [SessionRow("demo-1", "demo", where=f"{path}, line 4")]


def test_quotes_are_kept(tmp_path):
    (session,) = sessions_in(tmp_path, 'a\tnwb\tmy "best" file.nwb')
    assert session.location == 'my "best" file.nwb'


def test_cells_that_are_missing_are_empty(tmp_path):
    (session,) = sessions_in(tmp_path, "demo-1\tdemo")
    assert (session.location, session.probes, session.series) == ("", (), "")


def test_probes_are_separated_by_commas(tmp_path):
    (session,) = sessions_in(tmp_path, "a\tnwb\tx.nwb\t1, 2,3\t*_lf")
    assert session.probes == ("1", "2", "3")
    assert session.series == "*_lf"


HEADER = "session\tsource\tlocation\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column `session`"),
        ("session,source\na,nwb", "with tabs between"),
        ("session\tlocation\na\tx.nwb\n", "no column `source`"),
        ("session\tsource\tplace\na\tnwb\tx.nwb\n", "unknown column 'place'"),
        ("session\tsource\tsource\na\tnwb\tnwb\n", "the column source twice"),
        ("session\tsource\n", "no sessions"),
        ("session\tsource\na\tdemo\n\na\tdemo\n", "line 4: session 'a' is already in"),
        (HEADER + "a/b\tnwb\tx.nwb\n", "line 2: session is 'a/b'; expected an id"),
        (HEADER + "..\tnwb\tx.nwb\n", "line 2: session is '..'; expected an id"),
        (HEADER + "run.json\tnwb\tx.nwb\n", "line 2: session is 'run.json'; expected an id"),
        ("source\tsession\nnwb\n", "line 2: session is ''; expected an id"),
    ],
)
def test_a_malformed_table_is_named(tmp_path, text, message):
    path = tmp_path / "s.tsv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_sessions(path)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a\tdemo\tx\ty", "line 2: 4 cells for 3 columns"),
        ("a\tdisk\tx.nwb", "line 2: source is 'disk'; expected allen, demo, or nwb"),
        ("a\t\tx.nwb", "line 2: source is ''; expected allen, demo, or nwb"),
        ("a\tnwb", "line 2: source nwb needs a location"),
        ("a\tdemo\tx", "line 2: a demo has no location"),
        ("mouse\tdemo", "line 2: session is 'mouse'; expected demo-1"),
        ("a\tallen", "line 2: session is 'a'; expected the number that Allen gives"),
        ("1\tallen\tx.nwb", "line 2: an allen session has no location"),
        ("a\tnwb\tftp://x.org/y.nwb", "ftp://x.org/y.nwb: scheme ftp; expected a path or glob"),
        ("a\tnwb\thttps://", "https://: an address without a file"),
        ("a\tnwb\ts3://b/x s3://b", "s3://b: an address without"),
        ("a\tnwb\thttps://x.org/*.nwb", "servers do not list their files"),
        ('a\t"nwb', "line 2: unexpected end of data. Write quotes in pairs"),
        ("a\tnwb\thttps://me:secret@x.org/y.nwb", "line 2: an address with a password"),
        (
            "a\tnwb\thttps://x.org/y.nwb?X-Amz-Signature=1",
            "line 2: an address with a password, a token or a signature",
        ),
    ],
)
def test_a_wrong_row_is_noted_and_the_others_read(tmp_path, row, problem):
    path = tmp_path / "s.tsv"
    path.write_text(f"{HEADER}{row}\nb\tnwb\tb.nwb\n")
    wrong, right = read_sessions(path)
    assert wrong.problem.startswith(f"{path}, line 2: ")
    assert problem in wrong.problem
    assert wrong.location == ""  # it may hold a secret, and is not to be stored
    assert right == SessionRow("b", "nwb", "b.nwb", where=f"{path}, line 3")


def test_probes_that_are_no_ids_are_noted(tmp_path):
    (session,) = sessions_in(tmp_path, "a\tnwb\tx.nwb\t1, ../2")
    assert "probes names '../2'; expected ids" in session.problem


@pytest.mark.parametrize("path", ["a.nwb", "data/*.nwb", "folder"])
def test_recordings_in_place_of_the_table(tmp_path, path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"expected a table of sessions, found the path of recordi"):
        read_sessions(tmp_path / path)


@pytest.mark.parametrize(
    "secret",
    [
        "me:word@x.org/y.nwb",
        "x.org/y.nwb?a=b&X-Amz-Signature=1",
        "x.org/y.nwb?x-goog-credential=me",
        "x.org/y.nwb?GoogleAccessId=me&Expires=9",
        "x.org/y.nwb?sp=r&sig=1",
        "x.org/y.nwb?private_token=1",
    ],
)
def test_no_secret_is_taken_to_be_stored(secret):
    with pytest.raises(UserError, match=r"^here: an address with a password, a token or a sign"):
        check_secrets(f"https://{secret}", "here")


def test_words_of_an_address_that_are_no_secrets():
    check_secrets("https://x.org/@me/sig=1/token=2.nwb?version=3&design=4", "here")


def test_a_table_that_is_not_text(tmp_path):
    (tmp_path / "s.tsv").write_bytes(b"session\tsource\na\xff\tdemo\n")
    with pytest.raises(UserError, match=r"s\.tsv: not text in UTF-8: "):
        read_sessions(tmp_path / "s.tsv")


def test_missing_table(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_sessions(tmp_path / "s.tsv")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    names = ["a.nwb", "b.nwb", "x/c.nwb", "x/y/d.nwb", "x/note.txt", "odd[1].nwb", "[ab]/e.nwb"]
    names += ["{left} it's/f.nwb", "z.nwb/.zgroup", "z.nwb/data/0.0", "plain/in/g.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("location", "files"),
    [
        ("a.nwb", ["a.nwb"]),
        ("./a.nwb", ["a.nwb"]),
        ("?.nwb", ["a.nwb", "b.nwb", "z.nwb"]),
        ("z.nwb", ["z.nwb"]),
        ("x/**/*.nwb", ["x/c.nwb", "x/y/d.nwb"]),
        ("x/**", ["x/c.nwb", "x/note.txt", "x/y/d.nwb"]),
        ("z*/**", ["z.nwb"]),
        ("pl*", ["plain"]),
        ("odd[1].nwb", ["odd[1].nwb"]),
        ("odd[1]*", ["odd[1].nwb"]),
        ("[ab]/*.nwb", ["[ab]/e.nwb"]),
        ("[ab].nwb", ["a.nwb", "b.nwb"]),
        ("{left} it's/*", ["{left} it's/f.nwb"]),
        ("~/a.nwb", ["{home}/a.nwb"]),
    ],
)
def test_files_of_a_location(folder, monkeypatch, location, files):
    monkeypatch.setenv("HOME", str(folder))
    expected = [name.replace("{home}", str(folder)) for name in files]
    assert find_files(SessionRow("s", "nwb", location)) == expected


def test_absolute_glob(folder):
    found = find_files(SessionRow("s", "nwb", f"{folder}/?.nwb"))
    assert found == [f"{folder}/{n}.nwb" for n in "abz"]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("q*.nwb", r"no file matches q\*.nwb \(from "),
        ("x", r"x is a folder. Name the files in it"),
        ("a" * 5000, r"line 2: location 'aaaa.*' cannot be looked up: .*File name too long"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_location_without_files(location, message):
    with pytest.raises(UserError, match=message):
        find_files(SessionRow("s", "nwb", location, where="t.tsv, line 2"))


def test_demo_has_no_files():
    assert find_files(SessionRow("demo-1", "demo")) == []


def test_probes_round_trip(tmp_path):
    probes = [
        ProbeRow("s", "1", "nwb", "a b.nwb", "/x", "ok", 'taken; "odd"'),
        ProbeRow("s", "2", "nwb", "c.nwb", "", "unreadable", "c.nwb: not HDF5"),
    ]
    write_probes(tmp_path / "probes.tsv", probes)
    assert read_probes(tmp_path / "probes.tsv") == probes


def test_fingerprint_changes_with_size_time_and_names(tmp_path):
    path = tmp_path / "a b{c}.nwb"
    path.write_text("1")
    seen = [fingerprint([str(path)])]
    path.write_text("12")
    seen.append(fingerprint([str(path)]))
    os.utime(path, (2_051_222_400, 2_051_222_400))
    seen.append(fingerprint([str(path)]))
    seen.append(fingerprint([str(path), "b.nwb"]))
    path.unlink()
    seen.append(fingerprint([str(path)]))
    assert len(set(seen)) == len(seen)
    assert fingerprint([str(path)]) == seen[-1]
