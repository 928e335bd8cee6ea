import fcntl
import os
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from serving import serve

from lfpscope.errors import UserError
from lfpscope.hdf5 import isolation
from lfpscope.sources.discover import find_probes, is_to_list_again, keep_probes
from lfpscope.sources.fetch import fetch_file
from lfpscope.sources.nwb import probe_id, unique_ids
from lfpscope.sources.probes_table import ProbeRow
from lfpscope.sources.sessions_table import SessionRow, cached_path


def listed(session: SessionRow) -> list[ProbeRow]:
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
        ("Mäuse.nwb", "", "Mause"),
        ("a.nwb", "/processing/LFP左", "a.LFP-05f78e"),
        ("海馬.nwb", "", "x-3f5b74"),
        ("l" * 150 + ".nwb", "", "l" * 93 + "-0e539e"),
    ],
)
def test_probe_id(path, series, expected):
    assert probe_id(Path(path), series) == expected


def test_one_recording_per_file(write_nwb, tmp_path):
    write_nwb(tmp_path / "b.nwb")
    write_nwb(tmp_path / "a.nwb")
    probes = listed(SessionRow("s", "nwb", f"{tmp_path}/*.nwb"))
    assert [(p.probe, p.series, p.status) for p in probes] == [
        ("a", "/acquisition/LFP/lfp", "ok"),
        ("b", "/acquisition/LFP/lfp", "ok"),
    ]


def test_several_recordings_in_a_file(write_nwb, tmp_path):
    path = write_nwb(tmp_path / "m.nwb", ("lf0", "lf1"))
    assert [p.probe for p in listed(SessionRow("s", "nwb", str(path)))] == ["m.lf0", "m.lf1"]
    (probe,) = listed(SessionRow("s", "nwb", str(path), series="*1"))
    assert (probe.probe, probe.series) == ("m", "/acquisition/LFP/lf1")


def test_what_is_odd_is_noted(write_nwb, tmp_path):
    path = write_nwb(tmp_path / "m.nwb")
    with h5py.File(path, "a") as file:
        del file["acquisition/LFP/lfp/electrodes"]
    (probe,) = listed(SessionRow("s", "nwb", str(path)))
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
    """One bit of a heap of texts is another: HDF5 searches it without end."""
    content = bytearray(write_nwb(path).read_bytes())
    content[content.index(b"GCOL") + 9] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("corrupt", "note"),
    [
        (not_hdf5, "not an HDF5 file"),
        (truncated, "truncated"),
        (lzf, "lzf"),
        (no_clock, "neither timestamps nor"),
        (damaged_metadata, ""),
        (endless, "its metadata are damaged: HDF5 found no end in 1 s of CPU time. Download"),
    ],
)
def test_file_that_cannot_be_read_is_a_row(write_nwb, tmp_path, corrupt, note, monkeypatch):
    monkeypatch.setattr(isolation, "SECONDS", 1.0)
    write_nwb(tmp_path / "c.nwb")
    corrupt(tmp_path / "b.nwb", write_nwb)
    bad, good = listed(SessionRow("s", "nwb", f"{tmp_path}/*.nwb"))
    assert (good.probe, good.status) == ("c", "ok")
    assert (bad.probe, bad.status) == ("b", "unreadable")
    assert bad.note.startswith(f"{tmp_path}/b.nwb: ")
    assert note in bad.note
    assert "\n" not in bad.note


def test_file_that_is_being_written(write_nwb, tmp_path):
    path = write_nwb(tmp_path / "a.nwb")
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as HDF5 itself does
        (probe,) = listed(SessionRow("s", "nwb", str(path)))
    assert probe.status == "unreadable"
    assert probe.note.startswith(f"{path}: another program is writing it: try again")


def test_a_file_without_a_recording_has_no_lfp_beside_others(write_nwb, tmp_path):
    with h5py.File(write_nwb(tmp_path / "b.nwb", neurodata_type="SpatialSeries"), "a") as file:
        file.attrs["nwb_version"] = "2.2.2"
    (alone,) = listed(SessionRow("s", "nwb", f"{tmp_path}/*.nwb"))
    assert alone.status == "unreadable"
    write_nwb(tmp_path / "a.nwb")
    found = listed(SessionRow("s", "nwb", f"{tmp_path}/*.nwb"))
    assert [(probe.probe, probe.status) for probe in found] == [("a", "ok"), ("b", "no LFP")]
    assert "no ElectricalSeries in this file" in found[1].note


def add_series(file, path, rate, kind="ElectricalSeries", shape=(20, 8)):
    series = file.create_group(path)
    series.attrs["neurodata_type"] = kind
    series["data"] = np.zeros(shape, "<i2")
    series["starting_time"] = 0.0
    series["starting_time"].attrs["rate"] = rate


def statuses(probes: list[ProbeRow]) -> dict[str, str]:
    return {probe.probe: probe.status for probe in probes}


