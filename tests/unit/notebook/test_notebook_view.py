"""Pictures and addresses of a cell: what the viewer draws, and what is refused."""

import re
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import matplotlib.pyplot as plt
import numpy as np
import pytest
import recorded
from commands import wait_until
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

import lfpscope
from lfpscope.errors import UserError
from lfpscope.references.combine import combine_references
from lfpscope.viewer.mode_colours import PALETTES
from lfpscope.viewer.picture import draw_probe
from lfpscope.viewer.session_folder import SessionFolder, first_state, only_open

COUNTS = np.rint(recorded.walk(20_000, 8, step=1.0)).astype(np.int16)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("session")
    probe = folder / "probes" / "probe"
    probe.mkdir(parents=True)
    recorded.summarise(recorded.index(probe, COUNTS, chunks=(700, 2)))
    combine_references([probe / "lfp.json"], folder / "session.json", session="session")
    (folder / "intervals.csv").write_text("start,stop,name\n12,12.5,flash\n")
    return folder


@pytest.mark.parametrize("mode", [None, "traces", "signed", "heat"])
def test_a_plot_has_the_viewer_s_pixels(session: Path, mode: str | None) -> None:
    figure = lfpscope.plot(session, t=(11.5, 13), probes="probe", mode=mode, size=(600, 200))
    probes = only_open(SessionFolder(session).open_probes())
    state = first_state(probes).at(11.5, 13).drawn_as(mode)
    picture = draw_probe(probes[0], state, 600, 200)
    drawn = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_array_equal(drawn, PALETTES[picture.mode][picture.pixels])
    assert figure.axes[0].get_xlim() == (11.5, 13)
    lane = figure.axes[-2]  # above the complete recording
    assert [text.get_text() for text in lane.texts] == ["flash"]


def test_a_figure_shows_itself_in_a_cell(session: Path) -> None:
    figure = lfpscope.plot(session, probes=["probe"])
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert plt.get_fignums() == []  # nothing that pyplot would show a second time


@pytest.mark.parametrize("how", ["folder", "session.json", "open"])
def test_a_session_by_its_folder_its_file_or_opened(session: Path, how: str) -> None:
    given: Any = {
        "folder": str(session),
        "session.json": session / "session.json",
        "open": lfpscope.open_session(session),
    }[how]
    assert len(lfpscope.plot(given, t=(11, 12)).axes) == len(lfpscope.plot(session).axes)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"probes": ["probe", "c"]}, r"probes = \['probe', 'c'\]: expected some of probe"),
        ({"probes": []}, "expected some of probe"),
        ({"mode": "heatmap"}, "'heatmap': expected one of traces, signed, heat"),
        ({"t": (13, 12)}, r"t = \(13, 12\): no range of seconds"),
    ],
)
def test_what_is_not_there_is_named(session: Path, what: dict[str, Any], message: str) -> None:
    for show in (lfpscope.plot, lfpscope.view):
        with pytest.raises(UserError, match=message):
            show(session, **what)
    with pytest.raises(UserError, match="neither a session's results nor an NWB file"):
        lfpscope.plot(session / "elsewhere")


