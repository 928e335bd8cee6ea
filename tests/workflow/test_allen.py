"""Sessions of Allen's: listed by AllenSDK, fetched once, kept where AllenSDK finds them."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from serving import serve
from warehouse import Warehouse, open_warehouse

from lfpscope.formatting import bytes_text
from lfpscope.sources.demo import nwb_writer

pytestmark = pytest.mark.workflow

ROOT = Path(__file__).parents[2]
SESSIONS = {
    "715000001": {"100000011": True, "100000012": True},
    "715000002": {"100000021": True, "100000022": False},
}
WITH_LFP = {(s, p) for s, probes in SESSIONS.items() for p, has_lfp in probes.items() if has_lfp}
QUICK = ("--set-threads", "summarize_probe=1")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the LFP of all probes, as the warehouse numbers them."""
    folder = tmp_path_factory.mktemp("warehouse")
    recipe = nwb_writer.demo_recipe("demo-1", "100000011")
    short = replace(recipe, n_samples=10_000, chunk=2_500, timestamps_chunk=2_500)
    for session, probe in WITH_LFP:
        nwb_writer.write_nwb(session, probe, short, folder / f"{probe}.nwb")
    return folder


@pytest.fixture
def warehouse(files: Path) -> Iterator[Warehouse]:
    with open_warehouse(files, SESSIONS) as opened:
        yield opened


@pytest.fixture
def allen(workflow):
    workflow.sessions(*(f"{session} allen" for session in SESSIONS))
    return workflow


def settings(warehouse: Warehouse, **more: object) -> tuple[str, str, str]:
    allen = {"scheme": "http", "host": warehouse.host, **more}
    download = {"stall_seconds": 1, "tries": 2}
    return "--config", f"allen={json.dumps(allen)}", f"download={json.dumps(download)}"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def cached(workflow, session: str, probe: str) -> Path:
    return workflow / f"resources/allen/session_{session}/probe_{probe}_lfp.nwb"


def fingerprint(folder: Path) -> dict[Path, tuple[int, str]]:
    return {
        path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*.nwb"))
    }


