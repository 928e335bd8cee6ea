"""What numba compiles of the viewers' library is ready before a viewer is started."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from lfpscope.references.index import index_recording
from lfpscope.summary.probe import summarize_probe
from lfpscope.viewer.compiled import compile_loops
from lfpscope.viewer.script import copy_library

ZOOM = """
import os
from pathlib import Path
os.chdir({results!r})
import sys
sys.path.insert(0, {results!r})
from dataclasses import replace
from lfpscope.envelope.read import OpenProbe
from lfpscope.references.open import open_references
from lfpscope.viewer.picture import draw_probe
from lfpscope.viewer.view_state import MODES, State

for probe in ("floats", "counts"):
    folder = Path("one/probes", probe)
    with OpenProbe(open_references(folder / "lfp.json"), folder / "envelope.zarr.zip") as opened:
        for start, stop in ((10, 18), (11, 17), (12, 12.5)):
            state = State(start, stop, 100.0, probes=(probe,))
            for mode in MODES:
                draw_probe(opened, state.drawn_as(mode), 300, 200)
        draw_probe(opened, replace(state, transform="median 20-80Hz"), 300, 200)
"""


def make_results(folder: Path, write_nwb: Callable[..., Path]) -> None:
    """Write results of two probes, one with samples as volts and one with counts."""
    write_nwb(folder / "floats.nwb", samples=10_000)
    with h5py.File(write_nwb(folder / "counts.nwb", samples=10_000), "r+") as file:
        series = file["acquisition/LFP/lfp"]
        counts = (series["data"][:] / 1e-6).astype("int16")
        del series["data"]
        data = series.create_dataset("data", data=counts, chunks=(1000, 1), compression="gzip")
        data.attrs["conversion"] = 1e-6
    for name in ("floats", "counts"):
        probe = folder / "one/probes" / name
        probe.mkdir(parents=True)
        index_recording(str(folder / f"{name}.nwb"), probe / "lfp.json", session="one", probe=name)
        outputs = {"envelope": probe / "envelope.zarr.zip", "channels": probe / "channels.csv"}
        summarize_probe(probe / "lfp.json", **outputs)
    (folder / "one/probes/broken").mkdir()
    (folder / "one/probes/broken/envelope.zarr.zip").write_text("no zip file")


def compiled_loops(library: Path) -> set[tuple[str, int]]:
    """Return the files in which numba keeps what it has compiled, with their times."""
    return {(str(one), one.stat().st_mtime_ns) for one in library.rglob("*.nb?")}


@pytest.mark.slow
def test_a_viewer_compiles_nothing(
    tmp_path: Path, write_nwb: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    make_results(tmp_path, write_nwb)
    copy_library(tmp_path / "lfpscope")
    compile_loops(tmp_path, compiled=tmp_path / "lfpscope/COMPILED")
    drawn = "one/probes/counts: <i2\none/probes/floats: <f4\n"
    assert (tmp_path / "lfpscope/COMPILED").read_text() == drawn
    assert drawn in capfd.readouterr().out
    before = compiled_loops(tmp_path / "lfpscope")
    zoom = ZOOM.format(results=str(tmp_path))
    subprocess.run([sys.executable, "-c", zoom], cwd=tmp_path, check=True)
    assert before
    assert compiled_loops(tmp_path / "lfpscope") == before
