"""What does not fit is named in one line, before any job runs."""

import pytest

pytestmark = pytest.mark.workflow

HEADER = "session\tsource\tlocation\n"


def error(output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, output
    assert "Traceback" not in output
    return lines[0]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sesions=x.tsv", "configuration: unknown key sesions in it; known are sessions, "),
        ("sessions=nope.tsv", "nope.tsv: no such file"),
        ("keep=maybe", "configuration: keep is 'maybe'; expected true or false"),
        ("results=a{b", "configuration: results is 'a{b'; expected a path"),
        ("summary={bukket: 64}", "configuration: unknown key bukket in summary; known are bucket"),
        ("allen={host: x}", "configuration: one of allen.scheme and allen.host is missing"),
        ("allen={scheme: ftp}", "configuration: allen.scheme is 'ftp'; expected http or https"),
        ("download={tries: 0}", "configuration: download.tries is 0; expected a whole number"),
        ("allen={tries: 3}", "configuration: allen.tries is download.tries now"),
        ("summary={bucket: 3}", "configuration: summary.bucket is 3; expected a whole"),
        ("verify={chunks: 0}", "configuration: verify.chunks is '0'; expected a whole number"),
        ("verify={chunks: some}", "configuration: verify.chunks is 'some'; expected a whole"),
        ("results=s3://lab/x", "configuration: results is 's3://lab/x'; expected a path on a disk"),
        ("sessions=data/a.nwb", "expected a table of sessions, found the path of recordings"),
    ],
)
def test_wrong_setting(bare, setting, message):
    run = bare.run("--config", setting, code=1)
    assert message in error(run.output)
    assert not run.jobs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"results: results\n  cache: x\n", "line 2: not YAML: mapping values are not allowed"),
        (b"results: \xff\n", "not YAML: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_settings_that_are_no_yaml(workflow, content, message):
    (workflow / "config/config.yaml").write_bytes(content)
    run = workflow.run("-n", code=1)
    assert error(run.output).startswith("error: config/config.yaml")
    assert message in error(run.output)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (HEADER + "a/b\tnwb\tx.nwb\n", "line 2: session is 'a/b'; expected an id"),
        (HEADER + "# why\n\ndemo-1\tdemo\ndemo-1\tdemo\n", "line 5: session 'demo-1' is already"),
        ("session\tsource\tplace\na\tnwb\tx.nwb\n", "unknown column 'place'"),
        ("session\tlocation\na\tx.nwb\n", "no column `source`"),
    ],
)
def test_malformed_table(bare, tmp_path, table, message):
    path = tmp_path / "mine.tsv"
    path.write_text(table)
    run = bare.run("--config", f"sessions={path}", code=1)
    assert error(run.output).startswith(f"error: {path}")
    assert message in error(run.output)
    assert not run.jobs


def test_a_probe_that_is_not_there(bare):
    run = bare.run("-n", "results/nobody/probes/1/lfp.json", code=1)
    assert "results/nobody/probes/1/lfp.json" in run.output


def test_settings_in_a_file_of_ones_own(bare, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("results: elsewhere\n")
    run = bare.run("-n", "--configfile", str(path), "--config", "summary={bucket: 64}")
    assert "elsewhere/probes.tsv" in run.output


def test_paths_that_look_like_numbers_stay_as_typed(bare, tmp_path):
    (tmp_path / "007").write_text(HEADER + "demo-1\tdemo\n")
    settings = ["--config", "sessions=007", "results=2026_11_24", "allen={mirror: null}"]
    run = bare.run("-n", *settings, folder=tmp_path)
    assert "2026_11_24/demo-1/probes.tsv" in run.output


def test_settings_are_optional(workflow):
    (workflow / "config/config.yaml").unlink()
    assert "list_session demo-1" in workflow.run("-n").jobs
