"""The examples of README.md and the tutorial run, and give what the text says."""

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpscope.evoked.probe import average_intervals
from lfpscope.nwb.intervals import list_intervals
from lfpscope.periods.find import find_periods
from lfpscope.references.combine import combine_references
from lfpscope.references.index import index_recording
from lfpscope.sources.demo.nwb_writer import make_probe
from lfpscope.summary.probe import summarize_probe

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SESSION, PROBE = "demo-1", "100000011"
SERIES = f"acquisition/probe_{PROBE}_lfp/probe_{PROBE}_lfp_data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``results/demo-1`` as a run leaves it, but one probe."""
    folder = tmp_path_factory.mktemp("demo")
    session = folder / "results" / SESSION
    probe, nwb = session / "probes" / PROBE, folder / "probe.nwb"
    probe.mkdir(parents=True)
    make_probe(SESSION, PROBE, nwb)
    references, envelope = probe / "lfp.json", probe / "envelope.zarr.zip"
    index_recording(str(nwb), references, session=SESSION, probe=PROBE, series=SERIES)
    combine_references([references], session / "session.json", session=SESSION)
    tables = {"channels": probe / "channels.csv", "spectrum": probe / "spectrum.zarr.zip"}
    summarize_probe(references, envelope=envelope, **tables)
    list_intervals(str(nwb), intervals=session / "intervals.csv")
    made = {"evoked": probe / "evoked.zarr.zip", "responses": probe / "evoked.csv"}
    periods = probe / "periods.csv"
    find_periods(references, envelope, tables["channels"], periods=periods)
    average_intervals(references, envelope, session / "intervals.csv", periods, **made)
    return folder


def run_examples(document: Path) -> dict[str, Any]:
    """Run all Python of a document, one block after the other; give what it has named."""
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", document.read_text(), re.DOTALL | re.M):
        exec(compile(block, str(document), "exec"), names)  # noqa: S102 - our own
    return names


def test_the_first_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    names = run_examples(ROOT / "README.md")
    assert set(names["ca1"].area.values) == {"CA1"}
    assert names["density"].attrs["units"] == "A m-3"
    assert names["spectrum"].psd.dims == ("channel", "frequency")


def test_the_tutorial(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    names = run_examples(ROOT / "scripts/TUTORIAL.md")
    trials, left_out, answer = capsys.readouterr().out.splitlines()
    assert trials == "19 trials"  # one touches an artefact
    assert left_out == "left out: [2820.] µm"  # the demo's dead contact
    below, after = map(int, re.findall(r"\d+", answer))
    assert abs(below - 0.42 * 920) <= 40  # where the demo has layer 4
    assert abs(after - 60) <= 10
    assert set(names["visual"].area.values) == {"VISp"}
    times = names["flash"].time.values
    assert times.min() >= 43
    assert times.max() <= 43.25
    assert not np.isnan(names["visual"].compute()).any()
    for picture in ("flash.png", "layers.png"):
        assert (folder / picture).stat().st_size > 10_000
    with h5py.File(folder / "probe.nwb") as nwb:  # from the last sample before 40 s to 60 s
        times = nwb[f"{SERIES}/timestamps"][()]
    first, stop = np.searchsorted(times, 40.0, "right") - 1, np.searchsorted(times, 60.0)
    assert names["raw"].get_data().shape == (93, stop - first)
