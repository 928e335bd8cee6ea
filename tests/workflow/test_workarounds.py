"""What Snakemake does without the tricks of rules/workarounds.smk.

A test that fails says that a trick is no longer needed, or no longer does anything.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow

COPY = """
rule b:
    input: "a.txt"
    output: "b.txt"
    shell: "cp {input} {output}"
rule a:
    output: "a.txt"
    shell: "echo a > {output}"
"""


def snakemake(folder: Path, text: str, *arguments: str, code: int = 0, **more: str) -> str:
    """Run a workflow; return what is printed."""
    (folder / "Snakefile").write_text(text)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **more},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def test_collect_garbage_rarely(tmp_path):
    text = "import gc\nprint('garbage', gc.get_freeze_count(), gc.get_threshold()[0] < 50_000)\n"
    assert "garbage 0 True" in snakemake(tmp_path, text + COPY, "-n")


def test_use_own_python(tmp_path):
    text = 'rule a:\n    output: "a"\n    shell: "(python -V && which python) > {output} || true"\n'
    snakemake(tmp_path, text, PATH="/usr/bin:/bin")
    assert str(Path(sys.executable).parent) not in (tmp_path / "a").read_text()


def test_take_prefix(tmp_path):
    """A program beside the module's rules is looked for below the prefix."""
    (tmp_path / "program.py").touch()
    (tmp_path / "inner.smk").write_text(
        COPY.replace('"a.txt"\n    shell: "e', '"a.txt"\n    input: "program.py"\n    shell: "e')
    )
    host = 'module m:\n    snakefile: "inner.smk"\n    prefix: "p"\nuse rule * from m\n'
    output = snakemake(tmp_path, host, "-n", "p/b.txt", code=1)
    assert "p/program.py" in output


def test_start_without_pace(tmp_path):
    text = "onstart:\n    print('limiter', workflow.scheduler.job_rate_limiter)\n"
    output = snakemake(tmp_path, COPY + text)
    assert "limiter <" in output


def test_name_environment(tmp_path):
    assert "Specify a conda environment or container" in snakemake(tmp_path, COPY, "--lint", code=1)


def test_library(tmp_path):
    """A module that a program imports may change, and nothing runs again."""
    (tmp_path / "program.py").write_text("import module\n")
    (tmp_path / "module.py").touch()
    text = (
        'rule a:\n    input: "program.py"\n    output: "a"\n'
        '    shell: "python {input} > {output}"\n'
    )
    snakemake(tmp_path, text)
    (tmp_path / "module.py").write_text("print(1)\n")
    assert "Nothing to be done" in snakemake(tmp_path, text, "-n")


def test_files_that_are_gone(tmp_path):
    """A file that is missing is not made again as long as its product is there."""
    snakemake(tmp_path, COPY)
    (tmp_path / "a.txt").unlink()
    assert "Nothing to be done" in snakemake(tmp_path, COPY, "-n")


def test_no_ancient_library(tmp_path):
    """Behind an ancient input that is made again, changed params are not seen."""
    text = """
rule last:
    input: "seen.txt"
    params: "{0}"
    output: "last.txt"
    shell: "echo {{params}} > {{output}}"
rule see:
    input: ancient("library.txt")
    output: "seen.txt"
    shell: "echo > {{output}}"
rule library:
    params: "{0}"
    output: "library.txt"
    shell: "echo {{params}} > {{output}}"
rule all:
    default_target: True
    input: "last.txt", "library.txt"
"""
    snakemake(tmp_path, text.format("one"))
    output = snakemake(tmp_path, text.format("two"), "-n")
    assert "rule library:" in output
    assert "rule last:" not in output
