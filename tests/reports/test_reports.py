"""What users of other tools reported, from the file to the picture.

tests/README.md has the table of kinds. Each case says what is right: what stands in the picture as
a doubt, in which order channels are drawn, what their volts and times are; or why the file is
refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import COUNT, N_CHANNELS, N_SAMPLES, PITCH, RATE, lfp, write

from lfpscope.clock.timeline import make_timeline
from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.render.overviews import draw_probe
from lfpscope.render.rows import arrange_rows
from lfpscope.render.view import read_view
from lfpscope.summary.summarize import build_envelope

pytestmark = pytest.mark.slow
VOLTS = lfp() * COUNT


@dataclass(frozen=True)
class Case:
    """A file and what is right for it.

    Attributes
    ----------
    kind, name : str
        For the table.
    make : callable
        Writes the file into a folder.
    says : tuple of str
        Words of its doubts, one entry for each doubt, in their order; of the refusal if `refused`.
    axis : str
        Title of the depth axis.
    rows : sequence of int, optional
        Channels from the top of the picture down.
    volts : ndarray, optional
        Samples as they must be read, (time, channel), V.
    span : (float, float), optional
        First and last session time on the axis, seconds; right to `accuracy`.
    """

    kind: str
    name: str
    make: Callable[[Path], Path]
    says: tuple[str, ...] = ()
    axis: str = "position along the probe (rel_y, µm)"
    rows: Any = None
    volts: Any = None
    span: tuple[float, float] | None = None
    accuracy: float = 2e-3
    refused: bool = False


UPWARD = range(N_CHANNELS)[::-1]


def micro(data: Any, factor: float) -> Any:
    return (data * factor).astype(np.float32)


UNITS = [
    Case("units", "as NWB says", write, volts=VOLTS, rows=UPWARD),
    Case(
        "units",
        "conversion is a column of gains",
        lambda f: write(f, conversion=COUNT * np.arange(1, N_CHANNELS + 1)[:, np.newaxis]),
        ("conversion has a number for each channel",),
        volts=VOLTS * np.arange(1, N_CHANNELS + 1),
    ),
    Case(
        "units",
        "conversion for three of the channels",
        lambda f: write(f, conversion=COUNT * np.ones(3)),
        ("attribute conversion has shape (3,)",),
        refused=True,
    ),
    Case(
        "units",
        "conversion is text that is no number",
        lambda f: write(f, conversion="see manual"),
        ("attribute conversion is 'see manual' (expected a finite number)",),
        refused=True,
    ),
    Case(
        "units",
        "conversion is NaN",
        lambda f: write(f, conversion=np.nan),
        ("attribute conversion is nan",),
        refused=True,
    ),
    Case(
        "units",
        "a gain that no converter has",
        lambda f: write(f, conversion=1e30),
        ("makes 1e+30 V of one stored unit",),
        refused=True,
    ),
    Case(
        "units",
        "millivolts as floats",
        lambda f: write(f, micro(VOLTS, 1e3), conversion=1.0, unit="mV"),
        ("unit 'mV'",),
    ),
    Case(
        "units",
        "microvolts, proved by their size",
        lambda f: write(f, micro(VOLTS, 1e6), conversion=1.0, unit="microvolts"),
        ("unit 'microvolts': taken as microvolts",),
        volts=VOLTS,
    ),
    Case(
        "units",
        "counts that are called volts",
        lambda f: write(f, lfp().astype(np.float32), conversion=1.0),
        ("a typical amplitude of",),
    ),
    Case(
        "units",
        "no unit that is known",
        lambda f: write(f, unit="a.u."),
        ("unit 'a.u.': taken as volts after conversion, as NWB says",),
        volts=VOLTS,
    ),
    Case(
        "units",
        "a column of gains that differ by ten",
        lambda f: write(f, electrodes={"gain_to_uV": np.full(N_CHANNELS, 1e5 * COUNT)}),
        ("electrodes column gain_to_uV contradicts the series: volts are 10 times theirs",),
        volts=VOLTS,
    ),
    Case(
        "units",
        "columns of gains and offsets that agree",
        lambda f: write(
            f,
            electrodes={
                "gain_to_uV": np.full(N_CHANNELS, 1e6 * COUNT),
                "offset_to_uV": np.zeros(N_CHANNELS),
            },
        ),
        volts=VOLTS,
    ),
]

ELECTRODES = [
    Case(
        "depth",
        "from the tip, as its column says",
        lambda f: write(
            f, electrodes={"rel_y": None, "probe_vertical_position": PITCH * np.arange(N_CHANNELS)}
        ),
        axis="distance from the tip (µm)",
        rows=UPWARD,
    ),
    Case(
        "depth",
        "below the surface, as its description says",
        lambda f: write(
            f,
            electrodes={"rel_y": None, "depth": 100.0 + PITCH * np.arange(N_CHANNELS)},
            described={"depth": "depth below the pia in micrometers"},
        ),
        axis="depth below the surface (µm)",
        rows=range(N_CHANNELS),
    ),
    Case(
        "depth",
        "the first column is constant",
        lambda f: write(
            f,
            electrodes={"rel_y": np.zeros(N_CHANNELS), "rel_z": PITCH * np.arange(N_CHANNELS)},
        ),
        ("depth is rel_z as stored",),
        axis="rel_z as stored (unit not stated)",
        rows=UPWARD,
    ),
    Case(
        "depth",
        "millimetres, as the description says",
        lambda f: write(
            f,
            electrodes={"rel_y": 1e-3 * PITCH * np.arange(N_CHANNELS)},
            described={"rel_y": "position along the shank in mm"},
        ),
        rows=UPWARD,
    ),
    Case(
        "depth",
        "metres that are said to be nothing",
        lambda f: write(f, electrodes={"rel_y": 1e-6 * PITCH * np.arange(N_CHANNELS)}),
        ("can hardly be µm: unit not known",),
        axis="position along the probe (rel_y, unit doubtful)",
        rows=UPWARD,
    ),
    Case(
        "depth",
        "negative, the tip lowest",
        lambda f: write(f, electrodes={"rel_y": -1000.0 + PITCH * np.arange(N_CHANNELS)}),
        rows=UPWARD,
    ),
    Case(
        "depth",
        "Allen's CCF",
        lambda f: write(
            f,
            electrodes={
                "rel_y": None,
                "x": np.full(N_CHANNELS, 7800.0),
                "y": 500.0 + 250 * np.arange(N_CHANNELS),
                "z": np.full(N_CHANNELS, 2300.0) + np.arange(N_CHANNELS),
            },
        ),
        ("look like Allen's CCF",),
        axis="CCF y (µm, inferior down)",
        rows=range(N_CHANNELS),
    ),
    Case(
        "depth",
        "none for a third of the channels",
        lambda f: write(
            f,
            electrodes={
                "rel_y": np.where(
                    np.arange(N_CHANNELS) % 3 == 0, np.nan, PITCH * np.arange(N_CHANNELS)
                )
            },
        ),
        ("4 of 12 channels have no depth",),
        rows=[11, 10, 8, 7, 5, 4, 2, 1, 0, 3, 6, 9],
    ),
    Case(
        "depth",
        "no column at all",
        lambda f: write(f, electrodes={"rel_y": None}),
        ("no depth",),
        axis="channel",
        rows=UPWARD,
    ),
    Case(
        "shanks",
        "three shanks, channels in turn",
        lambda f: write(
            f,
            electrodes={
                "group_name": ["shank0", "shank1", "shank10"] * (N_CHANNELS // 3),
                "rel_y": np.repeat(PITCH * np.arange(N_CHANNELS // 3), 3),
            },
        ),
        rows=[9, 6, 3, 0, 10, 7, 4, 1, 11, 8, 5, 2],
    ),
    Case(
        "electrodes",
        "region of doubles, from the last to the first",
        lambda f: write(f, region=np.arange(N_CHANNELS)[::-1].astype(np.float64)),
        rows=range(N_CHANNELS),
    ),
    Case(
        "electrodes",
        "regions stored as floats",
        lambda f: write(f, electrodes={"location": np.r_[np.full(6, 382.0), np.full(6, np.nan)]}),
        rows=UPWARD,
    ),
]


def float32_times(start: float, n: int = N_SAMPLES) -> Any:
    return (start + np.arange(n) / RATE).astype(np.float32)


CLOCKS = [
    Case(
        "clock",
        "float32 seconds, a day after the start",
        lambda f: write(f, times=float32_times(86_400.0)),
        ("float32",),
        span=(86_400.0, 86_408.0),
        accuracy=2**-7,  # seconds between such floats
    ),
    Case(
        "clock",
        "rounded to milliseconds",
        lambda f: write(f, times=np.round(np.arange(N_SAMPLES) / RATE, 3)),
        ("rounded",),
        span=(0.0, 8.0),
    ),
    Case(
        "clock",
        "one timestamp for each 50 samples",
        lambda f: write(f, times=np.repeat(np.arange(0, N_SAMPLES, 50) / RATE, 50)),
        ("one timestamp for each 50 samples",),
        span=(0.0, 8.0),
    ),
    Case(
        "clock",
        "seconds since 1970",
        lambda f: write(f, times=1.7e9 + np.arange(N_SAMPLES) / RATE),
        span=(1.7e9, 1.7e9 + 8),
    ),
    Case(
        "clock",
        "set back twice",
        lambda f: write(
            f,
            times=np.r_[
                500 + np.arange(1000) / RATE,
                np.arange(4000) / RATE,
                0.5 + np.arange(5000) / RATE,
            ],
        ),
        ("reset 2 times",),
    ),
    Case(
        "clock",
        "a second, then a day without any",
        lambda f: write(
            f, times=np.r_[np.arange(1250) / RATE, 86_400 + np.arange(N_SAMPLES - 1250) / RATE]
        ),
        span=(0.0, 86_407.0),
    ),
    Case(
        "clock",
        "none anywhere",
        lambda f: write(f, times=np.full(N_SAMPLES, np.nan)),
        ("no sample has a usable time",),
        refused=True,
    ),
]


def with_values(*values: float) -> Any:
    data = (lfp() * COUNT).astype(np.float32)
    for i, value in enumerate(values):
        data[1000 + 100 * i, i] = value
    return data


def with_nan() -> Any:
    data = (lfp() * COUNT).astype(np.float32)
    data[2000:2400, 3:5] = np.nan
    return data


def railing() -> Any:
    data = lfp()
    data[-N_SAMPLES // 5 :] = np.iinfo(np.int16).max
    return data


VALUES = [
    Case(
        "values",
        "infinite, and what stands for none elsewhere",
        lambda f: write(f, with_values(np.inf, -np.inf, 9.96921e36, -9999.0), conversion=1.0),
        ("4 samples of 4 channels",),
    ),
    Case(
        "values",
        "NaN for a while",
        lambda f: write(f, with_nan(), conversion=1.0),
        ("800 samples of 2 channels are NaN in the file",),
    ),
    Case("values", "a fifth of railing", lambda f: write(f, railing()), rows=UPWARD),
]

CASES = [*UNITS, *ELECTRODES, *CLOCKS, *VALUES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_reported_kind(case: Case, tmp_path: Path) -> None:
    file = case.make(tmp_path)
    references = tmp_path / "lfp.json"
    if case.refused:
        with pytest.raises(UserError) as refusal:
            index_recording(str(file), references, session="s", probe="p")
        assert str(file) in str(refusal.value)
        assert "\n" not in str(refusal.value)
        assert all(words in str(refusal.value) for words in case.says)
        return
    index_recording(str(file), references, session="s", probe="p")
    envelope = tmp_path / "envelope.zarr.zip"
    build_envelope(open_references(references), envelope)
    with OpenProbe(open_references(references), envelope) as probe:
        doubts = [doubt.text for doubt in probe.doubts]
        assert len(doubts) == len(case.says), doubts
        for words, text in zip(case.says, doubts, strict=True):
            assert words in text
        channels = probe.references.channels
        axis = channels.depth_axis
        assert (axis.label if axis else "channel") == case.axis
        if case.rows is not None:
            assert arrange_rows(channels).channels.tolist() == list(case.rows)
        if case.volts is not None:
            read = probe.volts(probe.samples(0, N_SAMPLES)).T
            np.testing.assert_allclose(read, case.volts, rtol=1e-6, atol=1e-12)
        _check_time(case, probe)
    draw_probe(references, envelope, overview=tmp_path / "o.png", thumbnail=tmp_path / "t.png")
    assert (tmp_path / "o.png").stat().st_size > 10_000


def _check_time(case: Case, probe: OpenProbe) -> None:
    """Every sample that has a time lies in a column of the whole recording's picture."""
    timeline = make_timeline([probe.references.clock])
    clock = timeline.clock(probe.references.clock)
    view = read_view(probe, clock.t0, clock.t1, 800, clock=clock)
    shown = sum(part.n_columns for part in view.parts)
    assert shown >= 0.1 * view.n_columns  # a tenth of the axis at least
    assert {part.columns.segment.first_sample for part in view.parts} == {
        segment.first_sample for segment in clock.valid
    }
    if case.span is not None:
        start, stop = timeline.to_session(clock.t0), timeline.to_session(clock.t1)
        assert (start, stop) == pytest.approx(case.span, rel=1e-12, abs=case.accuracy)
