"""What the demo's recipes plant is found again, where it is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lfpscope.io.tables import read_table
from lfpscope.periods.find import find_periods
from lfpscope.periods.table import Period, read_periods
from lfpscope.references.index import index_recording
from lfpscope.sources.demo import nwb_writer
from lfpscope.sources.demo.recipes import OUTSIDE
from lfpscope.sources.demo.signals import AT_RAIL, Events
from lfpscope.summary.probe import summarize_probe

pytestmark = pytest.mark.slow

SESSION, PROBE = "demo-1", "100000012"
RECIPE = nwb_writer.demo_recipe(SESSION, PROBE)
EVENTS = Events(RECIPE.session)
BUCKET_S = 0.11
BIN_S = 3.3


@dataclass(frozen=True)
class Found:
    """Rows of channels.csv, and periods."""

    channels: list[dict[str, str]]
    periods: list[Period]

    def flagged(self, flag: str) -> list[int]:
        return [i for i, row in enumerate(self.channels) if flag in row["flags"].split()]

    def labelled(self, label: str) -> list[int]:
        return [i for i, row in enumerate(self.channels) if row["label"] == label]

    def of_kind(self, kind: str) -> list[Period]:
        return [one for one in self.periods if one.kind == kind]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = tmp_path_factory.mktemp("planted")
    nwb, references = folder / "probe.nwb", folder / "lfp.json"
    nwb_writer.make_probe(SESSION, PROBE, nwb)
    series = f"acquisition/probe_{PROBE}_lfp/probe_{PROBE}_lfp_data"
    index_recording(str(nwb), references, session=SESSION, probe=PROBE, series=series)
    names = "envelope.zarr.zip", "channels.csv", "spectrum.zarr.zip", "periods.csv"
    envelope, channels, spectrum, periods = (Path(folder / name) for name in names)
    summarize_probe(references, envelope=envelope, channels=channels, spectrum=spectrum)
    find_periods(references, envelope, channels, spectrum=spectrum, periods=periods)
    return Found(list(read_table(channels)), read_periods(periods))


def test_labels(found: Found) -> None:
    outside = [i for i, area in enumerate(RECIPE.locations) if area == OUTSIDE]
    assert found.labelled("noisy") == list(RECIPE.noisy)
    # the surface lies within a contact of where it is
    assert found.labelled("outside") in (outside, outside[1:])
    assert found.labelled("dead") == found.labelled("unknown") == []


def test_flags(found: Found) -> None:
    assert found.flagged("mains") == list(RECIPE.mains)
    # four seconds at a rail are slow, too
    assert found.flagged("drifting") == sorted((*RECIPE.drifting, *RECIPE.saturated))
    assert found.flagged("saturated") == list(RECIPE.saturated)


def test_saturation(found: Found) -> None:
    (one,) = found.of_kind("saturated")
    assert (one.start, one.stop) == pytest.approx(AT_RAIL, abs=0.25)
    assert one.channels == tuple(int(found.channels[i]["channel"]) for i in RECIPE.saturated)


def test_artefacts(found: Found) -> None:
    artefacts = found.of_kind("artefact")
    assert len(artefacts) == EVENTS.movements.size
    for one, time in zip(artefacts, EVENTS.movements, strict=True):
        assert time - 0.5 - BUCKET_S < one.start < time < one.stop < time + 0.5 + BUCKET_S
        assert len(one.channels) > 0.2 * RECIPE.n_channels


def test_theta_is_there_when_the_animal_runs(found: Found) -> None:
    end = RECIPE.timestamps[-1]
    bouts = [(start, stop) for start, stop in EVENTS.bouts if start + 2 * BIN_S < end]
    thetas = found.of_kind("theta")
    assert len(thetas) == len(bouts)
    for one, (start, stop) in zip(thetas, bouts, strict=True):
        assert one.start == pytest.approx(start, abs=BIN_S)
        assert one.stop == pytest.approx(min(stop, end), abs=BIN_S)


def test_ripples(found: Found) -> None:
    planted = EVENTS.ripples
    inside = (planted > RECIPE.timestamps[0] + 0.1) & (planted < RECIPE.timestamps[-1] - 0.1)
    for one in found.of_kind("artefact"):
        inside &= (planted < one.start - 0.15) | (planted > one.stop + 0.15)
    planted, ripples = planted[inside], found.of_kind("ripple")
    recall = np.mean([any(one.start < t < one.stop for one in ripples) for t in planted])
    false = np.mean([not ((planted > one.start) & (planted < one.stop)).any() for one in ripples])
    assert recall >= 0.95
    assert false <= 0.05
    in_ca1 = {int(row["channel"]) for row in found.channels if row["area"] == "CA1"}
    assert set(ripples[0].channels) <= in_ca1
