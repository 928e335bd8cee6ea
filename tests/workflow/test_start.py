"""What cannot work ends in one line at the start; what should work anywhere does."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow


def last_line(output: str) -> str:
    assert "Traceback" not in output, output
    return output.rstrip().splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "index_probe"], "error: --until does not reach what is known only once"),
        (["-U", "index_probe"], "error: -U does not reach what is known only once"),
        (["--batch", "all=1/2"], "error: --batch does not reach what is known only once"),
        (["--batch=all=1/2"], "error: --batch does not reach what is known only once"),
        (["--sdm", "conda"], "error: --software-deployment-method conda: rules run in"),
        (["--sdm", "apptainer"], "error: --software-deployment-method apptainer: rules run in"),
    ],
)
def test_what_would_end_in_silence_or_a_traceback_is_refused(bare, arguments, message):
    run = bare.run(*arguments, code=1)
    assert last_line(run.output).startswith(message)
    assert not run.jobs


def test_windows_is_refused(bare):
    start = (
        "import snakemake.cli, platform; platform.system = lambda: 'Windows'; "
        "snakemake.cli.main(['-n', '-c1'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=bare.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "error: lfpscope runs on Linux and macOS. On Windows run it in WSL." in done.stderr


def test_a_snakemake_without_our_packages_says_how_to_get_them(bare):
    """Snakemake of an environment that has nothing but it: ours, with some packages hidden."""
    hidden = "cyclopts", "h5py", "numba"
    start = (
        "import sys, importlib.machinery as m; find = m.PathFinder.find_spec\n"
        f"hide = lambda name, *more: None if name in {hidden} else find(name, *more)\n"
        "m.PathFinder.find_spec = hide\n"
        "import snakemake.cli; snakemake.cli.main(['-n', '--cores', '1'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=bare.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert last_line(done.stderr) == (
        f"error: {sys.executable}: packages are missing here (cyclopts, h5py, numba). Run "
        "`uv run snakemake`, or install them: `pip install -r envs/pipeline.txt`."
    )


def test_slurm_without_sbatch_fails_at_once(bare, tmp_path, monkeypatch):
    """The plugin would wait for an answer that never comes."""
    for program in Path("/usr/bin").iterdir():
        if program.name != "sbatch":
            (tmp_path / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{tmp_path}")
    run = bare.run("index", "--profile", "profiles/slurm", code=1, seconds=120)
    assert "executor slurm: there is no `sbatch` here. Run it on a login node" in run.output
    assert not run.jobs


PLUGINS = {
    "snakemake_storage_plugin_bucket": """
from snakemake_interface_storage_plugins.storage_object import StorageObjectRead, StorageObjectWrite
from snakemake_interface_storage_plugins.storage_provider import StorageProviderBase


class StorageObject(StorageObjectRead, StorageObjectWrite):
    pass


class StorageProvider(StorageProviderBase):
    pass


StorageProvider.__abstractmethods__ = frozenset()  # it is refused before any of them is called
""",
    "snakemake_executor_plugin_cloud": """
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor as Executor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(
    non_local_exec=True, implies_no_shared_fs=True, job_deploy_sources=True
)
""",
}
"""As Snakemake finds them: none is installed here that has no disk of its own."""


STORAGE = "--default-storage-provider", "bucket", "--default-storage-prefix", "bucket://b"


@pytest.mark.parametrize("executor", [(), ("--executor", "cloud", "--jobs", "2")])
def test_storage_that_is_no_disk_is_refused(bare, tmp_path, monkeypatch, executor):
    """Before the first run and before the second; executors without a common disk ask for it."""
    for name, code in PLUGINS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = bare.run("index", *executor, *STORAGE, code=1)
    assert last_line(run.output).startswith(
        "error: --default-storage-provider bucket: results lie on a disk that all jobs see."
    )
    assert not run.jobs


def test_without_a_folder_of_configuration(bare, write_nwb, tmp_path):
    """All defaults are known: a table of sessions is enough."""
    write_nwb(tmp_path / "a.nwb")
    (tmp_path / "s.tsv").write_text("session\tsource\tlocation\none\tnwb\ta.nwb\n")
    bare.run("index", "--directory", str(tmp_path), "--config", "sessions=s.tsv")
    assert (tmp_path / "results/one/session.json").is_file()


HOST = """
configfile: "host.yaml"


module lfpscope:
    snakefile: "clone/Snakefile"
    config: config["lfpscope"]
    prefix: "ephys"


use rule * from lfpscope as lfp_*


rule analysis:
    input: "ephys/out/complete.txt"
    output: "analysis.txt"
    shell: "cp {input} {output}"
"""


def test_as_a_module_of_another_workflow(bare, write_nwb, tmp_path):
    write_nwb(tmp_path / "a.nwb")
    (tmp_path / "s.tsv").write_text("session\tsource\tlocation\none\tnwb\ta.nwb\n")
    bare.copy(tmp_path / "clone")
    (tmp_path / "Snakefile").write_text(HOST)
    (tmp_path / "host.yaml").write_text("lfpscope: {sessions: s.tsv, results: out}\nother: 1\n")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "analysis"]
    for said in ("lfp_write_viewer", "Nothing to be done"):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout + done.stderr
    assert (tmp_path / "analysis.txt").read_text().startswith("1 probe complete")
    assert (tmp_path / "ephys/out/one/viewer.py").is_file()
    assert (tmp_path / "ephys/out/logs/draw_probe/one/a.log").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("a.nwb", "s.tsv", "Snakefile", "host.yaml", "analysis.txt", "ephys", "clone"),
        ".snakemake",
    }
