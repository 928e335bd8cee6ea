"""A batch of sessions with two bad files among them: what is done, what is said, what is shown."""

import csv
import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from batches import CORRUPT, MISSING

pytestmark = pytest.mark.workflow


def test_all_others_are_done(batch):
    results = batch / "results"
    assert len(list(results.glob("*/probes/*/thumbnail.png"))) == 10
    assert len(list(results.glob("*/overview.png"))) == 6
    assert len(list(results.glob("*/viewer.py"))) == 6


def test_both_reasons_stand_at_the_end(batch):
    output = (batch / "output.txt").read_text()
    _, _, end = output.rpartition("Not all is done")
    assert f"{CORRUPT}/b: unreadable: data/{CORRUPT}/b.nwb: truncated" in end
    assert f"{MISSING}/b: unreadable: data/{MISSING}/b.nwb: a link to ../not/fetched.nwb" in end
    assert "10 probes complete, 2 incomplete" in end


def test_all_are_in_the_table(batch):
    with (batch / "results/checked.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 12
    bad = [row["session"] for row in rows if row["status"] == "incomplete"]
    assert sorted(bad) == sorted([CORRUPT, MISSING])
    assert all(row["status"] == "complete" for row in rows if row["session"] not in bad)


def test_gallery_shows_both(batch):
    page = (batch / "results/index.html").read_text()
    assert page.count('class="card"') == 12
    assert page.count('loading="lazy"') == 30  # amplitude, its codes, and spectra
    assert "6 sessions · 10 probes of LFP" in page
    assert "2 probes incomplete" in page
    for session in (CORRUPT, MISSING):
        assert page.count(f"unreadable: data/{session}/b.nwb") >= 2  # in the table, on the card
    probes = json.loads((batch / "results/run.json").read_text())["probes"]
    assert len(probes) == 12
    assert {probe["session"] for probe in probes if probe["problem"]} == {CORRUPT, MISSING}
    assert all(probe["bytes"]["crc32"] for probe in probes if not probe["problem"])


def test_same_recordings_give_the_same_bytes(batch):
    """All sessions have the same two recordings: but for names, their files are the same."""
    for probe in "ab":
        folders = sorted((batch / "results").glob(f"*/probes/{probe}"))
        assert len(folders) >= 4
        assert len({(folder / "channels.csv").read_bytes() for folder in folders}) == 1
        assert len({arrays(folder / "envelope.zarr.zip") for folder in folders}) == 1


def arrays(envelope: Path) -> tuple[tuple[str, int], ...]:
    """Return the checksums of an envelope's files, but for the one that names its session."""
    with ZipFile(envelope) as archive:
        files = [(file.filename, file.CRC) for file in archive.infolist()]
    return tuple(file for file in files if file[0] != "zarr.json")


def test_a_failed_job_is_shown_and_made_up_for(bare, write_nwb, tmp_path):
    workflow = bare.copy(tmp_path)
    for name in "ab":
        write_nwb(workflow / f"data/{name}.nwb")
    workflow.sessions("one nwb data/*.nwb")
    (workflow / "full").touch()  # as if the disk were, for one of them
    program = workflow / "scripts/summarize_probe.py"
    fails = (
        'import sys\nfrom os import listdir\nif "/b/" in sys.argv[1] and "full" in listdir():\n'
        '    sys.exit("OSError: No space left on device")\n'
    )
    program.write_text(program.read_text().replace("from", f"{fails}from", 1))
    run = workflow.run(code=1)
    reason = "summarize_probe failed: OSError: No space left on device"
    log = "results/logs/summarize_probe/one/b.log"
    _, _, end = run.output.rpartition("Not all is done")
    assert f"one/b: {reason}; see {log}" in end
    assert "1 probe complete, 1 incomplete" in end
    page = (workflow / "results/index.html").read_text()
    assert reason in page
    assert log in page
    assert (workflow / "results/one/probes/a/thumbnail.png").is_file()
    (workflow / "full").unlink()
    workflow.run()
    assert (workflow / "results/one/probes/b/thumbnail.png").is_file()
    assert reason not in (workflow / "results/index.html").read_text()