def in_allensdk(*code: str) -> str:
    """Run Python in AllenSDK's own environment."""
    pins = str(ROOT / "envs/allensdk.txt")
    uv = [sys.executable, "-m", "uv", "run", "--isolated", "--no-project", "--python", "3.11"]
    command = [*uv, "--with-requirements", pins, "python", "-W", "ignore", "-c", "\n".join(code)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_the_whole_workflow(allen, warehouse, files):
    run = allen.run(*settings(warehouse), *QUICK)
    assert "Done." in run.output
    # one query for a session, one for each file
    assert len(warehouse.queries) == 5
    assert sorted(warehouse.downloads) == sorted(f"{probe}.nwb" for _, probe in WITH_LFP)
    for session, probe in WITH_LFP:
        assert cached(allen, session, probe).read_bytes() == (files / f"{probe}.nwb").read_bytes()
        assert (allen / f"results/{session}/probes/{probe}/thumbnail.png").is_file()
        source = json.loads((allen / f"results/{session}/probes/{probe}/source.json").read_text())
        assert source["address"] == str(cached(allen, session, probe))
    rows = {row["probe"]: row for row in table(allen / "results/probes.tsv")}
    assert rows["100000022"]["status"] == "no LFP"
    assert rows["100000022"]["note"] == "probeB: Allen publishes no LFP of it"
    checked = [row["status"] for row in table(allen / "results/checked.tsv")]
    assert sorted(checked) == ["complete"] * 3 + ["no LFP"]
    page = (allen / "results/index.html").read_text()
    assert page.count('class="card"') == 4
    assert "Allen publishes no LFP of it</p>" in page
    assert "incomplete</summary>" not in page
    assert not [path for path in allen.folder.rglob("*") if path.suffix in (".part", ".lock")]

    # again: nothing is asked, also when the results are made again
    warehouse.queries.clear()
    warehouse.files.log.clear()
    assert "Nothing to be done" in allen.run(*settings(warehouse)).output
    before = fingerprint(allen / "resources")
    allen.run("index", *settings(warehouse), "--forcerun", "fetch_probe")
    assert fingerprint(allen / "resources") == before
    assert not warehouse.queries
    assert not warehouse.downloads


@pytest.mark.skipif("LFPSCOPE_DATA" not in os.environ, reason="needs files of AllenSDK's writer")
def test_allensdk_takes_what_was_fetched(allen, tmp_path):
    session, probes = "715093703", {"715093713": True, "715093723": True}
    for probe in probes:
        made = Path(os.environ["LFPSCOPE_DATA"], "allen_writer", f"session_{session}")
        shutil.copy(made / f"probe_{probe}_lfp.nwb", tmp_path / f"{probe}.nwb")
    allen.sessions(f"{session} allen")
    with open_warehouse(tmp_path, {session: probes}) as warehouse:
        allen.run("index", *settings(warehouse))
        assert len(warehouse.downloads) == 2
        before = fingerprint(allen / "resources")
        shape = in_allensdk(
            "from allensdk.brain_observatory.ecephys import ecephys_project_cache",
            "cache = ecephys_project_cache.EcephysProjectCache.from_warehouse(",
            f"    scheme='http', host={warehouse.host!r},",
            f"    manifest={str(allen / 'resources/allen/manifest.json')!r})",
            f"nwb = cache._setup_probe_promises({session})[715093713]()",
            "print(nwb.identifier, nwb.acquisition['probe_715093713_lfp_data'].data.shape)",
        )
        assert shape.startswith("715093713 (")
        assert len(warehouse.downloads) == 2
    assert fingerprint(allen / "resources") == before


@pytest.mark.parametrize("fault", ["status", "cut", "instead", "silent"])
@pytest.mark.parametrize("times", [1, -1])
def test_faults_of_the_files(allen, warehouse, files, fault, times):
    allen.sessions("715000002 allen")
    warehouse.files.times = times
    match fault:
        case "status":
            warehouse.files.status["100000021.nwb"] = 503
        case "cut":
            warehouse.files.cut = 0.2
        case "instead":
            warehouse.files.instead = (files / "100000011.nwb").read_bytes()
        case "silent":
            warehouse.files.silent = 2.0
    allen.run("index", *settings(warehouse))
    path = cached(allen, "715000002", "100000021")
    if times > 0:
        assert path.read_bytes() == (files / "100000021.nwb").read_bytes()
    else:
        assert not path.exists()
        (row,) = table(allen / "results/715000002/indexed.tsv")
        assert (row["status"], row["rule"]) == ("failed", "fetch_probe")
        assert "did not arrive completely in 2 tries" in row["reason"]


def status(warehouse):
    warehouse.status = 500


def refusal(warehouse):
    warehouse.refuses = True


def silence(warehouse):
    warehouse.seconds = 1.5


@pytest.mark.parametrize("fault", [status, refusal, silence])
def test_faults_of_the_tables(allen, warehouse, fault):
    allen.sessions("715000002 allen")
    fault(warehouse)
    allen.run("index", *settings(warehouse))
    (row,) = table(allen / "results/probes.tsv")
    assert (row["probe"], row["status"]) == ("715000002", "unreadable")
    assert "no answer in 2 tries" in row["note"]
    warehouse.times = 1
    allen.run("index", *settings(warehouse))
    assert cached(allen, "715000002", "100000021").is_file()


def test_a_session_that_allen_does_not_know(allen, warehouse):
    allen.sessions("715000002 allen", "3 allen")
    allen.run("index", *settings(warehouse))
    assert (allen / "results/715000002/session.json").is_file()
    (row,) = [row for row in table(allen / "results/probes.tsv") if row["session"] == "3"]
    assert f"{warehouse.host} has no probe of a session 3" in row["note"]


def copy_of_the_cache(folder: Path, files: Path) -> Path:
    """Make what `aws s3 sync` gives."""
    folder.mkdir(parents=True)
    rows = ["id,ecephys_session_id,has_lfp_data,name"]
    for session, probes in SESSIONS.items():
        rows += [f"{probe},{session},{has_lfp},probeA" for probe, has_lfp in probes.items()]
    (folder / "probes.csv").write_text("\n".join(rows) + "\n")
    for session, probe in WITH_LFP:
        (folder / f"session_{session}").mkdir(exist_ok=True)
        name = f"session_{session}/probe_{probe}_lfp.nwb"
        shutil.copy(files / f"{probe}.nwb", folder / name)
    return folder


def test_a_synced_cache_is_used_as_it_is(allen, warehouse, files):
    cache = copy_of_the_cache(allen / "resources/allen", files)
    missing = cached(allen, "715000001", "100000012")
    missing.unlink()
    before = fingerprint(cache)
    allen.run("index", *settings(warehouse))
    assert len(warehouse.queries) == 1
    assert warehouse.downloads == ["100000012.nwb"]
    after = fingerprint(cache)
    assert set(after) == {*before, missing}
    assert before.items() <= after.items()


def test_a_bad_file_in_the_cache_is_named_and_left(allen, warehouse):
    path = cached(allen, "715000002", "100000021")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x89HDF\r\n\x1a\n and no more")
    allen.run("index", *settings(warehouse))
    (row,) = table(allen / "results/715000002/indexed.tsv")
    assert "It is not replaced: delete it and run again to download it." in row["reason"]
    assert path.read_bytes().endswith(b"no more")
    assert (allen / "results/715000001/session.json").is_file()
    path.unlink()
    allen.run("index", *settings(warehouse))


def test_the_sessions_own_file(allen, warehouse, files):
    allen.sessions("715000002 allen")
    own = files / "715000002.nwb"
    with h5py.File(own, "w") as file:
        file["identifier"] = "715000002"
        file["intervals/epochs/start_time"] = [20.0]
    table_of = "results/715000002/intervals.csv"
    allen.run(table_of, *settings(warehouse, session_nwb=True))
    assert sorted(warehouse.downloads) == ["100000021.nwb", "715000002.nwb"]
    kept = allen / "resources/allen/session_715000002/session_715000002.nwb"
    assert kept.read_bytes() == own.read_bytes()
    assert "\n20.0,,epochs,epochs," in (allen / table_of).read_text()


def test_a_mirror_is_read_in_place(allen, files, tmp_path):
    copy_of_the_cache(tmp_path / "mirror", files)
    with serve(tmp_path / "mirror") as served:
        run = allen.run(
            *("index", "summaries", "--config"), f"allen={{mirror: '{served.address}/'}}", *QUICK
        )
    assert run.rules.isdisjoint({"prepare_allensdk", "list_allen_probes"})
    assert not os.path.lexists(allen / "resources")
    references = allen / "results/715000001/probes/100000011/lfp.json"
    address = f"{served.address}/session_715000001/probe_100000011_lfp.nwb"
    assert json.loads(references.read_text())["templates"]["u"] == address
    statuses = {row["probe"]: row["status"] for row in table(allen / "results/probes.tsv")}
    assert statuses.pop("100000022") == "no LFP"
    assert set(statuses.values()) == {"ok"}


def test_a_mirror_on_disk(allen, files, tmp_path):
    mirror = copy_of_the_cache(tmp_path / "mirror", files)
    before = fingerprint(mirror)
    allen.run("index", "--config", f"allen={{mirror: '{mirror}'}}")
    assert fingerprint(mirror) == before
    assert (allen / "results/715000002/session.json").is_file()


def test_plan(allen, warehouse, files):
    there = cached(allen, "715000001", "100000012")
    there.parent.mkdir(parents=True)
    shutil.copy(files / "100000012.nwb", there)
    run = allen.run("plan", *settings(warehouse))
    size = {probe: (files / f"{probe}.nwb").stat().st_size for _, probe in WITH_LFP}
    missing, other = size["100000011"], size["100000021"]
    on_disk, both = bytes_text(size["100000012"]), bytes_text(missing + other)
    lines = [" ".join(line.split()) for line in run.output.splitlines()]
    assert f"715000001 2 0 1 file, {bytes_text(missing)} {on_disk} – 3.6 MB" in lines
    assert f"715000002 1 1 1 file, {bytes_text(other)} 0 bytes – 3.6 MB" in lines
    assert f"in all 3 1 2 files, {both} {on_disk} – 7.2 MB" in lines
    assert f"is: enough for {both}." in run.output
    assert fingerprint(allen / "resources").keys() == {there}
    listing = {"prepare_allensdk", "list_allen_probes", "list_session", "list_probes"}
    assert run.rules == {*listing, "plan"}
    assert f"enough for {both}." in allen.run("plan", *settings(warehouse)).output  # and again


@pytest.mark.parametrize(
    ("select", "expected", "queries"),
    [
        ({}, ["715000001", "715000002"], 1),
        ({"session_type": "functional_connectivity"}, ["715000002"], 1),
        ({"full_genotype": "Sst"}, ["715000001"], 1),
        ({"ecephys_structure_acronyms": "CA1, VISp"}, ["715000001"], 5),
    ],
)
def test_sessions_are_selected(workflow, warehouse, select, expected, queries):
    workflow.run("list_allen_sessions", *settings(warehouse, select=select))
    path = workflow / "results/allen_sessions.tsv"
    assert table(path) == [{"session": session, "source": "allen"} for session in expected]
    assert len(warehouse.queries) == queries
    # as it stands, it is a table of sessions
    workflow.run("-n", *settings(warehouse), f"sessions={path}")


def test_sessions_of_a_mirror_are_selected(workflow, tmp_path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "sessions.csv").write_text(
        "id,session_type,genotype\n1,a,wt/wt\n2,b,wt/wt\n3,a,Vip-IRES-Cre/wt\n4,a,wt/wt\n"
    )
    (mirror / "probes.csv").write_text(
        "id,ecephys_session_id,has_lfp_data\n10,1,True\n30,3,True\n40,4,True\n"
    )
    (mirror / "channels.csv").write_text(
        "id,ecephys_probe_id,ecephys_structure_acronym\n100,10,VISp\n300,30,VISp\n400,40,CA1\n"
    )
    select = {"session_type": "a", "ecephys_structure_acronyms": "VISp", "full_genotype": "wt/wt"}
    allen = {"mirror": str(mirror), "select": select}
    run = workflow.run("list_allen_sessions", "--config", f"allen={json.dumps(allen)}")
    assert run.rules == {"list_allen_sessions"}
    found = table(workflow / "results/allen_sessions.tsv")
    assert [row["session"] for row in found] == ["1"]

    allen["select"] = {"session_type": "c"}
    run = workflow.run("list_allen_sessions", "--config", f"allen={json.dumps(allen)}", code=1)
    assert "no session fits session_type c; of session_type there are a, b." in run.output
