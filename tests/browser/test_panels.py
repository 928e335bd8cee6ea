"""Sheets, columns and lanes on one page; no console error."""

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import PROBES, Tab, program

from lfpscope.envelope.behavior import write_behavior
from lfpscope.nwb.behavior import Series
from lfpscope.samples.channel_labels import read_labels_by_hand
from lfpscope.viewer.spectrum_panel import RECORDING, VIEW

pytestmark = pytest.mark.browser

PROBE = PROBES[0]


def wait_for_image(tab: Tab, name: str) -> None:
    tab.page.wait_for_function("(name) => pageModel(name)?.data.image?.length == 1", arg=name)


def evoked_trace(nwb: Path, channel: int, milliseconds: np.ndarray) -> np.ndarray:
    """Mean of the flashes at 30 and 33 s about the mean before them, µV, by h5py."""
    with h5py.File(nwb) as file:
        found: list[h5py.Group] = []
        file.visititems(
            lambda _, one: (
                found.append(one) if one.attrs.get("neurodata_type") == "ElectricalSeries" else None
            )
        )
        series = found[0]
        times = series["timestamps"][:]
        row = file["general/extracellular_ephys/electrodes/id"][:].tolist().index(channel)
        column = series["electrodes"][:].tolist().index(row)
        at = np.array([[np.argmin(np.abs(times - onset))] for onset in (30, 33)])
        offsets = np.rint(milliseconds * 1e-3 / (times[1] - times[0])).astype(int)
        samples = series["data"][:, column][at + offsets]
        mean = samples.mean(axis=0) * float(series["data"].attrs["conversion"]) * 1e6
    return np.asarray(mean - mean[offsets < 0].mean())


def test_sheets_and_columns(
    session: Path,
    serve: Callable[[Path], AbstractContextManager[str]],
    open_tab: Callable[..., Tab],
) -> None:
    own = session.parent / "panels"  # beside the library
    shutil.copytree(session, own)
    (own / "intervals.csv").write_text("start,stop,name\n30,31,flash <b>\n33,34,flash <b>\n")
    ids = range(800021000, 800021185, 8)
    rows = [f"{PROBE}\t{one}\tgood\t" for one in ids]
    (own / "bad_channels.tsv").write_text("\n".join(["probe\tchannel\tlabel\tnote", *rows]) + "\n")
    (own / "marks.csv").write_text("start,stop,probe,channel,note\n40,41,,,look here\n")
    with serve(own) as address:
        tab = open_tab(f"{address}?t=20-60")
        tab.wait_for("every sample")

        # averages: one channel's trace is that of h5py's samples
        tab.press("e")
        wait_for_image(tab, f"evoked lfp {PROBE}")
        heading = tab.page.locator(".evoked .heading").nth(1).inner_text()
        assert heading.startswith(f"{PROBE} · flash <b> · n 2 · computed from samples")
        words = tab.page.locator(".average span").filter(has_text="channel").first
        channel = int(words.inner_text().split()[1])
        shown = tab.source(f"sem {PROBE}")
        nwb = session.parent / "data" / f"{PROBE}.nwb"
        expected = evoked_trace(nwb, channel, np.array(shown["x"]))
        np.testing.assert_allclose(shown["y"], expected, atol=0.01)
        tab.press("Escape")
        assert not tab.page.locator(".evoked").is_visible()

        # spectra: of the recording there are none in this session, of the view there are
        tab.press("f")
        tab.page.locator(".spectra .wrong").filter(has_text="has not made").wait_for()
        tab.choose(RECORDING, VIEW)
        wait_for_image(tab, f"spectra {PROBE}")
        text = tab.page.locator(".spectra .heading").nth(1).inner_text()
        assert f"{PROBE} · {VIEW} · " in text
        assert "windows of 3.28 s" in text
        tab.press("f")
        assert not tab.page.locator(".spectra").is_visible()

        # the list: a click goes there
        tab.press("i")
        line = tab.page.locator(".lists option").filter(has_text="mark: look here")
        line.wait_for()
        line.click()
        tab.settle()
        assert tab.range[0] < 40 < tab.range[1]
        assert tab.range[1] - tab.range[0] == pytest.approx(20, abs=0.1)
        assert not tab.page.locator(".lists").is_visible()

        # the column: rows as in the panel, a click writes the next label, x hides what is bad
        tab.press("l")
        data = f"pageModel('column {PROBE}').data"
        tab.page.wait_for_function(f"() => {data}.channel.length == 24")
        before = tab.source(f"column {PROBE}")
        assert before["top"][0] == 1
        assert before["bottom"][-1] == pytest.approx(0)
        panel = tab.page.locator(".bk-Plot.traces").first.bounding_box()
        column = tab.page.locator(".bk-Plot.column").first
        box = column.bounding_box()
        assert panel is not None
        assert box is not None
        assert (box["y"], box["height"]) == (panel["y"], panel["height"])
        column.click(position={"x": 60, "y": box["height"] / 2})
        tab.page.wait_for_function(
            f"(old) => {data}.label.some((label, i) => label != old[i])", arg=before["label"]
        )
        shown = tab.source(f"column {PROBE}")
        (at,) = [i for i, label in enumerate(shown["label"]) if label != before["label"][i]]
        assert (before["label"][at], shown["label"][at]) == ("good", "dead")
        assert at in (11, 12)
        written = read_labels_by_hand(own / "bad_channels.tsv", PROBE)
        assert written == dict.fromkeys(ids, "good") | {int(shown["channel"][at]): "dead"}
        tab.press("x")
        assert "bad=hidden" in tab.page.url
        tab.page.wait_for_function(f"() => {data}.channel.length == 23")
        tab.press("x", "l")
        assert "bad=" not in tab.page.url


