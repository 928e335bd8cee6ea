"""Sheets and columns on one page, each by its key; no console error."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import PROBES, Tab

from lfpscope.viewer.spectrum_panel import RECORDING, VIEW

pytestmark = pytest.mark.browser

PROBE = PROBES[0]


def wait_for_image(tab: Tab, name: str) -> None:
    tab.page.wait_for_function("(name) => pageModel(name)?.data.image?.length == 1", arg=name)


def evoked_trace(nwb: Path, channel: int) -> np.ndarray:
    """Mean of the two flashes at 30 and 33 s about the mean before them, by h5py, µV."""
    with h5py.File(nwb) as file:
        found: list[h5py.Group] = []
        file.visititems(
            lambda _, one: (
                found.append(one) if one.attrs.get("neurodata_type") == "ElectricalSeries" else None
            )
        )
        series = found[0]
        times = series["timestamps"][:]
        electrode = file["general/extracellular_ephys/electrodes/id"][:].tolist().index(channel)
        column = series["electrodes"][:].tolist().index(electrode)
        scale = float(series["data"].attrs["conversion"])
        dt = float(np.median(np.diff(times[:5000])))
        window = np.arange(round(-0.25 / dt), round(0.3 / dt) - 1)
        at = [int(np.argmin(np.abs(times - onset))) for onset in (30, 33)]
        trials = np.stack([series["data"][:, column][one + window] for one in at])
    mean = trials.mean(axis=0) * scale * 1e6
    return np.asarray(mean)


def test_sheets_and_columns(
    session: Path,
    serve: Callable[[Path], AbstractContextManager[str]],
    open_tab: Callable[..., Tab],
) -> None:
    own = session.parent / "panels"  # beside the library
    shutil.copytree(session, own)
    (own / "marks.csv").write_text("start,stop,probe,channel,note\n40,41,,,look here\n")
    with serve(own) as address:
        tab = open_tab(f"{address}?t=20-60")
        tab.settle()

        # averages: one channel's trace is that of h5py's samples
        tab.press("e")
        wait_for_image(tab, f"evoked lfp {PROBE}")
        heading = tab.page.locator(".evoked .heading").nth(1).inner_text()
        assert heading.startswith(f"{PROBE} · flash <b> · n 2 · computed from samples")
        words = tab.page.locator(".average:visible").first.inner_text()
        channel = int(words.split()[1])
        shown = tab.source(f"sem {PROBE}")
        expected = evoked_trace(session.parent / "data" / f"{PROBE}.nwb", channel)
        n = len(shown["y"])
        about = np.array(shown["y"]) - np.mean(shown["y"])
        expected = expected[-(n - 1) :]
        about = about[1 : expected.size + 1] if about.size > expected.size else about
        size = min(about.size, expected.size)
        best = min(
            np.abs(
                (about[s : size - 3 + s] - about[s : size - 3 + s].mean())
                - (expected[e : size - 3 + e] - expected[e : size - 3 + e].mean())
            ).max()
            for s in range(3)
            for e in range(3)
        )
        assert best < 0.1  # µV
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
        rows = f"pageModel('column {PROBE}').data"
        tab.page.wait_for_function(f"() => {rows}.channel.length == 24")
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
            f"(old) => {rows}.label.some((label, i) => label != old[i])", arg=before["label"]
        )
        table = (own / "bad_channels.tsv").read_text().splitlines()
        changed = [
            (str(one), new)
            for one, old, new in zip(
                before["channel"],
                before["label"],
                tab.source(f"column {PROBE}")["label"],
                strict=True,
            )
            if old != new
        ]
        assert table[0] == "probe\tchannel\tlabel\tnote"
        assert [tuple(line.split("\t")[1:3]) for line in table[1:]] == changed
        (own / "bad_channels.tsv").write_text(
            "\n".join([table[0], f"{PROBE}\t{changed[0][0]}\tnoisy\t"]) + "\n"
        )
        n_bad = before["label"].count("dead") + before["label"].count("noisy")
        tab.press("x")
        assert "bad=hidden" in tab.page.url
        tab.page.wait_for_function(f"() => {rows}.channel.length < 24")
        assert len(tab.source(f"column {PROBE}")["channel"]) in (24 - n_bad, 23 - n_bad)
        tab.press("x", "l")
        assert "bad=" not in tab.page.url
