"""What a run has made, in numbers, on the page, and as JSON."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lfpscope import gallery, results
from lfpscope.clock import Clock, Segment
from lfpscope.files import write_table
from lfpscope.provenance import describe_run
from lfpscope.results import Figures, Result, fitting_scale, probe_figures, read_results
from lfpscope.sources.tables import Probe, write_probes

CLOCK = Clock((Segment(0, 600, 5.0, 0.001), Segment(600, 400, 7.6, 0.001)))  # a gap of 2 s
ROW = Probe("one", "a", "nwb", "data/a.nwb")


def channel(**cells: object) -> dict[str, str]:
    row = {"depth_um": 20, "area": "CA1", "std": 8e-5, "n_nan": 0, "n_damaged": 0, "dead": 0}
    return {name: str(cell) for name, cell in (row | {"saturated": 0} | cells).items()}


@pytest.fixture
def figures() -> Figures:
    return probe_figures(CLOCK, [channel(), channel(depth_um=60, area="VISp"), channel(dead=1)])


def page(some: list[Result], folder: Path, microvolts: float = 250) -> str:
    gallery.write_gallery(some, folder / "index.html", microvolts=microvolts)
    return (folder / "index.html").read_text()


# --- figures ------------------------------------------------------------------------------------


def test_figures_of_a_probe(figures: Figures) -> None:
    assert (figures.channels, figures.samples, figures.dead) == (3, 1000, 1)
    assert figures.rate == pytest.approx(1000)
    assert figures.seconds == pytest.approx(3)
    assert (figures.gaps, figures.gap_seconds) == (1, pytest.approx(2))
    assert figures.areas == ["VISp", "CA1"]  # from the top down
    assert figures.std == pytest.approx(80)
    assert figures.microvolts == 250


def test_what_files_say_where_they_know_no_area_is_none() -> None:
    channels = [channel(area="unknown"), channel(area=""), channel(area="DG")]
    assert probe_figures(CLOCK, channels).areas == ["DG"]


def test_missing_is_a_share_of_all_values() -> None:
    clock = Clock((Segment(0, 100, float("nan"), 0.001, valid=False), Segment(100, 900, 0, 0.001)))
    found = probe_figures(clock, [channel(n_damaged=250), channel(n_nan=50)])
    assert (found.untimed, found.damaged, found.nan) == (100, 250, 50)
    assert found.missing == pytest.approx((250 + 50 + 2 * 100) / 2000)


def test_fitting_scale_ignores_a_loud_channel() -> None:
    quiet = np.full(19, 80e-6)
    assert fitting_scale(quiet) == 250
    assert fitting_scale(np.append(quiet, 1.0)) == 250
    assert np.isnan(fitting_scale(quiet[:0]))


def test_scale_is_suggested_where_another_fits_most(figures: Figures) -> None:
    assert gallery.suggest_scale([figures] * 3, 250) is None
    assert gallery.suggest_scale([figures] * 3, 300) is None
    assert gallery.suggest_scale([figures] * 3, 1000) == 250
    assert gallery.suggest_scale([], 250) is None


# --- what is not whole --------------------------------------------------------------------------


def test_reason_is_in_the_log_of_the_first_job_without_its_file(tmp_path: Path) -> None:
    table = tmp_path / "results/probes.tsv"
    write_probes(table, [ROW, replace(ROW, probe="b", status="unreadable", note="cut short")])
    log = tmp_path / "logs/fetch_probe/one/a.log"
    found, other = read_results(table, tmp_path / "logs")
    assert (found.problem, found.log) == ("fetch_probe has not run", "")
    assert other.problem == "unreadable: cut short"
    log.parent.mkdir(parents=True)
    log.write_text("looking\nerror: no network. Try again.\nbye\n")
    (found, _) = read_results(table, tmp_path / "logs")
    assert found.problem == "fetch_probe failed: error: no network. Try again."
    assert found.line == f"one/a: {found.problem}; see {log}"


def test_damage_is_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "one/probes/a"
    write_probes(tmp_path / "probes.tsv", [ROW])
    folder.mkdir(parents=True)
    refs = {".zattrs": json.dumps({"clock": CLOCK.to_json()})}
    (folder / "lfp.json").write_text(json.dumps({"refs": refs, "provenance": {"size": 5}}))
    (folder / "source.json").touch()
    (folder / "thumbnail.png").touch()
    (folder / "verified.json").write_text('{"problems":["two chunks overlap"]}')
    rows = [channel(n_damaged=10), channel()]
    write_table(folder / "channels.csv", list(rows[0]), rows)
    (found,) = read_results(tmp_path / "probes.tsv")
    assert found.problem == "damaged: 10 values (0.005 of all) do not decode"
    assert found.source == {"size": 5}
    assert results.probe_figures(CLOCK, rows) == found.figures

    rows = [channel(), channel()]
    write_table(folder / "channels.csv", list(rows[0]), rows)
    (found,) = read_results(tmp_path / "probes.tsv")
    assert (
        found.line
        == "one/a: not as in its file: two chunks overlap; see logs/verify_probe/one/a.log"
    )


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"refs": 5}', '{"refs": {".zattrs": "{}"}}'])
def test_results_that_were_spoiled_are_a_row(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "one/probes/a"
    write_probes(tmp_path / "probes.tsv", [ROW, replace(ROW, probe="b")])
    folder.mkdir(parents=True)
    for name in ("source.json", "thumbnail.png", "verified.json", "channels.csv"):
        (folder / name).touch()
    (folder / "lfp.json").write_text(text)
    found, other = read_results(tmp_path / "probes.tsv")
    assert "elete" in found.problem
    assert other.problem == "fetch_probe has not run"


# --- the page -----------------------------------------------------------------------------------


def test_text_from_files_is_escaped(figures: Figures, tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>\"'"
    some = [
        Result(ROW, f"unreadable: {bad}", bad, None, {}),
        Result(replace(ROW, probe="b"), "", "", replace(figures, areas=[bad]), {"size": 1}),
    ]
    assert "<script>alert" not in page(some, tmp_path)


def test_page_without_any_probe_that_can_be_read(tmp_path: Path) -> None:
    text = page([Result(ROW, "unreadable: cut short", "", None, {})], tmp_path)
    assert "1 session · 0 probes of LFP" in text
    assert "1 probe not whole" in text


def test_page_says_which_scale_would_fit(figures: Figures, tmp_path: Path) -> None:
    some = [Result(ROW, "", "", figures, {"size": 1})]
    assert "would fit most probes better" not in page(some, tmp_path)
    text = page(some, tmp_path, microvolts=1000)
    assert "250 µV would fit most probes better" in text
    assert "<span>fits 250 µV</span>" in text


def test_command_is_quoted_for_the_shell(figures: Figures, tmp_path: Path) -> None:
    folder = tmp_path / "my results"
    (folder / "one").mkdir(parents=True)
    (folder / "one/viewer.py").touch()
    text = page([Result(ROW, "", "", figures, {"size": 1})], folder)
    assert f"<code>uv run python &#39;{folder}/one/viewer.py&#39;</code>" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8580.2, "2 h 23 min"), (131.7, "2 min 12 s"), (4.25, "4.2 s"), (float("nan"), "unknown")],
)
def test_duration(seconds: float, text: str) -> None:
    assert gallery.duration(seconds) == text


@pytest.mark.parametrize(
    ("microvolts", "text"), [(61.44, "61.4 µV"), (200_000, "200 mV"), (float("nan"), "unknown")]
)
def test_volts(microvolts: float, text: str) -> None:
    assert gallery.volts(microvolts) == text


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(0, "0 bytes"), (2_461_003_776, "2.46 GB"), (7e14, "700 TB")]
)
def test_size(n_bytes: float, text: str) -> None:
    assert gallery.size(n_bytes) == text


# --- the run ------------------------------------------------------------------------------------


def test_run_has_no_nan_and_names_every_probe(figures: Figures) -> None:
    broken = Result(replace(ROW, probe="b"), "unreadable: cut short", "", None, {})
    whole = Result(ROW, "", "", replace(figures, rate=float("nan")), {"size": 7, "crc32": []})
    run = json.loads(json.dumps(describe_run([whole, broken], {"a": 1}), allow_nan=False))
    assert run["settings"] == {"a": 1}
    assert {"python", "lfpscope", "numpy", "zarr"} <= set(run["versions"])
    assert [probe["problem"] for probe in run["probes"]] == ["", "unreadable: cut short"]
    assert run["probes"][0]["bytes"] == {"size": 7, "crc32": []}
    assert run["probes"][0]["figures"]["rate"] is None