def test_what_is_not_taken_is_a_row_too(write_nwb, tmp_path):
    with h5py.File(write_nwb(tmp_path / "a.nwb"), "a") as file:
        add_series(file, "/acquisition/ElectricalSeriesAP", 30_000.0)
        add_series(file, "/acquisition/LFP/empty", 1250.0, shape=(0, 8))
        add_series(file, "/processing/lfp_of_mine", 1250.0, "TimeSeries", (20,))
        add_series(file, "/processing/wide", 1000.0, "TimeSeries")
        add_series(file, "/processing/running", 1000.0, "TimeSeries", (20, 2))
        add_series(file, "/processing/camera", 60.0, "TimeSeries")
        add_series(file, "/processing/current_source_density", 2500.0, "TimeSeries")
    (tmp_path / "b.nwb").mkdir()
    (tmp_path / "b.nwb/.zgroup").touch()
    found = listed(SessionRow("s", "nwb", f"{tmp_path}/*.nwb"))
    assert statuses(found) == {
        "a": "ok",
        "a.ElectricalSeriesAP": "not taken",
        "a.empty": "not taken",
        "a.lfp_of_mine": "not taken",
        "a.wide": "not taken",
        "b": "not taken",
    }
    notes = {probe.probe: probe.note for probe in found}
    assert (
        "of shape (20, 8) at 30000 Hz, too fast for LFP. Name it" in notes["a.ElectricalSeriesAP"]
    )
    assert "no samples: data of shape (0, 8)" in notes["a.empty"]
    assert "a plain TimeSeries of shape (20, 8) at 1000 Hz" in notes["a.wide"]
    assert notes["b"].endswith("b.nwb: a folder: NWB in Zarr is not read yet")


@pytest.mark.parametrize(
    ("name", "rate", "note"),
    [
        ("ElectricalSeriesAP", 30.0, "at 30 Hz, slow for LFP (are its times in seconds?)"),
        ("raw", 30.0, "at 30 Hz, slow for LFP"),
        ("probe_ap", 2500.0, "at 2500 Hz. Name it in the column `series`"),
        ("raw", 30_000.0, "at 30000 Hz, too fast for LFP"),
    ],
)
def test_what_is_not_taken_alone_is_not_read(tmp_path, name, rate, note):
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        add_series(file, f"/acquisition/{name}", rate)
    (probe,) = listed(SessionRow("s", "nwb", f"{tmp_path}/*.nwb"))
    assert (probe.probe, probe.status) == (f"a.{name}", "unreadable")
    assert note in probe.note
    named = listed(SessionRow("s", "nwb", f"{tmp_path}/*.nwb", series=name))
    assert statuses(named) == {"a": "ok"}


@pytest.mark.parametrize("name", ["map", "snap_lfp", "Overlap", "LFP"])
def test_names_with_ap_in_a_word_are_taken(tmp_path, name):
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        add_series(file, f"/acquisition/{name}", 2500.0, shape=(2000, 8))
    assert statuses(listed(SessionRow("s", "nwb", f"{tmp_path}/a.nwb"))) == {"a": "ok"}


def test_a_link_into_a_missing_file_is_a_row(write_nwb, tmp_path):
    with h5py.File(write_nwb(tmp_path / "a.nwb"), "a") as file:
        del file["acquisition/LFP/lfp/data"]
        file["acquisition/LFP/lfp/data"] = h5py.ExternalLink("gone.h5", "/data")
    (probe,) = listed(SessionRow("s", "nwb", f"{tmp_path}/a.nwb"))
    assert probe.status == "unreadable"
    assert "a link into another file, gone.h5" in probe.note


def test_a_name_that_is_no_text_is_a_row(write_nwb, tmp_path):
    write_nwb(tmp_path / "a.nwb")
    (tmp_path / os.fsdecode(b"b\xff.nwb")).write_text("")
    bad, good = sorted(
        listed(SessionRow("s", "nwb", f"{tmp_path}/*.nwb")), key=lambda probe: probe.status == "ok"
    )
    assert (good.probe, bad.status) == ("a", "unreadable")
    assert "expected a name in UTF-8" in bad.note
    bad.note.encode()


# --- sessions -----------------------------------------------------------------------------------


def row(probe: str, **more: str) -> ProbeRow:
    return ProbeRow("s", probe, "nwb", f"{probe}.nwb", **more)


def test_demo_lies_in_the_cache(tmp_path):
    probes = find_probes([SessionRow("demo-1", "demo")], cache=tmp_path)
    assert len(probes) == 2
    assert probes[0].address == f"{tmp_path}/demo/demo-1/{probes[0].probe}.nwb"
    assert {p.status for p in probes} == {"ok"}


