"""A batch of sessions with two bad files among them: what is done, what is said, what is shown."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lfpscope.sources import demo

pytestmark = pytest.mark.workflow

SESSIONS = [f"mouse-{number:02}" for number in range(1, 13)]
CORRUPT, MISSING = "mouse-04", "mouse-09"
# these recordings do not need two processors each
QUICK = ("--set-threads", "summarize_probe=1")


@pytest.fixture(scope="module")
def batch(bare, tmp_path_factory):
    """12 sessions of 2 short probes, run; one file is corrupt, one is not where it should be."""
    batch = bare.copy(tmp_path_factory.mktemp("batch"))
    probes = {}
    for name, probe in zip("ab", demo.demo_probes("demo-2"), strict=True):
        recipe = replace(demo._recipe("demo-2", probe), n_samples=10_000, chunk=2_500, gap=None)
        demo.write_nwb("demo-2", probe, recipe, batch / f"{name}.nwb")
        probes[name] = (batch / f"{name}.nwb").read_bytes()
    for session in SESSIONS:
        (batch / f"data/{session}").mkdir(parents=True)
        for name, content in probes.items():
            (batch / f"data/{session}/{name}.nwb").write_bytes(content)
    (batch / f"data/{CORRUPT}/b.nwb").write_bytes(probes["b"][: len(probes["b"]) // 2])
    (batch / f"data/{MISSING}/b.nwb").unlink()
    (batch / f"data/{MISSING}/b.nwb").symlink_to("../not/fetched.nwb")
    batch.sessions(*(f"{session} nwb data/{session}/*.nwb" for session in SESSIONS))
    (batch / "output.txt").write_text(batch.run(*QUICK, code=1, seconds=1800).output)
    return batch


def checksums(folder: Path) -> dict[str, str]:
    """Return a checksum of every file that is made from the recordings."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".csv", ".json", ".png", ".zip"}
    }


def test_all_others_are_done(batch):
    results = batch / "results"
    assert len(list(results.glob("*/probes/*/thumbnail.png"))) == 22
    assert len(list(results.glob("*/overview.png"))) == 12
    assert len(list(results.glob("*/viewer.py"))) == 12


def test_both_reasons_stand_at_the_end(batch):
    output = (batch / "output.txt").read_text()
    end = output[output.rindex("Not all is done") - 2000 :]
    assert f"{CORRUPT}/b: unreadable: data/{CORRUPT}/b.nwb: truncated" in end
    assert f"{MISSING}/b: unreadable: data/{MISSING}/b.nwb: no such file" in end


def test_gallery_shows_both(batch):
    page = (batch / "results/index.html").read_text()
    assert page.count('class="card"') == 24
    assert page.count('loading="lazy"') == 22
    assert "12 sessions · 22 probes of LFP" in page
    assert "2 probes not whole" in page
    for session in (CORRUPT, MISSING):
        assert page.count(f"unreadable: data/{session}/b.nwb") >= 2  # in the table, on the card
    probes = json.loads((batch / "results/run.json").read_text())["probes"]
    assert len(probes) == 24
    assert {probe["session"] for probe in probes if probe["problem"]} == {CORRUPT, MISSING}
    assert all(probe["bytes"]["crc32"] for probe in probes if not probe["problem"])


def test_same_sources_give_the_same_bytes_elsewhere(batch):
    batch.run("--config", "results=elsewhere", *QUICK, code=1, seconds=1800)
    made = checksums(batch / "elsewhere")
    assert len([name for name in made if name.endswith("envelope.zarr.zip")]) == 22
    assert made == checksums(batch / "results")


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
    program.write_text(program.read_text().replace("from pathlib", f"{fails}from pathlib", 1))
    run = workflow.run(code=1)
    reason = "summarize_probe failed: OSError: No space left on device"
    log = "logs/summarize_probe/one/b.log"
    assert f"one/b: {reason}; see {log}" in run.output
    page = (workflow / "results/index.html").read_text()
    assert reason in page
    assert log in page
    assert (workflow / "results/one/probes/a/thumbnail.png").is_file()
    (workflow / "full").unlink()
    workflow.run()
    assert (workflow / "results/one/probes/b/thumbnail.png").is_file()
    assert reason not in (workflow / "results/index.html").read_text()