def test_lanes_are_drawn_read_hidden_and_saved(
    session: Path,
    serve: Callable[[Path], AbstractContextManager[str]],
    open_tab: Callable[..., Tab],
) -> None:
    own = session.parent / "lanes"  # beside the library
    shutil.copytree(session, own)
    probe = own / "probes" / PROBES[1]  # it passes through CA1, the other one does not
    made = {one: probe / f"{one}.zarr.zip" for one in ("envelope", "spectrum")}
    table, periods = probe / "channels.csv", probe / "periods.csv"
    outputs = ("--envelope", made["envelope"], "--channels", table, "--spectrum", made["spectrum"])
    program("summarize_probe.py", probe / "lfp.json", *outputs)
    periods.write_text(
        "start,stop,kind,channels,strength\n30,50,theta,800022000,4\n40,40.1,ripple,800022000,6.5\n"
    )
    times = np.arange(10.0, 150.0, 0.05)
    speed = np.where(times < 60, 3.0, 12.0)
    path = "/processing/running/speed"
    one = Series("speed", path, "cm/s", 1, times.size, times, times, speed, speed)
    write_behavior(own / "behavior.zarr.zip", [one])
    with serve(own) as address:
        tab = open_tab(f"{address}?t=35-55")
        tab.wait_for("every sample")
        tab.page.wait_for_function("() => pageModel('lane lines')?.data.xs.length == 2")
        lines, boxes = tab.source("lane lines"), tab.source("lane boxes")
        steps = [np.unique(np.round(line, 9)) for line in lines["ys"]]
        assert len(steps[1]) == 1  # 3 cm/s all the time
        assert boxes["left"] == [30, 40]
        assert boxes["right"] == [50, pytest.approx(40.1)]
        tab.page.mouse.move(*tab.point(0.25))  # 40 s
        tab.page.locator(".reading", has_text="speed 3 cm/s").wait_for()
        assert "theta/delta " in tab.reading()
        assert "ripples: 6.5 SD" in tab.reading()
        tab.page.goto(f"{address}?t=35-55&without=ripples,theta/delta")
        tab.wait_for("every sample")
        tab.page.wait_for_function("() => pageModel('lane lines')?.data.xs.length == 1")
        assert tab.source("lane boxes")["left"] == []
        tab.press("e")  # a sheet leaves room for the lanes
        sheet = tab.page.locator(".evoked").first
        sheet.wait_for()
        lane = tab.page.locator(".bk-Plot.moves:not(.traces)").first.bounding_box()
        over = sheet.bounding_box()
        assert over["y"] + over["height"] <= lane["y"] + 1
        tab.press("e", "s")
        tab.page.locator(".message", has_text="Saved as").wait_for()
    (view,) = (own / "views").glob("*.json")
    assert [one["name"] for one in json.loads(view.read_text())["lane"]["curves"]] == [
        *("hidden: theta/delta", "hidden: ripples", "speed"),
    ]