@pytest.mark.parametrize(
    "session",
    [
        SessionRow("s", "nwb", "nothing/*.nwb"),
        SessionRow("s", "disk", problem="t.tsv, line 2: source is 'disk'; expected allen"),
        SessionRow("s", "allen"),
    ],
)
def test_a_session_that_cannot_be_listed_is_a_row_of_its_name(tmp_path, session):
    (tmp_path / "allen.tsv").write_text(
        "probe\tname\thas_lfp\tfile\tlink\tnote\n\t\t\t\t\tno answer in 2 tries.\n"
    )
    listed = {"s": tmp_path / "allen.tsv"}
    sessions = [session, SessionRow("demo-1", "demo")]
    probe, *others = find_probes(sessions, cache=tmp_path, listed=listed)
    assert (probe.session, probe.probe, probe.status) == ("s", "s", "unreadable")
    assert probe.note.startswith(("sess", ": no file matches", "t.tsv, line 2", "no answer in 2"))
    assert is_to_list_again(probe)
    assert len(others) == 2


def test_only_what_may_change_by_itself_is_listed_again(write_nwb, tmp_path):
    write_nwb(tmp_path / "a.nwb")
    (tmp_path / "b.nwb").write_text("not HDF5")
    good, bad = listed(SessionRow("s", "nwb", f"{tmp_path}/*.nwb"))
    assert bad.status == "unreadable"
    assert not is_to_list_again(good)
    assert not is_to_list_again(bad)  # not before its file has changed


def test_ids_are_made_unique():
    addresses = ["x/a.nwb", "y/a.nwb", "y/b.nwb", "p/x/c.nwb", "q/x/c.nwb"]
    probes = [ProbeRow("s", Path(one).stem, "nwb", one) for one in addresses]
    probes += [ProbeRow("s", "m.data", "nwb", "m.nwb", f"/acquisition/LFP{i}/data") for i in (0, 1)]
    found = [probe.probe for probe in unique_ids(probes)]
    assert found[:3] == ["x.a", "y.a", "b"]
    assert [name[:-6] for name in found[3:5]] == ["x.c-", "x.c-"]
    assert found[5:] == ["m.LFP0.data", "m.LFP1.data"]
    assert len(set(found)) == len(found)
    # what else is in the session does not matter
    assert [probe.probe for probe in unique_ids(probes[3:5])] == found[3:5]


def test_ids_are_unique_on_disks_that_ignore_case():
    probes = [ProbeRow("s", name, "nwb", f"{name}.nwb") for name in ("a", "A")]
    found = {probe.probe.casefold() for probe in unique_ids(probes)}
    assert len(found) == 2


def test_series_whose_names_differ_in_other_scripts(write_nwb, tmp_path):
    write_nwb(tmp_path / "a.nwb", ("LFP左", "LFP右"))
    found = listed(SessionRow("s", "nwb", f"{tmp_path}/a.nwb"))
    assert len({probe.probe for probe in found}) == 2
    assert all(re.fullmatch(r"a\.LFP-[0-9a-f]{6}", probe.probe) for probe in found)
    (alone,) = listed(SessionRow("s", "nwb", f"{tmp_path}/a.nwb", series="*左"))
    assert alone.probe == "a"


def test_probes_to_keep():
    probes = [row("a"), row("b"), row("c")]
    assert keep_probes(SessionRow("s", "nwb", probes=("c", "a")), probes) == [probes[0], probes[2]]
    assert keep_probes(SessionRow("s", "nwb"), probes) == probes


def test_probe_to_keep_that_is_not_there_is_a_row():
    kept = keep_probes(SessionRow("s", "nwb", probes=("a", "d")), [row("a"), row("b")])
    assert statuses(kept) == {"a": "ok", "d": "unreadable"}
    assert "no probe 'd' in session 's'; there are a, b" in kept[1].note


def test_files_without_lfp_are_kept_for_their_intervals():
    probes = [row("a"), row("session", status="no LFP"), row("a.AP", status="not taken")]
    assert keep_probes(SessionRow("s", "nwb", probes=("a",)), probes) == probes[:2]


def test_unreadable_file_stands_for_the_probes_it_may_hold():
    probes = [row("a"), row("m", status="unreadable")]
    assert keep_probes(SessionRow("s", "nwb", probes=("m.lf0",)), probes) == [probes[1]]


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
    assert cached_path("s3://lab/a.nwb", tmp_path) is None
    assert cached_path("data/a.nwb", tmp_path) is None


ODD = ["", "/", "?a=1", "?a=2", "/../../../etc/passwd", "/..", "/./x", "//x", "/%2e%2e/x", "/x y"]


def test_no_address_leaves_the_cache_or_shares_a_file():
    cache = Path("cache")
    addresses = [f"{s}://h.org{p}" for s in ("http", "https") for p in ("/a.nwb", *ODD)]
    addresses += ["https://h.org:80/a.nwb", "https://../../a", "https://h.org/" + "long" * 200]
    paths = [cached_path(address, cache) for address in addresses]
    assert len(set(paths)) == len(addresses)
    for path in paths:
        assert path.parts[0] == "cache"
        assert ".." not in path.parts
        assert all(len(part) < 200 for part in path.parts)
    assert cached_path("https://h.org/x/a.nwb", cache) == Path("cache/https/h.org/x/a.nwb")
