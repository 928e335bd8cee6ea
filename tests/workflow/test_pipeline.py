"""Whole runs: what is made, what runs again after a change, and what bad input does."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import time
import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.workflow

PROBES = {"one/a", "one/b", "two/two.lf0", "two/two.lf1"}
LAST = {"write_gallery", "check_run", "compile_loops", "all"}
DRAWN = {"draw_probe", "draw_session", *LAST}
SUMMARISED = {"summarize_probe", "find_periods", "draw_spectrum"}
EVOKED = {"draw_evoked", "draw_session_evoked"}
AVERAGED = {"average_intervals", *EVOKED}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def fingerprint(folder: Path) -> dict[Path, tuple[int, str]]:
    return {
        path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*.nwb"))
    }


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


# --- what is made -------------------------------------------------------------------------------


def test_every_file_is_made(finished_once):
    results = finished_once / "results"
    for probe in PROBES:
        session, name = probe.split("/")
        folder = results / session / "probes" / name
        assert {path.name for path in folder.iterdir()} == {
            "source.json",
            "lfp.json",
            "index.json",
            "channels.csv",
            "envelope.zarr.zip",
            "periods.csv",
            "overview.png",
            "thumbnail.png",
            "thumbnail_levels.png",
            "spectrum.zarr.zip",
            "spectrum.png",
            "spectrum_small.png",
            "evoked.zarr.zip",
            "evoked.csv",
            "evoked.png",
            "verified.json",
        }
    names = ("session.json", "overview.png", "evoked.png", "viewer.py")
    for session in ("one", "two"):
        for name in names:
            assert (results / session / name).is_file()
    for name in ("io/atomic.py", "VERSION", "COMPILED"):
        assert (results / "lfpscope" / name).is_file()
    assert not leftovers(results)


def test_tables(finished_once):
    probes = table(finished_once / "results/probes.tsv")
    assert {f"{row['session']}/{row['probe']}" for row in probes} == PROBES
    assert {row["status"] for row in probes} == {"ok"}
    assert probes[0]["note"] == "1 of 1 ElectricalSeries: inside an LFP container"
    checked = table(finished_once / "results/checked.tsv")
    assert checked[1] == {
        "session": "one",
        "probe": "b",
        "status": "complete",
        "problem": "",
        "doubts": checked[1]["doubts"],
        "samples": "3000",
        "channels": "3",
        "damaged": "0",
        "dead": "0",
        "saturated": "0",
    }


def test_source_is_named_with_its_whole_path(finished_once):
    source = json.loads((finished_once / "results/one/probes/a/source.json").read_text())
    nwb = finished_once / "data/a.nwb"
    assert source["address"] == str(nwb)
    assert (source["size"], source["mtime_ns"]) == (nwb.stat().st_size, nwb.stat().st_mtime_ns)


def test_report(finished_once, tmp_path):
    finished_once.run("--report", str(tmp_path / "report.zip"))
    with zipfile.ZipFile(tmp_path / "report.zip") as report:
        names = Counter(Path(name).name for name in report.namelist())
        text = report.read("report/report.html").decode()
    probes, sessions = len(PROBES), 2
    assert names["overview.png"] == names["evoked.png"] == probes + sessions
    assert names["channels.csv"] == probes
    assert names["index.html"] == 1
    assert "The whole recording of probe two.lf0, session two." in text


def test_from_another_folder_to_a_path_with_spaces(bare, write_nwb, tmp_path):
    nwb = write_nwb(tmp_path / "my data/mouse 7.nwb")
    (tmp_path / "s.tsv").write_text("session\tsource\tlocation\nm\tnwb\tmy data/**/*.nwb\n")
    settings = ["--configfile", str(bare / "config/config.yaml")]
    settings += ["--config", "sessions=s.tsv", "results=my results"]
    bare.run("summaries", *settings, folder=tmp_path)
    references = json.loads((tmp_path / "my results/m/probes/mouse_7/lfp.json").read_text())
    assert references["templates"]["u"] == str(nwb)
    assert (tmp_path / "my results/m/probes/mouse_7/channels.csv").is_file()


# --- what runs again ----------------------------------------------------------------------------


def test_nothing_changed_nothing_to_do(finished_once):
    assert "Nothing to be done" in finished_once.run().output
    last = (finished_once / "results/complete.txt").read_text()
    assert last.splitlines()[-1].startswith("4 probes complete")


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        ("draw_probe.py", {"draw_probe", *LAST}),
        ("lfpscope/render/overviews.py", {*DRAWN, "copy_library"}),
        ("lfpscope/render/evoked.py", {*EVOKED, "copy_library", *LAST}),
        ("lfpscope/render/spectra.py", {"draw_spectrum", "copy_library", *LAST}),
        (
            "lfpscope/envelope/read.py",
            {*DRAWN, *AVERAGED, "find_periods", "draw_spectrum", "copy_library", "verify_probe"},
        ),
        (
            "lfpscope/summary/driver.py",
            {*DRAWN, *AVERAGED, *SUMMARISED, "copy_library", "verify_probe"},
        ),
        ("lfpscope/verify/checks.py", {"verify_probe", *LAST, "copy_library"}),
        ("lfpscope/site/check_run.py", {"copy_library", *LAST}),
        ("fetch_probe.py", set()),  # a newer program fetches nothing again
    ],
)
def test_edited_code_runs_again_where_it_is_used(finished, file, rules):
    with (finished / "scripts" / file).open("a") as script:
        script.write("\n# edited\n")
    assert finished.run("-n").rules == rules


def test_edited_sources_list_the_probes_again_and_leave_them(finished):
    with (finished / "scripts/lfpscope/sources/discover.py").open("a") as script:
        script.write("\n# edited\n")
    assert finished.run("summaries").rules == {"list_session", "list_probes"}


@pytest.mark.parametrize(
    ("setting", "rules"),
    [
        ("overview={width: 800}", {*DRAWN, *EVOKED}),
        ("evoked={smooth_um: 50}", {*EVOKED, *LAST}),
        ("evoked={kinds: 2}", {*AVERAGED, *LAST}),
        ("summary={bucket: 64}", {*DRAWN, *AVERAGED, *SUMMARISED, "verify_probe"}),
        ("quality={hf_db: 9}", {*DRAWN, *AVERAGED, *SUMMARISED, "verify_probe"}),
        ("verify={chunks: all}", {"verify_probe", *LAST}),
        ("views={theta: median 4-10 Hz}", {"summarize_view", *LAST}),
    ],
)
def test_changed_setting_runs_again_where_it_is_used(finished_once, setting, rules):
    assert finished_once.run("-n", "--config", setting).rules == rules


def test_a_file_whose_fetching_was_broken_off_is_fetched(finished):
    (finished / "results/one/probes/a/source.json").unlink()
    assert {"fetch_probe one/a", "index_probe one/a"} <= finished.run("-n").jobs


def test_new_session_leaves_the_others(finished, write_nwb):
    write_nwb(finished / "new.nwb", seed=2)
    finished.sessions("new nwb new.nwb", "one nwb data/*.nwb", "two nwb two.nwb")
    assert finished.run("index").jobs == {
        "list_session new",
        "list_probes",
        "fetch_probe new/new",
        "index_probe new/new",
        "index_session new",
        "combine_session new",
        "index",
    }


def test_new_file_is_a_new_probe(finished, write_nwb):
    write_nwb(finished / "data/c.nwb", seed=2)
    assert finished.run("index").jobs == {
        "list_session one",
        "list_probes",
        "fetch_probe one/c",
        "index_probe one/c",
        "index_session one",
        "combine_session one",
        "index",
    }


def test_replaced_file_runs_again(finished, write_nwb):
    write_nwb(finished / "data/a.nwb", seed=3)
    assert finished.run("index").jobs == {
        "list_session one",
        "list_probes",
        "fetch_probe one/a",
        "index_probe one/a",
        "index_session one",
        "combine_session one",
        "index",
    }


def test_a_job_of_a_batch_does_not_read_the_table_of_sessions(finished):
    (finished / "config/sessions.tsv").write_text("it is being edited\n")
    job = ["--target-jobs", "combine_session:session=one", "--allowed-rules", "combine_session"]
    run = finished.run("--mode", "remote", *job, "--force", "--nolock")  # as executors start one
    assert run.jobs == {"combine_session one"}
    assert "no column `session`" in finished.run("-n", code=1).output


@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("probes/a/source.json", "fetch_probe one/a"),
        ("probes/a/lfp.json", "index_probe one/a"),
        ("probes/a/envelope.zarr.zip", "summarize_probe one/a"),
        ("probes/a/channels.csv", "summarize_probe one/a"),
        ("probes/a/periods.csv", "find_periods one/a"),
        ("probes/a/overview.png", "draw_probe one/a"),
        ("probes/a/thumbnail.png", "draw_probe one/a"),
        ("probes/a/thumbnail_levels.png", "draw_probe one/a"),
        ("probes/a/spectrum.zarr.zip", "summarize_probe one/a"),
        ("probes/a/spectrum.png", "draw_spectrum one/a"),
        ("probes/a/spectrum_small.png", "draw_spectrum one/a"),
        ("probes/a/evoked.zarr.zip", "average_intervals one/a"),
        ("probes/a/evoked.csv", "average_intervals one/a"),
        ("probes/a/evoked.png", "draw_evoked one/a"),
        ("probes/a/verified.json", "verify_probe one/a"),
        ("session.json", "combine_session one"),
        ("intervals.csv", "list_intervals one"),
        ("behavior.zarr.zip", "list_behavior one"),
        ("overview.png", "draw_session one"),
        ("evoked.png", "draw_session_evoked one"),
        ("viewer.py", "write_viewer one"),
    ],
)
def test_a_file_that_is_gone_is_made_again(finished, name, job):
    (finished / "results/one" / name).unlink()
    jobs = finished.run("-n").jobs
    assert job in jobs
    # the other session is read by the gallery only
    assert not [job for job in jobs if " two" in job]


def test_a_picture_that_is_gone_is_made_again(finished):
    (finished / "results/one/probes/a/overview.png").unlink()
    assert finished.run("-n").jobs == {"draw_probe one/a", *LAST}


def test_files_that_are_gone_one_after_the_other_are_made_again(finished):
    for name in ("source.json", "lfp.json", "envelope.zarr.zip"):
        (finished / "results/one/probes/a" / name).unlink()
    jobs = finished.run("-n").jobs
    assert {"fetch_probe one/a", "index_probe one/a", "summarize_probe one/a"} <= jobs


def test_killed_run_is_completed(workflow, write_nwb):
    for name in "abcd":
        write_nwb(workflow / f"data/{name}.nwb", samples=200_000, seed=ord(name))
    workflow.sessions("one nwb data/*.nwb")
    with subprocess.Popen(
        workflow.command("summaries"),
        cwd=workflow.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        # whichever probe the scheduler takes first
        wait_for(lambda: any((workflow / "results").glob("one/probes/*/lfp.json")))
        os.killpg(process.pid, signal.SIGKILL)
    assert len(list((workflow / "results").glob("one/probes/*/channels.csv"))) < 4
    workflow.run("summaries")
    assert len(list((workflow / "results").glob("one/probes/*/channels.csv"))) == 4
    assert "Nothing to be done" in workflow.run("summaries").output


def wait_for(condition, seconds: float = 120) -> None:
    stop = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < stop, "waited in vain"
        time.sleep(0.02)


# --- bad input ----------------------------------------------------------------------------------


def test_bad_files_are_named_and_the_others_done(workflow, write_nwb):
    write_nwb(workflow / "data/good.nwb")
    with h5py.File(write_nwb(workflow / "data/fast.nwb", samples=30_000), "r+") as file:
        series = file["acquisition/LFP/lfp"]
        del series["timestamps"]  # they do not rise evenly anywhere: listed, but not indexed
        series["timestamps"] = np.sort(np.random.default_rng(0).uniform(0, 24, 30_000))
    write_nwb(workflow / "data/no_lfp.nwb", neurodata_type="SpatialSeries")
    write_nwb(workflow / "data/lzf.nwb", compression="lzf")
    short = write_nwb(workflow / "data/short.nwb")
    os.truncate(short, short.stat().st_size // 2)
    (workflow / "data/text.nwb").write_text("not HDF5")
    workflow.sessions(
        "mixed nwb data/*.nwb", "bad nwb data/text.nwb", "none nwb x/*.nwb", "odd disk"
    )
    before = fingerprint(workflow / "data")

    run = workflow.run(code=1)

    status = {
        f"{row['session']}/{row['probe']}": row["status"]
        for row in table(workflow / "results/probes.tsv")
    }
    bad = {"mixed/no_lfp", "mixed/lzf", "mixed/short", "mixed/text", "bad/text"}
    bad |= {"none/none", "odd/odd"}
    assert {probe for probe, is_ in status.items() if is_ == "unreadable"} == bad
    assert status["mixed/good"] == "ok"
    log = (workflow / "results/logs/check_run.log").read_text()
    lines = [line.split(": ") for line in log.splitlines()]
    named = {
        name for one in lines if "unreadable" in one[1:2] for name in one[0].strip().split(", ")
    }
    assert named == bad  # some have the same reason
    assert "mixed/fast: " in log
    assert "It cannot be drawn over time" in log
    assert "no file matches x/*.nwb" in log
    assert "sessions.tsv, line 5: source is 'disk'" in log
    assert log in run.output
    assert "no ElectricalSeries" in log
    assert "truncated: the file ends at byte" in log
    assert "not an HDF5 file" in log
    assert "lzf" in log
    assert run.rules - {"all"} == {
        "list_session",
        "list_probes",
        "index_session",
        "fetch_probe",
        "index_probe",
        "combine_session",
        "list_intervals",
        "list_behavior",
        "summarize_probe",
        "find_periods",
        "draw_probe",
        "draw_session",
        "draw_spectrum",
        "average_intervals",
        "draw_evoked",
        "draw_session_evoked",
        "verify_probe",
        "copy_library",
        "write_viewer",
        "write_gallery",
        "check_run",
        "compile_loops",
    }
    assert (workflow / "results/mixed/viewer.py").is_file()
    checked = table(workflow / "results/checked.tsv")
    assert {f"{row['session']}/{row['probe']}": row["status"] for row in checked} == {
        "mixed/good": "complete",
        **dict.fromkeys(bad | {"mixed/fast"}, "incomplete"),
    }
    assert not (workflow / "results/complete.txt").exists()
    assert not (workflow / "results/bad/probes").exists()
    assert not (workflow / "results/mixed/probes/fast/lfp.json").exists()
    assert not leftovers(workflow.folder)
    assert fingerprint(workflow / "data") == before
    # what may have been repaired by itself is tried again, and nothing else
    again = workflow.run(code=1)
    assert again.jobs - {"list_probes", *LAST} == {
        "list_session none",
        "list_session odd",
        "index_probe mixed/fast",
        "index_session mixed",
    }


def test_damaged_chunk_is_named(workflow, write_nwb):
    nwb = write_nwb(workflow / "data/a.nwb")
    with h5py.File(nwb) as file:
        chunk = file["acquisition/LFP/lfp/data"].id.get_chunk_info(5)
    with nwb.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)
    workflow.sessions("one nwb data/a.nwb")
    workflow.run(code=1)
    log = (workflow / "results/logs/check_run.log").read_text()
    reason = "damaged: 1000 values (0.083 of all) do not decode"
    assert f"one/a: {reason}; see results/logs/summarize_probe/one/a.log" in log
    log = (workflow / "results/logs/summarize_probe/one/a.log").read_text()
    named = (
        f"probe a, channel 101, 10.800 to 11.599 s, byte {chunk.byte_offset} of {nwb}: damaged: "
    )
    assert log.startswith(named)

    workflow.run("--config", "on_damage=fail", code=1)
    log = (workflow / "results/logs/summarize_probe/one/a.log").read_text()
    assert f"error: {named}" in log
    assert not (workflow / "results/one/probes/a/channels.csv").exists()


def test_files_of_one_name_are_two_probes(workflow, write_nwb):
    write_nwb(workflow / "data/x/a.nwb")
    write_nwb(workflow / "data/y/a.nwb", seed=1)
    workflow.sessions("one nwb data/**/a.nwb")
    workflow.run("index")
    assert (workflow / "results/one/probes/x.a/lfp.json").is_file()
    assert (workflow / "results/one/probes/y.a/lfp.json").is_file()


def test_any_path_and_any_time_is_read(workflow, write_nwb):
    """Snakemake would take braces for wildcards, and refuse times ahead of its clock."""
    folder = workflow / "data/2021 [anaesth] {left} µV's"
    for name in ("a b.nwb", "c.nwb"):
        os.utime(write_nwb(folder / name), (2_051_222_400, 2_051_222_400))
    table = workflow / "config/sessions.tsv"
    rows = [f"glob\tnwb\t{folder}/*.nwb", f"path\tnwb\t{folder}/a b.nwb"]
    table.write_text("\n".join(["session\tsource\tlocation", *rows]))
    workflow.run()
    assert (workflow / "results/glob/overview.png").is_file()
    assert (workflow / "results/path/probes/a_b/thumbnail.png").is_file()
    assert "Nothing to be done" in workflow.run().output
    os.utime(folder / "c.nwb", (2_051_222_401, 2_051_222_401))  # as if it had been replaced
    assert "fetch_probe glob/c" in workflow.run("index").jobs
    assert "Nothing to be done" in workflow.run("index").output


def test_a_listing_that_is_killed_is_a_row_and_tried_again(workflow, write_nwb):
    for name in "ab":
        write_nwb(workflow / f"{name}.nwb")
    workflow.sessions("one nwb a.nwb", "two nwb b.nwb")
    (workflow / "memory_is_full").touch()
    program = workflow / "scripts/list_session.py"
    dies = (
        'import os, sys\nif "two" in sys.argv and "--ended" not in sys.argv and '
        'os.path.exists("memory_is_full"):\n    os.kill(os.getpid(), 9)\n'
    )
    program.write_text(program.read_text().replace("from", f"{dies}from", 1))
    workflow.run("index")
    (row,) = [row for row in table(workflow / "results/probes.tsv") if row["session"] == "two"]
    assert (row["probe"], row["status"]) == ("two", "unreadable")
    assert "its listing ended with exit code 137" in row["note"]
    assert (workflow / "results/one/session.json").is_file()
    (workflow / "memory_is_full").unlink()
    again = workflow.run("index").jobs
    assert "combine_session two" in again
    assert not [job for job in again if job.endswith(" one")]
    assert "Nothing to be done" in workflow.run("index").output


def test_an_index_that_is_killed_is_a_reason_and_tried_again(workflow, write_nwb):
    for name in "ab":
        write_nwb(workflow / f"{name}.nwb")
    workflow.sessions("one nwb *.nwb")
    (workflow / "memory_is_full").touch()
    program = workflow / "scripts/index_probe.py"
    dies = (
        'import os, sys\nif "/b/" in sys.argv[1] and "--ended" not in sys.argv and '
        'os.path.exists("memory_is_full"):\n    os.kill(os.getpid(), 9)\n'
    )
    program.write_text(program.read_text().replace("from", f"{dies}from", 1))
    workflow.run("overviews")
    (row,) = [row for row in table(workflow / "results/one/indexed.tsv") if row["probe"] == "b"]
    assert (row["status"], row["rule"]) == ("failed", "index_probe")
    assert "its index ended with exit code 137" in row["reason"]
    assert (workflow / "results/one/overview.png").is_file()
    assert (workflow / "results/one/probes/a/overview.png").is_file()
    (workflow / "memory_is_full").unlink()
    again = workflow.run("overviews").jobs
    assert {"index_probe one/b", "draw_probe one/b"} <= again
    assert not {"index_probe one/a", "summarize_probe one/a"} & again
    assert "Nothing to be done" in workflow.run("overviews").output


# --- files that must not be lost ----------------------------------------------------------------


def test_users_files_survive_everything(finished):
    before = fingerprint(finished.folder)
    finished.run("index", "--forceall")
    finished.run("all", "--delete-all-output")
    assert fingerprint(finished.folder) == before


def test_demo_is_made_once(workflow):
    workflow.sessions("demo-1 demo")
    workflow.run("index")
    made = fingerprint(workflow / "resources")
    assert len(made) == 2
    workflow.run("index", "--forceall")
    assert fingerprint(workflow / "resources") == made

    broken, whole = made
    content = broken.read_bytes()
    os.truncate(broken, 1_000_000)
    workflow.run("index", "--forcerun", "fetch_probe")
    assert broken.read_bytes() == content
    assert fingerprint(workflow / "resources")[whole] == made[whole]


# --- the workflow's own form --------------------------------------------------------------------


def test_lint(bare):
    assert "good condition" in bare.run("--lint").output


def test_format(bare):
    subprocess.run(["snakefmt", "--check", "Snakefile", "rules"], cwd=bare.folder, check=True)
