"""The demo's responses stand at their true depth, time and sign."""

import numpy as np
import pytest
import xarray as xr

import lfpscope
from lfpscope.evoked.averages import average_intervals
from lfpscope.evoked.files import write_evoked
from lfpscope.evoked.kinds import choose_kinds
from lfpscope.nwb.intervals import intervals_in_file
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.signals import csd
from lfpscope.sources.demo.nwb_writer import make_probe

pytestmark = pytest.mark.slow

SESSION, PROBE = "demo-1", "100000011"
PIA, CORTEX = 3420, 920  # µm above the tip; thickness
LAYER_4 = PIA - 0.42 * CORTEX
LGD = (600 + 1160) / 2


@pytest.fixture(scope="module")
def evoked(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    folder = tmp_path_factory.mktemp("demo")
    nwb = folder / "probe.nwb"
    make_probe(SESSION, PROBE, nwb)
    series = f"acquisition/probe_{PROBE}_lfp/probe_{PROBE}_lfp_data"
    index_recording(str(nwb), folder / "lfp.json", session=SESSION, probe=PROBE, series=series)
    references = open_references(folder / "lfp.json")
    (tables, remarks) = intervals_in_file(str(nwb))
    assert remarks == []
    rows = [
        {"start": repr(start), "stop": repr(stop), "name": name, "table": table.table}
        for table in tables
        for start, stop, name in zip(
            table.start.tolist(), table.stop.tolist(), table.names, strict=True
        )
    ]
    kinds = choose_kinds(rows).kinds
    write_evoked(folder / "evoked.zarr.zip", average_intervals(references, kinds), references)
    return lfpscope.open_evoked(folder)


def test_kinds_trials_and_coordinates(evoked: xr.Dataset) -> None:
    assert evoked.kind.values.tolist() == ["flashes", "drifting_gratings"]
    assert evoked["n"].values[:, 0].tolist() == [20, 16]
    assert evoked["duration"].values.tolist() == [0.25, 2.0]
    assert evoked["dropped"].sum() == 0
    assert set(evoked.area.values[evoked.depth > PIA]) == {"root"}
    assert evoked.attrs == {"session": SESSION, "probe": PROBE}


@pytest.mark.parametrize("kind", ["flashes", "drifting_gratings"])
def test_layer_4_is_a_sink_after_60_ms(evoked: xr.Dataset, kind: str) -> None:
    one = evoked.sel(kind=kind)
    mean = one["mean"] - one.baseline
    cortex = (one.depth > PIA - CORTEX) & (one.depth < PIA)
    soon = slice(0, 0.1)
    largest = np.abs(mean).where(cortex).sel(time=soon).argmax(["channel", "time"])
    assert abs(float(one.depth[largest["channel"]]) - LAYER_4) <= 40
    assert abs(float(one.time.sel(time=soon)[largest["time"]]) - 0.06) <= 0.005
    assert mean.sel(time=soon)[largest] < 0
    density = csd(mean, column=one.across, bad=mean.std("time") == 0)
    deepest = density.where(cortex).sel(time=soon).argmin(["channel", "time"])
    assert abs(float(one.depth[deepest["channel"]]) - LAYER_4) <= 40
    assert abs(float(one.time.sel(time=soon)[deepest["time"]]) - 0.06) <= 0.01
    # the profile is a tent of −230 µV between −60 and −70 µV, 184 µm below and above
    slopes = (-60 + 230) / 184 + (230 - 70) / 184  # µV per µm
    strength = {"flashes": 1.0, "drifting_gratings": 0.65}[kind]
    expected = -0.3 * strength * slopes / 40 * 1e6  # A/m³, over the step of the contacts
    assert 0.5 < float(density.sel(time=soon)[deepest]) / expected < 1.3


def test_lgd_answers_20_ms_earlier(evoked: xr.Dataset) -> None:
    one = evoked.sel(kind="flashes")
    mean = (one["mean"] - one.baseline).where(one.area == "LGd").sel(time=slice(0, 0.1))
    lowest = mean.argmin(["channel", "time"])
    assert abs(float(one.depth[lowest["channel"]]) - LGD) <= 80
    assert abs(float(mean.time[lowest["time"]]) - 0.04) <= 0.005
    assert -80e-6 < float(mean[lowest]) < -30e-6
