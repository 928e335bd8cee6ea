"""CSD and derivative over depth of a recording: those of its samples, live and complete."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import recorded

from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.transformed import SummarisedView, TransformedProbe, transformed
from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.signals import bandpass, csd
from lfpscope.signals.transform import parse_transform
from lfpscope.summary.view import build_view, transform_probe
from lfpscope.viewer.picture import draw_probe
from lfpscope.viewer.readout import read_values
from lfpscope.viewer.view_state import SIGNED, TRACES, State

Data = npt.NDArray[Any]
N, SPLIT = 30_000, 20_000
STEP = 0.195e-6  # V
DEPTH = np.array([80.0, 0, 20, 40, np.nan, 60, 120])  # µm
ORDER = [1, 2, 3, 5, 0, 6]  # from the lowest up
LOWEST, HIGHEST, WITHOUT = 1, 6, 4
NOBODY = np.zeros(DEPTH.size, np.bool_)
AXIS = DepthAxis("probe_vertical_position", "distance from the tip (µm)")


def with_contacts(probe: OpenProbe, axis: DepthAxis | None = AXIS, **columns: Data) -> OpenProbe:
    """Say where the contacts of a probe stand."""
    known = {"depth": DEPTH, **columns} if axis else {}
    probe.references = replace(
        probe.references, channels=Channels(probe.references.channels.id, known, axis)
    )
    return probe


def recording(folder: Path, data: Data) -> OpenProbe:
    folder.mkdir(parents=True)
    times = np.arange(data.shape[0]) / recorded.RATE
    times[SPLIT:] += 2.0  # two segments
    return recorded.probe(recorded.index(folder, data, chunks=(4321, 2), times=times))


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> OpenProbe:
    data = recorded.walk(N, DEPTH.size, step=STEP).astype(np.float32)
    data[12_000:12_005, 3] = np.nan
    folder = tmp_path_factory.mktemp("over_depth") / "session/probes/probe"
    return with_contacts(recording(folder, data))


def stored(probe: OpenProbe) -> Data:
    with h5py.File(probe.references.address) as file:
        return file[f"{recorded.SERIES}/data"][()].T.astype(np.float64)


def live(probe: OpenProbe, text: str, marked: Data = NOBODY) -> TransformedProbe:
    return TransformedProbe(probe, parse_transform(text), marked)


def values(probe: OpenProbe, first: int = 0, stop: int = N) -> Data:
    return probe.volts(probe.samples(first, stop))


def assert_within_a_step(found: Data, expected: Data, step: Data) -> None:
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    assert np.nanmax(np.abs(found - expected) / step[:, np.newaxis]) <= 0.5001


def test_csd_is_that_of_the_file(probe: OpenProbe) -> None:
    found, expected = live(probe, "csd"), csd(stored(probe), DEPTH)
    assert_within_a_step(values(found), expected, found.references.scale)
    assert np.isnan(values(found)[[LOWEST, HIGHEST, WITHOUT]]).all()
    # of equal distances they are whole counts: nothing is rounded
    counts = expected[[2, 3, 5]] / found.references.scale[[2, 3, 5], np.newaxis]
    assert np.nanmax(np.abs(counts - np.rint(counts))) < 1e-3  # float32
    np.testing.assert_array_equal(values(found)[:, 5_000:6_000], values(found, 5_000, 6_000))


def test_a_derivative_is_that_of_numpy(probe: OpenProbe) -> None:
    found, expected = live(probe, "derivative"), np.full((DEPTH.size, N), np.nan)
    gradient = np.gradient(stored(probe)[ORDER], DEPTH[ORDER] * 1e-6, axis=0)
    expected[ORDER[1:-1]] = gradient[1:-1]
    assert_within_a_step(values(found), expected, found.references.scale)


def test_depths_computed_in_another_way_are_the_same(tmp_path: Path) -> None:
    """3 · 0.1 mm is not 300 µm, in the last bit: no contacts are a femtometre apart."""
    depth = np.repeat(np.arange(1, 8) * 0.1, 2) * 1000
    depth[::2] = depth[::2].round()
    assert np.unique(depth).size > 5
    data = recorded.walk(3_000, depth.size, step=STEP).astype(np.float32)
    references = recorded.index(tmp_path, data, chunks=(3_000, 1))
    with recorded.probe(references) as one:
        for text in ("csd", "derivative"):
            found = values(live(with_contacts(one, depth=depth), text, NOBODY[:1]), 0, 3_000)
            exact = values(
                live(with_contacts(one, depth=depth.round()), text, NOBODY[:1]), 0, 3_000
            )
            np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-12)
            assert np.isfinite(found[2:6]).all()


def test_bad_channels_are_left_out_and_named(probe: OpenProbe) -> None:
    marked = np.arange(DEPTH.size) == 5
    found, expected = live(probe, "csd", marked), csd(stored(probe), DEPTH, bad=marked)
    assert_within_a_step(values(found), expected, found.references.scale)
    assert found.description == (
        "csd · −σ ∂²φ/∂z², σ = 0.3 S/m, contacts 20 to 40 µm apart in 1 column · "
        "2 channels left out · 2 channels at ends of columns empty"
    )
    assert found.made_of["bad"] == [WITHOUT, 5]


def test_a_band_of_the_csd_is_the_csd_of_the_band(probe: OpenProbe) -> None:
    found = live(probe, "csd 30-80Hz")
    parts = [
        bandpass(csd(part, DEPTH), recorded.RATE, 30.0, 80.0)
        for part in np.split(stored(probe), [SPLIT], axis=1)
    ]
    expected = np.concatenate(parts, axis=1)
    half = found.uncertain
    beside = np.zeros(N, np.bool_)
    beside[12_000 - half : 12_005 + half] = True
    expected[np.ix_([2, 3, 5], beside)] = np.nan
    assert_within_a_step(values(found), expected, found.references.scale)


@pytest.mark.parametrize("is_downward", [False, True])
def test_of_a_parabola(tmp_path: Path, *, is_downward: bool) -> None:
    a, wave = 1e6, np.sin(np.arange(N) / 100)
    z = (np.nan_to_num(DEPTH) + 30) * 1e-6  # no channel is flat
    made = recording(tmp_path / "session/probes/probe", np.outer(wave, a * z**2))
    with with_contacts(made, replace(AXIS, is_downward=is_downward)) as parabola:
        density, slope = live(parabola, "csd"), live(parabola, "derivative")
        inner, up = ORDER[1:-1], -1.0 if is_downward else 1.0
        expected = np.tile(-2 * a * 0.3 * wave, (len(inner), 1))
        assert_within_a_step(values(density)[inner], expected, density.references.scale[inner])
        expected = up * np.outer(2 * a * z[inner], wave)
        assert_within_a_step(values(slope)[inner], expected, slope.references.scale[inner])


def test_the_reading_has_value_and_unit(probe: OpenProbe) -> None:
    state = State(2.0, 2.5, 1.0, probes=("probe",)).transformed("csd", "A/m³")
    reading = read_values(probe, state, 2.2, 3.5 / 7)  # the fourth row from the top: channel 3
    assert reading is not None
    assert reading.row == 3
    expected = float(csd(stored(probe), DEPTH)[3, reading.sample])
    assert reading.low == pytest.approx(expected, rel=1e-6)
    assert f"{reading.low:.3f} A/m³" in reading.text(state)
    reading = read_values(probe, replace(state, transform="csd 4-10Hz"), 2.2, 3.5 / 7)
    assert reading is not None
    assert not reading.is_uncertain
    reading = read_values(probe, replace(state, transform="csd 4-10Hz"), 15.9, 3.5 / 7)
    assert reading is not None
    assert reading.text(state).endswith("A/m³ · uncertain: end of a segment, filtered")


@pytest.mark.parametrize(
    ("text", "row", "why"),
    [
        ("csd", LOWEST, ": at the end of a column of contacts"),
        ("csd", WITHOUT, ": left out"),
        ("30-80Hz", 3, ": a sample is missing within half the filter's response"),
        ("median", 3, ""),
    ],
)
def test_why_there_is_no_number_is_said(probe: OpenProbe, text: str, row: int, why: str) -> None:
    quantity = parse_transform(text).quantity
    state = State(9.0, 10.0, 1.0, probes=("probe",)).transformed(text, quantity.unit)
    at = [6, 0, 5, 3, 2, 1, 4].index(row)  # from the top down
    reading = read_values(probe, state, 12_002 / recorded.RATE, 1 - (at + 0.5) / 7)
    assert reading is not None
    assert reading.row == row
    assert reading.text(state).endswith(f"no number{why}")


def drawn(probe: OpenProbe, text: str, mode: str) -> Data:
    state = State(0.0, 25.39, 1.0, probes=("probe",), is_auto=True).drawn_as(mode)
    quantity = parse_transform(text).quantity
    picture = draw_probe(
        probe, state.transformed(text, quantity.unit), 126, 70
    )  # 2 buckets a column
    assert picture.quantity == quantity
    return picture.pixels


@pytest.mark.parametrize("text", ["csd", "derivative 4-10Hz"])
def test_a_complete_view_is_what_is_drawn_live(
    probe: OpenProbe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = {mode: drawn(probe, text, mode) for mode in (SIGNED, TRACES)}
    asked = live(probe, text).asked_path
    asked.parent.mkdir(parents=True)
    build_view(transform_probe(probe, text, NOBODY), asked)
    assert isinstance(transformed(probe, parse_transform(text), NOBODY), SummarisedView)
    for mode, pixels in before.items():
        np.testing.assert_array_equal(drawn(probe, text, mode), pixels)
        assert np.unique(pixels).size > 2


@pytest.mark.parametrize(
    ("axis", "columns", "why"),
    [
        (None, {}, "the file has no depth"),
        (replace(AXIS, unit=""), {}, "the unit of the depth is not known"),
        (AXIS, {"across": np.arange(7) * 3.0}, "fewer than three contacts in a column"),
    ],
)
def test_what_cannot_be_computed_is_said_and_not_drawn(
    tmp_path: Path, axis: DepthAxis | None, columns: dict[str, Data], why: str
) -> None:
    data = recorded.walk(3_000, DEPTH.size, step=STEP).astype(np.float32)
    references = recorded.index(tmp_path, data, chunks=(3_000, 1))
    with with_contacts(recorded.probe(references), axis, **columns) as one:
        state = State(10.0, 11.0, 100.0, probes=("probe",)).drawn_as(SIGNED)
        asked = state.transformed("csd 4-10Hz", "A/m³").scaled(20_000.0)
        found = draw_probe(one, asked, 300, 120)
        assert found.badge() == f"AS RECORDED, not csd 4-10Hz: {why} · every sample"
        plain = draw_probe(one, replace(state, is_auto=True), 300, 120)
        assert found.quantity.unit == "µV"
        assert found.microvolts == plain.microvolts  # not 20 000 µV
        np.testing.assert_array_equal(found.pixels, plain.pixels)
