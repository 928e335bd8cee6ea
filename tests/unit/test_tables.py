from pathlib import Path

import pytest

from lfpscope.files import UserError
from lfpscope.sources.tables import (
    Probe,
    Session,
    check_secrets,
    find_files,
    read_probes,
    read_rows,
    read_sessions,
    write_probes,
)


def sessions_in(folder: Path, *rows: str) -> list[Session]:
    path = folder / "sessions.tsv"
    path.write_text("\n".join(["session\tsource\tlocation\tprobes\tseries", *rows]))
    return read_sessions(path)


def test_rows_say_where_they_are(tmp_path):
    path = tmp_path / "s.tsv"
    path.write_text("\ufeffsession\tsource\r\n# a remark\r\n\r\n a \tnwb\r\n", encoding="utf-8")
    assert list(read_rows(path)) == [(f"{path}, line 4", {"session": "a", "source": "nwb"})]


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column `session`"),
        ("session,source\na,nwb", "with tabs between"),
        ("session\tsource\n", "no sessions"),
        ("session\tsource\na\tdemo\tx\ty", "line 2: 4 cells for 2 columns"),
        ("session\tsource\na\tdemo\n\na\tdemo\n", "line 4: session 'a' is already in"),
        ("session\tsource\na\tnwb\n", "line 2: source nwb needs a location"),
        ("session\tsource\tlocation\na\tdemo\tx\n", "line 2: a demo has no location"),
        ("session\tsource\tlocation\na\tnwb\tftp://x.org/y.nwb\n", "scheme ftp; expected"),
        ("session\tsource\tlocation\na\tnwb\thttps://\n", "https://: an address without a file"),
        ("session\tsource\tlocation\na\tnwb\ts3://b/x s3://b\n", "s3://b: an address without"),
        ('session\tsource\na\t"nwb\n', "line 2: unexpected end of data. Write quotes in pairs"),
        (
            "session\tsource\tlocation\na\tnwb\thttps://me:secret@x.org/y.nwb\n",
            "line 2: an address with a password",
        ),
        (
            "session\tsource\tlocation\na\tnwb\thttps://x.org/y.nwb?X-Amz-Signature=1\n",
            "line 2: an address with a password, a token or a signature",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, message):
    path = tmp_path / "s.tsv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_sessions(path)


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
    for name in ("a.nwb", "b.nwb", "x/c.nwb", "x/y/d.nwb", "x/note.txt", "odd[1].nwb", "z.nwb/e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("location", "files"),
    [
        ("a.nwb", ["a.nwb"]),
        ("./a.nwb", ["a.nwb"]),
        ("?.nwb", ["a.nwb", "b.nwb"]),
        ("x/**/*.nwb", ["x/c.nwb", "x/y/d.nwb"]),
        ("odd[1].nwb", ["odd[1].nwb"]),
        ("[ab].nwb", ["a.nwb", "b.nwb"]),
        ("~/a.nwb", ["{home}/a.nwb"]),
    ],
)
def test_files_of_a_location(folder, monkeypatch, location, files):
    monkeypatch.setenv("HOME", str(folder))
    expected = [name.format(home=folder) for name in files]
    assert find_files(Session("s", "nwb", location)) == expected


def test_absolute_glob(folder):
    assert find_files(Session("s", "nwb", f"{folder}/?.nwb")) == [f"{folder}/{n}.nwb" for n in "ab"]


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
        find_files(Session("s", "nwb", location, where="t.tsv, line 2"))


def test_demo_has_no_files():
    assert find_files(Session("demo-1", "demo")) == []


def test_probes_round_trip(tmp_path):
    probes = [
        Probe("s", "1", "nwb", "a b.nwb", "/x", "ok", 'taken; "odd"'),
        Probe("s", "2", "nwb", "c.nwb", "", "unreadable", "c.nwb: not HDF5"),
    ]
    write_probes(tmp_path / "probes.tsv", probes)
    assert read_probes(tmp_path / "probes.tsv") == probes
