"""The pass uses no more memory than its rule asks for."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import recorded

ROOT = Path(__file__).parents[3]
THREADS = 4
MOST_MB = 600
# runs a program, then says its peak; what the system counts of a child holds the parent's memory
WATCHED = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
print(open("/proc/self/status").read())
"""


def asked_mb(references: Path) -> int:
    """What the rule asks for."""
    rules: dict[str, Any] = {"config": {"spectrum": True, "summary": {"bucket": 128}}}
    exec((ROOT / "rules/resources.smk").read_text(), rules)  # noqa: S102 - ours
    asked: int = rules["summary_memory"](None, SimpleNamespace(references=references), THREADS, 1)
    return asked


def used_mb(references: Path, folder: Path) -> float:
    """What the program takes at most."""
    outputs = {"envelope": "e.zip", "channels": "c.csv", "spectrum": "s.zip"}
    options = [f"--{name}={folder / file}" for name, file in outputs.items()]
    command = [sys.executable, "-c", WATCHED, ROOT / "scripts/summarize_probe.py", references]
    command += [*options, f"--threads={THREADS}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", done.stdout, re.MULTILINE)
    assert peak
    return int(peak[1]) * 1024 / 1e6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "dtype", "chunks", "is_usual"),
    [
        ((200_000, 384), "<i2", None, True),  # without chunks
        ((200_000, 93), "<f4", (13653, 1), True),  # as Allen's
        ((100_000, 384), "<i2", (78_125, 64), True),  # as neuroconv's
        ((10_000, 5_000), "<f4", None, True),  # thousands of channels
        ((1_000_000, 93), "<f4", (1_000_000, 1), True),  # a channel in one piece
        ((300_000, 93), "<f4", (300_000, 93), False),  # all in one piece
    ],
)
def test_memory_used_is_memory_asked_for(
    tmp_path: Path, shape: tuple[int, int], dtype: str, chunks: Any, is_usual: bool
) -> None:
    # a few samples again and again: they are soon made
    few = np.random.default_rng(0).normal(0, 100, (1000, shape[1])).astype(dtype)
    references = recorded.index(tmp_path, np.tile(few, (shape[0] // 1000, 1)), chunks=chunks)
    used = used_mb(references.file, tmp_path)
    print(shape, chunks, round(used), "of", asked_mb(references.file))
    assert used <= asked_mb(references.file)
    assert not is_usual or used <= asked_mb(references.file) <= MOST_MB


@pytest.mark.parametrize("text", ["", "{", '{"refs": {}}', '{"refs": {"lfp/.zarray": "{}"}}'])
def test_memory_of_broken_references_is_asked_for_so_that_the_job_says_why(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "lfp.json").write_text(text)
    assert asked_mb(tmp_path / "lfp.json") == MOST_MB
