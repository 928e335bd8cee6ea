"""Sessions whose files stay on a server: the same results as from the disk."""

import re
from pathlib import Path

import pytest
from serving import serve, serve_bucket

from lfpscope.formatting import bytes_text

pytestmark = pytest.mark.workflow

SAME = ("*.png", "channels.csv", "envelope.zarr.zip")


def contents(results: Path) -> dict[str, bytes]:
    found = [path for pattern in SAME for path in results.rglob(pattern)]
    return {str(path.relative_to(results)): path.read_bytes() for path in found}


SECRETS = re.compile(b"AKIASOMEBODY|verysecret|X-Amz-[A-Z]|/signed/")


def test_same_results_as_from_the_disk(workflow, write_nwb, monkeypatch):
    write_nwb(workflow / "data/a.nwb")
    own = write_nwb(workflow / "data/b.nwb", channels=3, seed=1)
    workflow.sessions("one nwb data/*.nwb")
    workflow.run("--config", "results=here")
    with serve(workflow / "data") as served, serve_bucket({"b.nwb": (own, "private")}) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASOMEBODY")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
        table = workflow / "config/sessions.tsv"
        location = f"{served.address}/moved/a.nwb s3://lab/b.nwb"  # to a signed address, and signed
        table.write_text(f"session\tsource\tlocation\none\tnwb\t{location}\n")
        workflow.run("--config", "results=there")
    assert len(contents(workflow / "there")) == 19
    assert contents(workflow / "there") == contents(workflow / "here")
    written = [path for path in workflow.folder.rglob("*") if path.is_file()]
    assert not [path for path in written if SECRETS.search(path.read_bytes())]

    again = workflow.run("--config", "results=there", "--dry-run")
    assert not again.rules  # nothing is asked of a server that is gone


def test_a_file_that_is_to_be_kept_is_fetched_once(workflow, write_nwb):
    size = write_nwb(workflow / "data/a.nwb").stat().st_size
    table = workflow / "config/sessions.tsv"
    keep = ["--config", "keep=true"]
    with serve(workflow / "data") as served:
        location = f"{served.address}/a.nwb"
        table.write_text(f"session\tsource\tlocation\none\tnwb\t{location}\n")
        plan = workflow.run("plan", *keep).output
        assert f"one 1 0 1 file, {bytes_text(size)} 0 bytes –" in " ".join(plan.split())
        assert "Done. The log" in plan  # no gallery is there to be seen
        workflow.run("index", *keep)
        (kept,) = (workflow / "resources/http").rglob("*.nwb")
        assert kept.read_bytes() == (workflow / "data/a.nwb").read_bytes()
    # the server is gone
    workflow.run("results/one/probes/a/channels.csv", "results/one/intervals.csv", *keep)


def test_a_server_that_is_gone_is_a_row(workflow, write_nwb):
    write_nwb(workflow / "a.nwb")
    with serve(workflow / "") as served:
        pass
    table = workflow / "config/sessions.tsv"
    table.write_text(
        f"session\tsource\tlocation\nfar\tnwb\t{served.address}/a.nwb\nnear\tnwb\ta.nwb\n"
    )
    run = workflow.run(code=1, seconds=120)
    assert (workflow / "results/near/overview.png").is_file()
    assert "did not come in 5 tries" in run.output
    assert "The next run tries again." in run.output
    assert "list_session far" in workflow.run("-n").jobs
