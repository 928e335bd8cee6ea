"""Files on servers are read in place: the same as on disk, or refused with the reason."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from serving import Served, serve, serve_bucket

from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.io import http
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.io.http import RemoteFile
from lfpscope.nwb.file import open_nwb
from lfpscope.references.combine import combine_references
from lfpscope.references.index import index_recording
from lfpscope.references.model import ProbeReferences
from lfpscope.references.open import open_references
from lfpscope.references.source_check import check_source
from lfpscope.render.overviews import draw_probe
from lfpscope.samples.dataset import open_session
from lfpscope.sources import probes_table
from lfpscope.sources.discover import find_probes
from lfpscope.sources.fetch import fetch_file
from lfpscope.sources.sessions_table import SessionRow
from lfpscope.summary.channels import write_channels
from lfpscope.summary.stored_values import N_TYPICAL
from lfpscope.summary.summarize import build_envelope

pytestmark = pytest.mark.slow  # servers, processes and large files

SERIES = "/acquisition/LFP/lfp"


def listed(session: SessionRow) -> list[probes_table.ProbeRow]:
    return find_probes([session], cache=Path())


@pytest.fixture
def nwb(tmp_path: Path, write_nwb: Callable[..., Path]) -> Path:
    path = write_nwb(tmp_path / "served/probe.nwb", samples=20_000, channels=5)
    with h5py.File(path, "r+") as file:
        group = file[SERIES]
        for name in ("starting_time", "timestamps"):
            if name in group:
                del group[name]
        times = np.arange(20_000) / 1250 + 3.0
        times[12_000:] += 2.5
        group.create_dataset("timestamps", data=times, chunks=(700,), compression="gzip")
    return path


@pytest.fixture
def served(nwb: Path) -> Iterator[Served]:
    with serve(nwb.parent) as server:
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "STALL_TIMEOUT_S", 0.5)
    monkeypatch.setattr(http, "MAX_PAUSE_S", 0.05)


def index(address: str, folder: Path) -> ProbeReferences:
    folder.mkdir()
    path = folder / "lfp.json"
    index_recording(address, path, session="s", probe="p", series=SERIES)
    return open_references(path)


def results(references: ProbeReferences) -> dict[str, bytes]:
    """Make all that is made of a probe, and return its bytes."""
    folder = references.file.parent
    envelope = folder / "envelope.zarr.zip"
    write_channels(build_envelope(references, envelope), folder / "channels.csv")
    draw_probe(
        references.file,
        envelope,
        overview=folder / "overview.png",
        thumbnail=folder / "thumbnail.png",
        width=640,
        height=400,
    )
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


def assert_same(remote: ProbeReferences, local: ProbeReferences) -> None:
    assert np.array_equal(remote.lfp.offsets, local.lfp.offsets)
    assert results(remote) == results(local)
    with (
        OpenProbe(remote, remote.file.with_name("envelope.zarr.zip")) as one,
        OpenProbe(local, local.file.with_name("envelope.zarr.zip")) as other,
    ):
        assert one.references.clock == other.references.clock
        assert len(one.references.clock.segments) == 2
        assert np.array_equal(one.samples(4000, 9000), other.samples(4000, 9000))


def test_https_reads_as_the_disk(served: Served, nwb: Path, tmp_path: Path) -> None:
    remote = index(f"{served.address}/probe.nwb", tmp_path / "remote")
    assert_same(remote, index(str(nwb), tmp_path / "local"))


@pytest.mark.parametrize("last", [np.nan, 1.0])
def test_a_last_timestamp_that_tells_nothing(
    served: Served, nwb: Path, tmp_path: Path, last: float
) -> None:
    with h5py.File(nwb, "r+") as file:
        file[SERIES]["timestamps"][-1] = last
    remote = index(f"{served.address}/probe.nwb", tmp_path / "remote")
    assert remote.clock.to_json() == index(str(nwb), tmp_path / "local").clock.to_json()
    assert [segment.first_sample for segment in remote.clock.segments] == [0, 12_000, 19_999]


@pytest.mark.parametrize(
    "storage", [{"chunks": (700,), "compression": "gzip"}, {"chunks": (700,)}, {}]
)
def test_a_session_has_the_clock_of_all_timestamps(
    served: Served, nwb: Path, tmp_path: Path, storage: dict[str, Any]
) -> None:
    with h5py.File(nwb, "r+") as file:
        times = file[SERIES]["timestamps"][:]
        del file[SERIES]["timestamps"]
        file[SERIES].create_dataset("timestamps", data=times, **storage)
    remote = index(f"{served.address}/probe.nwb", tmp_path / "remote")
    combine_references([remote.file], tmp_path / "session.json", session="s")
    clock = open_session(tmp_path / "session.json")["p"].attrs["clock"]
    assert [[first, t0] for first, _, t0, *_ in clock] == [[0, 3.0], [12_000, 3.0 + 9.6 + 2.5]]
    assert clock == index(str(nwb), tmp_path / "local").clock.to_json()


def test_a_file_without_any_time_is_refused(served: Served, nwb: Path, tmp_path: Path) -> None:
    with h5py.File(nwb, "r+") as file:
        file[SERIES]["timestamps"][:] = np.nan
    with pytest.raises(UserError, match=r"probe.nwb: .*timestamps: no sample has a usable time"):
        index(f"{served.address}/probe.nwb", tmp_path / "remote")


def test_a_view_reads_only_the_chunks_it_needs(served: Served, tmp_path: Path) -> None:
    references = index(f"{served.address}/probe.nwb", tmp_path / "remote")
    build_envelope(references, tmp_path / "remote/envelope.zarr.zip")
    served.log.clear()
    with OpenProbe(references, tmp_path / "remote/envelope.zarr.zip") as probe:
        probe.samples(0, 10, [0])
    rows = references.layout.chunks[1]
    assert rows == 1 or rows == references.n_channels
    assert sum(size for *_, size in served.log) == int(references.lfp.sizes[0, 0]) + 1


def test_metadata_are_read_once_by_who_reads_them_twice(served: Served) -> None:
    address = f"{served.address}/probe.nwb"
    with open_nwb(address) as file:
        shape = file[f"{SERIES}/data"].shape
    served.log.clear()
    with open_nwb(address) as file:
        assert file[f"{SERIES}/data"].shape == shape
    assert [span for _, span, _ in served.log] == ["bytes=0-0"]


def test_metadata_of_another_version_are_read_again(served: Served) -> None:
    address = f"{served.address}/probe.nwb"
    with open_nwb(address):
        pass
    served.etag = '"another"'
    served.log.clear()
    with open_nwb(address) as file:
        assert f"{SERIES}/data" in file
    assert sum(size for *_, size in served.log) > 4000


def test_the_pass_reads_each_byte_of_the_data_once(served: Served, tmp_path: Path) -> None:
    references = index(f"{served.address}/probe.nwb", tmp_path / "remote")
    served.log.clear()
    build_envelope(references, tmp_path / "remote/envelope.zarr.zip")
    # looked at beforehand, to choose the type of the envelope and what is no potential
    beforehand = (1 + N_TYPICAL) * int(references.lfp.sizes.max())
    assert sum(size for *_, size in served.log) <= 1.02 * references.lfp.sizes.sum() + beforehand


# --- S3 -------------------------------------------------------------------------------------------


@pytest.fixture
def key(nwb: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    public = "a session/probe 1.nwb"
    with serve_bucket({public: (nwb, "public-read"), "own.nwb": (nwb, "private")}) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield f"s3://lab/{public}"


@pytest.mark.slow
def test_s3_reads_as_the_disk(key: str, nwb: Path, tmp_path: Path) -> None:
    assert_same(index(key, tmp_path / "remote"), index(str(nwb), tmp_path / "local"))


@pytest.mark.usefixtures("key")
def test_s3_without_credentials() -> None:
    with pytest.raises(UserError, match=r"^s3://lab/own.nwb: access denied \(status 403\)"):
        open_address("s3://lab/own.nwb")


@pytest.mark.usefixtures("key")
def test_s3_without_the_object() -> None:
    with pytest.raises(UserError, match=r"^s3://lab/other.nwb: no such file \(status 404\)"):
        open_address("s3://lab/other.nwb")


def test_allens_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, nwb = tmp_path / "probes.csv", tmp_path / "probe.nwb"
    table.write_text("id,ecephys_session_id,name,has_lfp_data\n1,7,probeA,True\n2,7,probeB,False\n")
    with h5py.File(nwb, "w") as file:
        file["identifier"], file["general/session_id"] = "1", "7"
        file["acquisition/probe_1_lfp/probe_1_lfp_data/data"] = np.ones((9, 2), np.float32)
    objects = {"cache/probes.csv": table, "cache/session_7/probe_1_lfp.nwb": nwb}
    with serve_bucket({key: (one, "public-read") for key, one in objects.items()}) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        session = SessionRow("7", "allen")
        one, other = find_probes([session], cache=tmp_path, mirror="s3://lab/cache/")
        assert (one.status, other.status) == ("ok", "no LFP")
        assert one.address == "s3://lab/cache/session_7/probe_1_lfp.nwb"
        found = fetch_file("allen", "7", "1", one.address)
        assert (found["address"], found["size"]) == (one.address, nwb.stat().st_size)
        with pytest.raises(UserError, match="probe 1 of session 7, expected 2 of session 7"):
            fetch_file("allen", "7", "2", one.address)


# --- servers that fail ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(served: Served, nwb: Path, status: int) -> None:
    with RemoteFile(f"{served.address}/probe.nwb") as file:
        served.status["probe.nwb"], served.times = status, 2
        assert file.read(100, 50) == nwb.read_bytes()[100:150]


def test_a_server_that_stays_busy(served: Served) -> None:
    served.status["probe.nwb"] = 503
    with pytest.raises(UserError, match="did not come in 5 tries: status 503"):
        RemoteFile(f"{served.address}/probe.nwb")


def test_a_connection_that_is_cut(served: Served, nwb: Path) -> None:
    with RemoteFile(f"{served.address}/probe.nwb") as file:
        served.cut, served.times = 0.5, 2
        assert file.read(100, 500) == nwb.read_bytes()[100:600]
        served.times = -1
        with pytest.raises(UserError, match="bytes 100 to 600 did not come in 5 tries"):
            file.read(100, 500)


def test_a_server_that_falls_silent(served: Served) -> None:
    with RemoteFile(f"{served.address}/probe.nwb") as file:
        served.seconds = 0.8
        with pytest.raises(UserError, match=r"did not come in 5 tries.*timed out"):
            file.read(100, 500)


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/probe.nwb"
    with pytest.raises(UserError, match=r"did not come in 5 tries.*refused"):
        RemoteFile(address)


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "access denied (status 403)"), (404, "no such file (status 404)"), (418, "refused")],
)
def test_a_server_that_refuses(served: Served, status: int, message: str) -> None:
    served.status["probe.nwb"] = status
    with pytest.raises(UserError, match=re.escape(f"/probe.nwb: {message}")):
        RemoteFile(f"{served.address}/probe.nwb")


def test_a_server_without_ranges(served: Served) -> None:
    served.ranges = False
    with pytest.raises(UserError, match=r"expected a range of bytes \(206\). Download it"):
        RemoteFile(f"{served.address}/probe.nwb")


def test_a_server_that_sends_less_than_it_was_asked_for(served: Served, nwb: Path) -> None:
    with RemoteFile(f"{served.address}/probe.nwb") as file:
        served.most = 100
        with pytest.raises(UserError, match="asked for bytes 0 to 999, the server sent bytes 0-99"):
            file.read(0, 1000)
        size = nwb.stat().st_size
        assert file.read(size - 50, 1000) == nwb.read_bytes()[-50:]


def test_a_file_that_changes_while_it_is_read(served: Served) -> None:
    with RemoteFile(f"{served.address}/probe.nwb") as file:
        served.etag = '"another"'
        with pytest.raises(UserError, match=r'changed while it was read.*"another"'):
            file.read(0, 10)


def test_a_file_that_changed_since_it_was_indexed(served: Served, tmp_path: Path) -> None:
    references = index(f"{served.address}/probe.nwb", tmp_path / "remote")
    served.etag = '"another"'
    with pytest.raises(UserError, match=r'ETag "another".*--forcerun fetch_probe'):
        check_source(references)


@pytest.mark.parametrize("weak", [False, True])
def test_a_file_that_changed_on_a_server_without_etags(
    served: Served, nwb: Path, tmp_path: Path, weak: bool
) -> None:
    """A weak ETag stands for the same content, not for the same bytes."""
    served.versions, served.etag = weak, 'W/"same"' * weak
    references = index(f"{served.address}/probe.nwb", tmp_path / "remote")
    check_source(references)
    content = bytearray(nwb.read_bytes())
    content[int(references.lfp.offsets[0, 0]) + 20] ^= 1
    nwb.write_bytes(content)
    with pytest.raises(UserError, match=r"chunk at byte \d+ has changed.*--forcerun fetch_probe"):
        check_source(references)


def test_a_signed_address_is_asked_for_anew_and_never_stored(
    served: Served, nwb: Path, tmp_path: Path
) -> None:
    address = f"{served.address}/moved/probe.nwb"
    references = index(address, tmp_path / "remote")
    assert references.address == address
    assert "signed" not in references.file.read_text()
    with RemoteFile(address) as file:
        served.ticket += 1  # and the one in use is valid no more
        assert file.read(0, 100) == nwb.read_bytes()[:100]


def test_a_page_in_place_of_a_file_is_a_row(served: Served) -> None:
    (served.folder / "page.nwb").write_text("<html>Sign in, please</html>")
    (probe,) = listed(SessionRow("s", "nwb", f"{served.address}/page.nwb"))
    assert probe.status == "unreadable"
    assert "a web page, not an HDF5 file: it starts with '<html>Sign in, please" in probe.note
    assert "The next run tries again." in probe.note


def test_several_addresses_are_one_session(served: Served, nwb: Path) -> None:
    (served.folder / "other.nwb").write_bytes(nwb.read_bytes())
    location = f"{served.address}/probe.nwb {served.address}/other.nwb"
    found = listed(SessionRow("s", "nwb", location))
    assert [(probe.probe, probe.status) for probe in found] == [("probe", "ok"), ("other", "ok")]


def test_what_is_an_address() -> None:
    assert not is_remote("C:/data/probe.nwb")
    with pytest.raises(UserError, match=r"scheme ftp; expected a path, https:// or s3://"):
        open_address("ftp://x.org/probe.nwb")