@pytest.mark.slow
def test_an_nwb_file_is_summarised_once(
    tmp_path: Path, write_nwb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    nwb = write_nwb(tmp_path / "mouse 7.nwb")
    before = nwb.read_bytes()
    first = lfpscope.plot(nwb, t=(10, 11))
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.zip")}
    assert len(made) == 1
    second = lfpscope.plot(str(nwb), t=(10, 11))
    images = [np.asarray(one.axes[0].images[0].get_array()) for one in (first, second)]
    np.testing.assert_array_equal(*images)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.zip")} == made
    assert nwb.read_bytes() == before
    (tmp_path / "empty.nwb").write_bytes(b"")
    with pytest.raises(UserError, match=r"empty\.nwb"):
        lfpscope.plot(tmp_path / "empty.nwb")


@pytest.mark.slow
def test_a_cell_says_what_it_waits_for_and_nothing_afterwards(
    tmp_path: Path, write_nwb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(lfpscope.__file__).parents[1]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    nwb, empty = write_nwb(tmp_path / "mouse 7.nwb"), tmp_path / "empty.nwb"
    empty.write_bytes(b"")
    manager, kernel = start_new_kernel()
    try:
        shown = run_cell(kernel, f"import lfpscope; lfpscope.plot({str(nwb)!r}, t=(10, 11))")
        lines = [one["data"] for one in shown if "display_id" in one.get("transient", {})]
        assert lines[0] == {"text/plain": "mouse 7.nwb: is being indexed …"}
        assert lines[-1] == {"text/html": ""}
        assert "image/png" in shown[-1]["data"]
        again = run_cell(kernel, f"lfpscope.plot({str(nwb)!r}, t=(10, 11))")
        assert [set(one["data"]) for one in again] == [{"image/png", "text/plain"}]
        with pytest.raises(RuntimeError, match=r"^UserError: .*empty\.nwb: [^\n]*$"):
            run_cell(kernel, f"lfpscope.view({str(empty)!r})")
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


def run_cell(kernel: BlockingKernelClient, code: str) -> list[dict[str, Any]]:
    """Run code in a kernel; returns what it shows."""
    shown: list[dict[str, Any]] = []
    kinds = "display_data", "update_display_data", "execute_result"

    def keep(message: dict[str, Any]) -> None:
        if message["msg_type"] in kinds:
            shown.append(message["content"])

    answer = kernel.execute_interactive(code, timeout=300, output_hook=keep)["content"]
    if answer["status"] != "ok":
        raise RuntimeError(f"{answer['ename']}: {answer['evalue']}")
    return shown


@pytest.mark.slow
def test_a_file_is_viewed_before_it_is_summarised(
    tmp_path: Path,
    write_nwb: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    nwb = write_nwb(tmp_path / "a.nwb")
    shown = lfpscope.view(nwb)
    try:
        probe = shown.folder / "probes" / "a"
        assert (probe / "lfp.json").exists()
        wait_until((probe / "channels.csv").exists)  # by itself
        # a summary that cannot be written: the viewer is there nevertheless, and the cell says why
        (probe / "channels.csv").unlink()
        (probe / "envelope.zarr.zip").unlink()
        (probe / "envelope.zarr.zip" / "in the way").mkdir(parents=True)
        with pytest.raises(UserError, match=r"Is a directory: .*envelope"):
            lfpscope.plot(nwb)
        assert lfpscope.view(nwb).url == shown.url
        printed: list[str] = []
        wait_until(lambda: printed.append(capsys.readouterr().err) or "\n" in "".join(printed))
        assert re.fullmatch(r"error: [^\n]*Is a directory[^\n]*\n", "".join(printed))
    finally:
        shown.close()


@pytest.mark.slow
def test_one_server_for_a_session_at_a_secret_path(session: Path) -> None:
    first = lfpscope.view(session, t=(11, 12), probes="probe", mode="heat")
    second = lfpscope.view(session)
    try:
        assert first.url.endswith("/?t=11.000000-12.000000&probes=probe&mode=heat")
        assert first.url.split("?")[0] == second.url
        with urlopen(first.url) as answer:  # noqa: S310 - our own
            assert "frame-ancestors 'self' *" in answer.headers["Content-Security-Policy"]
        secret = second.url.rstrip("/").rpartition("/")[2]
        assert len(secret) >= 32
        for other in ("", "x/", f"{secret[:-1]}/"):
            with pytest.raises(OSError, match="404"):
                urlopen(second.url.replace(f"{secret}/", other))  # noqa: S310
    finally:
        first.close()
    with pytest.raises(OSError, match="refused"):
        urlopen(second.url)  # noqa: S310
