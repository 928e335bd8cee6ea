import fcntl
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from serving import serve

from lfpscope import apart
from lfpscope.files import UserError
from lfpscope.sources.nwb import probe_id
from lfpscope.sources.probes import check_ids, fetch_file, find_probes, keep_probes
from lfpscope.sources.tables import Probe, Session, kept_at


def listed(session: Session) -> list[Probe]:
    return find_probes([session], cache=Path())


@pytest.mark.parametrize(
    ("path", "series", "expected"),
    [
        ("x/mouse7.nwb", "", "mouse7"),
        ("x/mouse7.nwb", "/acquisition/LFP/lf0", "mouse7.lf0"),
        ("probe_810755797_lfp.nwb", "", "810755797"),
        ("probe_810755797_lfp.nwb", "/acquisition/a", "810755797.a"),
        ("sub-1_ses-2 (3).nwb", "", "sub-1_ses-2__3_"),
        ("_hidden.nwb", "", "x_hidden"),
        ("stacked.nwb", "", "xstacked"),
        ("Mäuse.nwb", "", "M_use"),
    ],
)
def test_probe_id(path, series, expected):
    assert probe_id(Path(path), series) == expected


def test_one_recording_per_file(write_nwb, tmp_path):
    write_nwb(tmp_path / "b.nwb")
    write_nwb(tmp_path / "a.nwb")
    probes = listed(Session("s", "nwb", f"{tmp_path}/*.nwb"))
    assert [(p.probe, p.series, p.status) for p in probes] == [
        ("a", "/acquisition/LFP/lfp", "ok"),
        ("b", "/acquisition/LFP/lfp", "ok"),
    ]


def test_several_recordings_in_a_file(write_nwb, tmp_path):
    path = write_nwb(tmp_path / "m.nwb", ("lf0", "lf1"))
    assert [p.probe for p in listed(Session("s", "nwb", str(path)))] == ["m.lf0", "m.lf1"]
    (probe,) = listed(Session("s", "nwb", str(path), series="*1"))
    assert (probe.probe, probe.series) == ("m", "/acquisition/LFP/lf1")


def test_what_is_odd_is_noted(write_nwb, tmp_path):
    path = write_nwb(tmp_path / "m.nwb")
    with h5py.File(path, "a") as file:
        del file["acquisition/LFP/lfp/electrodes"]
    (probe,) = listed(Session("s", "nwb", str(path)))
    assert probe.status == "ok"
    assert probe.note.startswith("1 of 1 ElectricalSeries: inside an LFP container; no electrodes")


def not_hdf5(path, _):
    path.write_text("x\ty\n1\t2\n")


def truncated(path, write_nwb):
    write_nwb(path)
    os.truncate(path, path.stat().st_size - 1)


def lzf(path, write_nwb):
    write_nwb(path, compression="lzf")


def no_clock(path, write_nwb):
    write_nwb(path)
    with h5py.File(path, "a") as file:
        del file["acquisition/LFP/lfp/timestamps"]


def damaged_metadata(path, write_nwb):
    write_nwb(path)
    with path.open("r+b") as file:
        content = file.read()
        file.seek(content.index(b"TREE"))
        file.write(b"\0" * 200)


def endless(path, write_nwb):
    """One bit of a heap of texts is another: HDF5 searches it for ever."""
    content = bytearray(write_nwb(path).read_bytes())
    content[content.index(b"GCOL") + 9] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (not_hdf5, "not an HDF5 file"),
        (truncated, "truncated"),
        (lzf, "lzf"),
        (no_clock, "neither timestamps nor"),
        (damaged_metadata, ""),
        (endless, "its metadata are damaged: HDF5 found no end in 1 s of CPU time. Download"),
    ],
)
def test_file_that_cannot_be_read_is_a_row(write_nwb, tmp_path, spoil, note, monkeypatch):
    monkeypatch.setattr(apart, "SECONDS", 1.0)
    write_nwb(tmp_path / "c.nwb")
    spoil(tmp_path / "b.nwb", write_nwb)
    bad, good = listed(Session("s", "nwb", f"{tmp_path}/*.nwb"))
    assert (good.probe, good.status) == ("c", "ok")
    assert (bad.probe, bad.status) == ("b", "unreadable")
    assert bad.note.startswith(f"{tmp_path}/b.nwb: ")
    assert note in bad.note
    assert "\n" not in bad.note


def test_file_that_is_being_written(write_nwb, tmp_path):
    path = write_nwb(tmp_path / "a.nwb")
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as HDF5 itself does
        (probe,) = listed(Session("s", "nwb", str(path)))
    assert probe.status == "unreadable"
    assert probe.note.startswith(f"{path}: another program is writing it: try again")


def test_a_file_without_a_recording_has_no_lfp_beside_others(write_nwb, tmp_path):
    with h5py.File(write_nwb(tmp_path / "b.nwb", neurodata_type="TimeSeries"), "a") as file:
        file.attrs["nwb_version"] = "2.2.2"
    (alone,) = listed(Session("s", "nwb", f"{tmp_path}/*.nwb"))
    assert alone.status == "unreadable"
    write_nwb(tmp_path / "a.nwb")
    found = listed(Session("s", "nwb", f"{tmp_path}/*.nwb"))
    assert [(probe.probe, probe.status) for probe in found] == [("a", "ok"), ("b", "no LFP")]
    assert "no ElectricalSeries in this file" in found[1].note


# --- sessions -----------------------------------------------------------------------------------


def row(probe: str, **more: str) -> Probe:
    return Probe("s", probe, "nwb", f"{probe}.nwb", **more)


def test_demo_lies_in_the_cache(tmp_path):
    probes = find_probes([Session("demo-1", "demo")], cache=tmp_path)
    assert len(probes) == 2
    assert probes[0].address == f"{tmp_path}/demo/demo-1/{probes[0].probe}.nwb"
    assert {p.status for p in probes} == {"ok"}


def test_same_id_twice():
    first = Probe("s", "a", "nwb", "x/a.nwb")
    second = Probe("s", "a", "nwb", "y/a.nwb", "/lf")
    session = Session("s", "nwb", "*/a.nwb", where="t.tsv, line 2")
    with pytest.raises(UserError, match=r"t.tsv, line 2: x/a.nwb and y/a.nwb:/lf would both be"):
        check_ids(session, [first, second])


def test_probes_to_keep():
    probes = [row("a"), row("b"), row("c")]
    assert keep_probes(Session("s", "nwb", probes=("c", "a")), probes) == [probes[0], probes[2]]
    assert keep_probes(Session("s", "nwb"), probes) == probes


def test_probe_to_keep_that_is_not_there():
    with pytest.raises(UserError, match=r"no probe 'd' in session 's'; there are a, b"):
        keep_probes(Session("s", "nwb", probes=("a", "d")), [row("a"), row("b")])


def test_unreadable_file_stands_for_the_probes_it_may_hold():
    probes = [row("a"), row("m", status="unreadable")]
    assert keep_probes(Session("s", "nwb", probes=("m.lf0",)), probes) == [probes[1]]


# --- fetching -----------------------------------------------------------------------------------


def test_users_file_is_only_looked_at(write_nwb, tmp_path):
    path = write_nwb(tmp_path / "a.nwb")
    before = path.stat()
    found = fetch_file("nwb", "s", "a", str(path))
    assert (found["size"], found["mtime_ns"]) == (before.st_size, before.st_mtime_ns)
    assert path.stat() == before


def test_address_is_absolute(write_nwb, tmp_path, monkeypatch):
    write_nwb(tmp_path / "a.nwb")
    monkeypatch.chdir(tmp_path)
    assert fetch_file("nwb", "s", "a", "a.nwb")["address"] == f"{tmp_path}/a.nwb"


def test_users_file_that_is_gone(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        fetch_file("nwb", "s", "a", str(tmp_path / "a.nwb"))


def test_a_file_on_a_server_is_fetched_once_where_it_is_to_be_kept(write_nwb, tmp_path):
    nwb = write_nwb(tmp_path / "served/a.nwb")
    with serve(nwb.parent) as served:
        address = f"{served.address}/a.nwb"
        found = fetch_file("nwb", "s", "a", address, keep=tmp_path / "cache")
        asked = len(served.log)
        again = fetch_file("nwb", "s", "a", address, keep=tmp_path / "cache")
    path = Path(found["address"])
    assert path.is_relative_to(tmp_path / "cache/http")
    assert path.read_bytes() == nwb.read_bytes()
    assert found["fetched_from"] == address
    assert (again, asked, len(served.log)) == (found, 1, 1)


def test_a_file_on_a_server_stays_there_otherwise(write_nwb, tmp_path):
    nwb = write_nwb(tmp_path / "served/a.nwb")
    with serve(nwb.parent) as served:
        address = f"{served.address}/a.nwb"
        assert fetch_file("nwb", "s", "a", address)["address"] == address
    assert kept_at("s3://lab/a.nwb", tmp_path) is None
    assert kept_at("data/a.nwb", tmp_path) is None


ODD = ["", "/", "?a=1", "?a=2", "/../../../etc/passwd", "/..", "/./x", "//x", "/%2e%2e/x", "/x y"]


def test_no_address_leaves_the_cache_or_shares_a_file():
    cache = Path("cache")
    addresses = [f"{s}://h.org{p}" for s in ("http", "https") for p in ("/a.nwb", *ODD)]
    addresses += ["https://h.org:80/a.nwb", "https://../../a", "https://h.org/" + "long" * 200]
    paths = [kept_at(address, cache) for address in addresses]
    assert len(set(paths)) == len(addresses)
    for path in paths:
        assert path.parts[0] == "cache"
        assert ".." not in path.parts
        assert all(len(part) < 200 for part in path.parts)
    assert kept_at("https://h.org/x/a.nwb", cache) == Path("cache/https/h.org/x/a.nwb")


def test_a_clock_that_cannot_be_drawn_over_is_a_row(write_nwb, tmp_path):
    path = write_nwb(tmp_path / "a.nwb", samples=30_000)
    with h5py.File(path, "r+") as file:
        series = file["acquisition/LFP/lfp"]
        for name in {"starting_time", "timestamps"} & set(series):
            del series[name]
        series["timestamps"] = np.arange(30_000) / 1250 + np.arange(30_000) // 2  # breaks each 2
    (probe,) = listed(Session("s", "nwb", str(path)))
    assert probe.status == "unreadable"
    assert "It cannot be drawn over time" in probe.note
