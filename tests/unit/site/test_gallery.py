"""What a run has made, in numbers, on the page, and as JSON."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import SERIES, index, summarise, walk

from lfpscope.clock.segments import Clock, Segment
from lfpscope.doubts import Doubt
from lfpscope.envelope.zarr_zip import StoreWriter
from lfpscope.formatting import bytes_text, natural_key
from lfpscope.io.tables import write_json, write_table
from lfpscope.periods.table import Period, write_periods
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.render.heatmap import HEAT_SHARE
from lfpscope.site import gallery, results
from lfpscope.site.results import (
    Figures,
    Result,
    fitting_scale,
    probe_figures,
    read_results,
)
from lfpscope.site.run_json import describe_run
from lfpscope.sources.probes_table import NO_LFP, NOT_TAKEN, ProbeRow, write_probes

CLOCK = Clock((Segment(0, 600, 5.0, 0.001), Segment(600, 400, 7.6, 0.001)))  # a gap of 2 s
ROW = ProbeRow("one", "a", "nwb", "data/a.nwb")


def test_scale_of_the_gallery_is_that_of_the_pictures() -> None:
    assert results.COLOURS_END == HEAT_SHARE


def channel(**cells: object) -> dict[str, str]:
    row = {"depth_um": 20, "area": "CA1", "std": 8e-5, "n_nan": 0, "n_damaged": 0, "dead": 0}
    row |= {"saturated": 0, "label": "good", "flags": "", "line_noise_db": ""}
    return {name: str(cell) for name, cell in (row | cells).items()}


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
    assert (figures.gaps, figures.gap_seconds, figures.resets) == (1, pytest.approx(2), 0)
    assert figures.areas == ["VISp", "CA1"]  # from the top down
    assert figures.std == pytest.approx(80)
    assert figures.microvolts == 300


def test_mains_and_surface_are_among_the_numbers(figures: Figures, tmp_path: Path) -> None:
    rows = [channel(flags="mains", line_noise_db=db) for db in (12, 20, 14)] + [channel()]
    quality = {"mains_hz": 50.0, "surfaces": [{"height": -840.0, "uncertainty": 30.0}]}
    found = probe_figures(CLOCK, rows, quality)
    assert (found.mains_hz, found.mains_db, found.surfaces) == (50.0, 14.0, [[840.0, 30.0]])
    html = page([Result(ROW, "", "", found, {"size": 9})], tmp_path)
    assert "<dt>mains</dt><dd>50 Hz, +14 dB</dd>" in html
    assert "<dt>surface</dt><dd>840 ± 30 µm</dd>" in html
    without = page([Result(ROW, "", "", figures, {"size": 9})], tmp_path)
    assert "<dt>mains</dt>" not in without
    assert "<dt>surface</dt>" not in without


def test_labels_and_flags_are_counted() -> None:
    channels = [
        channel(label="dead"),
        channel(label="noisy", flags="drifting mains"),
        channel(label="outside", flags="mains"),
    ]
    found = probe_figures(CLOCK, channels)
    assert (found.dead, found.noisy, found.outside) == (1, 1, 1)
    assert (found.saturated, found.drifting, found.mains) == (0, 1, 2)


def test_spectra_are_shown_where_they_are_drawn(figures: Figures, tmp_path: Path) -> None:
    result = Result(ROW, "", "", figures, {"size": 1})
    assert "spectrum.png" not in page([result], tmp_path)
    folder = tmp_path / "one" / "probes" / "a"
    folder.mkdir(parents=True)
    for name in ("spectrum.png", "spectrum_small.png"):
        (folder / name).touch()
    text = page([result], tmp_path)
    assert 'href="one/probes/a/spectrum.png"' in text
    assert 'src="one/probes/a/spectrum_small.png"' in text


def test_a_clock_reset_is_no_negative_gap() -> None:
    steps = ((0.0, 100), (0.5, 100), (0.05, 100))  # a gap of 0.4 s, then back
    segments = [Segment(100 * i, n, t0, 0.001) for i, (t0, n) in enumerate(steps)]
    found = probe_figures(Clock(tuple(segments)), [channel()])
    assert (found.gaps, found.gap_seconds, found.resets) == (1, pytest.approx(0.4), 1)


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
    assert fitting_scale(quiet) == 300
    assert fitting_scale(np.append(quiet, 1.0)) == 300
    assert np.isnan(fitting_scale(quiet[:0]))
    assert np.isnan(fitting_scale(np.zeros(3)))


@given(st.floats(1e-7, 1.0))
def test_typical_rms_is_in_the_middle_of_the_colours_at_the_fitting_scale(std: float) -> None:
    end = fitting_scale(np.array([std])) / 2 * 1e-6  # the colours end at half of the scale
    assert 0.4 < std / end < 0.63


@pytest.mark.parametrize(("std", "suits"), [(130e-6, False), (80e-6, True), (20e-6, False)])
def test_scale_is_suggested_where_colours_would_saturate_or_stay_dark(
    std: float, suits: bool
) -> None:
    some = [probe_figures(CLOCK, [channel(std=std)])]
    assert (gallery.suggest_scale(some, 250) is None) == suits


def test_scale_is_suggested_where_another_fits_most(figures: Figures) -> None:
    assert gallery.suggest_scale([figures] * 3, 250) is None
    assert gallery.suggest_scale([figures] * 3, 300) is None
    assert gallery.suggest_scale([figures] * 3, 1000) == 300
    assert gallery.suggest_scale([], 250) is None


# --- what is incomplete --------------------------------------------------------------------------


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
    assert found.log == str(log)


MATHTEXT = """\
pyparsing.exceptions.ParseException: Expected end of text, found '$'  (at char 0), (line:1, col:1)

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "_mathtext.py", line 2172, in parse
    raise ValueError("\\n" + ParseException.explain(err, 0)) from None
ValueError:
$$
^
ParseException: Expected end of text, found '$'  (at char 0), (line:1, col:1)
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "failed without a message"),
        ("---\n;\n", "failed without a message"),
        ("looking\nKilled\n", "failed: Killed"),
        (
            MATHTEXT,
            "failed: ParseException: Expected end of text, found '$' (at char 0), (line:1, col:1)",
        ),
        (
            "raise ValueError(x)\nValueError:\n  $;\n  no  depth\n^\n",
            "failed: ValueError: no depth",
        ),
        ("  raise AssertionError(x)\nAssertionError\n", "failed: AssertionError"),
        ("error: disk full. Make room.\n0 errors fixed\n", "failed: error: disk full. Make room."),
    ],
)
def test_reason_is_the_last_line_that_says_something(
    tmp_path: Path, text: str, reason: str
) -> None:
    write_probes(tmp_path / "probes.tsv", [ROW])
    log = tmp_path / "logs/fetch_probe/one/a.log"
    log.parent.mkdir(parents=True)
    log.write_text(text)
    (found,) = read_results(tmp_path / "probes.tsv", tmp_path / "logs")
    assert found.problem == f"fetch_probe {reason}"


def test_a_probe_that_could_not_be_indexed_has_the_reason(tmp_path: Path) -> None:
    write_probes(tmp_path / "probes.tsv", [ROW, replace(ROW, probe="b")])
    for probe, status in (("a", "failed"), ("b", "ok")):
        folder = tmp_path / "one/probes" / probe
        write_json(folder / "source.json", {})
        write_json(folder / "index.json", {"status": status, "reason": "a.nwb:\nno space"})
    first, second = read_results(tmp_path / "probes.tsv", tmp_path / "logs")
    assert first.problem == "index_probe failed: a.nwb: no space"
    assert second.problem == "index_probe has not run"


def test_what_has_no_lfp_or_was_not_taken_is_no_problem(tmp_path: Path) -> None:
    folder = ProbeRow("one", "z", "nwb", "data/z.nwb", "", NOT_TAKEN, "data/z.nwb: a folder")
    silent = ProbeRow("one", "y", "allen", "", "", NO_LFP, "none was recorded")
    write_probes(tmp_path / "probes.tsv", [folder, silent])
    first, second = read_results(tmp_path / "probes.tsv")
    assert (first.row.status, first.problem, first.is_taken) == (NO_LFP, "", True)
    assert (second.row.status, second.problem, second.is_taken) == (NOT_TAKEN, "", False)
    assert not first.is_complete
    assert not second.is_complete


def test_probes_and_sessions_are_in_natural_order(tmp_path: Path) -> None:
    names = [("m10", "a"), ("m2", "LFP10"), ("m2", "LFP2"), ("m2", "LFP02")]
    rows = [replace(ROW, session=session, probe=probe) for session, probe in names]
    write_probes(tmp_path / "probes.tsv", rows)
    found = [result.name for result in read_results(tmp_path / "probes.tsv")]
    assert found == ["m2/LFP02", "m2/LFP2", "m2/LFP10", "m10/a"]


# --- what is uncertain --------------------------------------------------------------------------


def test_doubts_of_a_file_are_named_before_and_after_the_pass(tmp_path: Path) -> None:
    folder = tmp_path / "one/probes/a"
    folder.mkdir(parents=True)
    write_probes(tmp_path / "probes.tsv", [ROW])
    (folder / "source.json").touch()
    index(folder, walk(1000, 2, step=1), chunks=(100, 2))
    with h5py.File(folder / "probe.nwb", "a") as nwb:
        nwb[SERIES]["data"].attrs["unit"] = "uV"
    index_recording(
        str(folder / "probe.nwb"), folder / "lfp.json", session="one", probe="a", series=SERIES
    )
    references = open_references(folder / "lfp.json")
    assert "values" in {doubt.kind for doubt in references.doubts}
    (found,) = read_results(tmp_path / "probes.tsv")
    assert found.doubts == references.doubts
    summarise(references)
    (found,) = read_results(tmp_path / "probes.tsv")
    assert set(found.doubts) >= set(references.doubts)


SOURCE = {"address": "a.nwb", "size": 5, "crc32": [], "versions": {}}


def write_header(path: Path, doubts: list[list[str]]) -> None:
    """Write what is read of references without their chunks."""
    ids = {"session": "one", "probe": "a", "series": SERIES}
    root = {**ids, "clock": CLOCK.to_json(), "doubts": doubts}
    templates, refs = {"u": SOURCE["address"]}, {".zattrs": json.dumps(root)}
    write_json(path, {"templates": templates, "refs": refs, "provenance": SOURCE})


def test_doubts_of_the_envelope_count_where_there_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "one/probes/a"
    write_probes(tmp_path / "probes.tsv", [ROW])
    doubts = [["labels", "depth is z"]]
    write_header(folder / "lfp.json", doubts)
    (found,) = read_results(tmp_path / "probes.tsv")
    assert found.doubts == (Doubt("labels", "depth is z"),)
    with StoreWriter(folder / "envelope.zarr.zip") as store:
        store.group("", {"doubts": [*doubts, ["values", "1 sample is infinite"]]})
    (found,) = read_results(tmp_path / "probes.tsv")
    assert found.doubts == (
        Doubt("values", "1 sample is infinite"),
        Doubt("labels", "depth is z"),
    )


def make_probe(results: Path) -> Path:
    """Make what the jobs of a probe write, but for its table of channels and what was verified."""
    folder = results / "one/probes/a"
    write_probes(results / "probes.tsv", [ROW])
    folder.mkdir(parents=True)
    write_header(folder / "lfp.json", [])
    for name in ("source.json", "periods.csv", "thumbnail.png", "evoked.csv", "evoked.png"):
        (folder / name).touch()
    return folder


def test_damage_is_a_problem(tmp_path: Path) -> None:
    folder = make_probe(tmp_path)
    (folder / "verified.json").write_text('{"problems":["two chunks overlap"]}')
    log = tmp_path / "logs/verify_probe/one/a.log"
    log.parent.mkdir(parents=True)
    log.touch()
    rows = [channel(n_damaged=10), channel()]
    write_table(folder / "channels.csv", list(rows[0]), rows)
    (found,) = read_results(tmp_path / "probes.tsv")
    assert found.problem == "damaged: 10 values (0.005 of all) do not decode"
    assert (found.source, found.log) == (SOURCE, "")
    assert results.probe_figures(CLOCK, rows) == found.figures

    rows = [channel(), channel()]
    write_table(folder / "channels.csv", list(rows[0]), rows)
    (found,) = read_results(tmp_path / "probes.tsv", tmp_path / "logs")
    assert (found.problem, found.log) == ("not as in its file: two chunks overlap", str(log))


@pytest.mark.parametrize(
    ("log", "file"),
    [
        ("combine_session/one.log", "session.json"),
        ("list_intervals/one.log", "intervals.csv"),
        ("list_behavior/one.log", "behavior.zarr.zip"),
        ("draw_session/one.log", "overview.png"),
        ("draw_session_evoked/one.log", "evoked.png"),
        ("write_viewer/one.log", "viewer.py"),
        ("draw_spectrum/one/a.log", "probes/a/spectrum.png"),
    ],
)
def test_what_failed_for_the_session_is_a_problem_of_its_probes(
    tmp_path: Path, log: str, file: str
) -> None:
    folder = make_probe(tmp_path)
    (folder / "verified.json").write_text('{"problems":[]}')
    write_table(folder / "channels.csv", list(channel()), [channel()])
    path = tmp_path / "logs" / log
    (found,) = read_results(tmp_path / "probes.tsv", tmp_path / "logs")
    assert found.problem == ""  # what was not asked for has no log
    path.parent.mkdir(parents=True)
    path.write_text("KeyError: 'name'\n")
    (found,) = read_results(tmp_path / "probes.tsv", tmp_path / "logs")
    rule = log.split("/")[0]
    assert (found.problem, found.log) == (f"{rule} failed: KeyError: 'name'", str(path))
    (folder / "evoked.csv").unlink()  # a rule of the probe that waits for it
    (found,) = read_results(tmp_path / "probes.tsv", tmp_path / "logs")
    assert found.problem == f"{rule} failed: KeyError: 'name'"
    (tmp_path / "one" / file).touch()
    (found,) = read_results(tmp_path / "probes.tsv", tmp_path / "logs")
    assert found.problem == "average_intervals has not run"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"refs": 5}', '{"refs": {".zattrs": "{}"}}'])
def test_damaged_results_are_a_row(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "one/probes/a"
    write_probes(tmp_path / "probes.tsv", [ROW, replace(ROW, probe="b")])
    folder.mkdir(parents=True)
    names = ("source.json", "thumbnail.png", "verified.json", "channels.csv")
    for name in (*names, "evoked.csv", "evoked.png"):
        (folder / name).touch()
    (folder / "lfp.json").write_text(text)
    found, other = read_results(tmp_path / "probes.tsv")
    assert "elete" in found.problem
    assert other.problem == "fetch_probe has not run"


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_a_damaged_envelope_is_a_row(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "one/probes/a"
    write_probes(tmp_path / "probes.tsv", [ROW])
    write_header(folder / "lfp.json", [])
    (folder / "envelope.zarr.zip").write_bytes(content)
    (found,) = read_results(tmp_path / "probes.tsv")
    assert "not an envelope" in found.problem


# --- the page -----------------------------------------------------------------------------------


BAD = "<script>alert(1)</script>\"' $$ {{ 7 * 7 }} </li>"


def test_text_from_files_is_escaped(figures: Figures, tmp_path: Path) -> None:
    folder = replace(ROW, address=BAD, status=NOT_TAKEN, note=f"{BAD}: {BAD}")
    some = [
        Result(ROW, f"unreadable: {BAD}", BAD, None, {}, (Doubt("values", BAD),)),
        Result(replace(ROW, probe="b"), "", "", replace(figures, areas=[BAD]), {"size": 1}),
        Result(folder, "", "", None, {}),
    ]
    text = page(some, tmp_path)
    assert "<script>alert" not in text
    assert "{{ 7 * 7 }}" in text  # as it stands
    shown = text.replace("&#34;", '"').replace("&#39;", "'")
    shown = shown.replace("&lt;", "<").replace("&gt;", ">")
    assert f"<li><strong>values may be wrong:</strong> {BAD}</li>" in shown
    assert f"<td>{BAD}</td><td>{BAD}</td>" in shown


def test_page_without_any_probe_that_can_be_read(tmp_path: Path) -> None:
    text = page([Result(ROW, "unreadable: cut short", "", None, {})], tmp_path)
    assert "1 session · 0 probes of LFP" in text
    assert "1 probe incomplete" in text
    assert "suits the recordings" not in text


def test_page_names_doubts_and_offers_those_kinds_that_there_are(
    figures: Figures, tmp_path: Path
) -> None:
    doubts = (Doubt("values", "unit is uV"), Doubt("missing", "no areas"))
    some = [
        Result(ROW, "", "", figures, {"size": 1}, doubts),
        Result(replace(ROW, probe="b"), "", "", figures, {"size": 1}, doubts[:1]),
    ]
    text = page(some, tmp_path)
    assert text.count("<li><strong>values may be wrong:</strong> unit is uV</li>") == 2
    assert "<li><strong>something is missing:</strong> no areas</li>" in text
    assert '<option value="doubts-values">values may be wrong (2)</option>' in text
    assert '<option value="doubts-missing">something is missing (1)</option>' in text
    assert "doubts-labels" not in text.partition("<script>")[0]


def test_what_was_not_taken_is_listed_and_no_card(figures: Figures, tmp_path: Path) -> None:
    folder = replace(ROW, address="b.nwb", status=NOT_TAKEN, note="b.nwb: a folder")
    text = page(
        [Result(ROW, "", "", figures, {"size": 1}), Result(folder, "", "", None, {})], tmp_path
    )
    assert "1 found and not taken" in text
    assert "<tr><td>one</td><td>b.nwb</td><td>a folder</td></tr>" in text
    assert text.count('class="card"') == 1


def test_one_channel_is_one(figures: Figures, tmp_path: Path) -> None:
    text = page([Result(ROW, "", "", replace(figures, channels=1), {"size": 1})], tmp_path)
    assert "1 channel ·" in text
    assert "<dt>channel</dt><dd>1</dd>" in text


def test_a_file_of_two_series_counts_once(figures: Figures, tmp_path: Path) -> None:
    some = [Result(replace(ROW, probe=name), "", "", figures, {"size": 1000}) for name in "ab"]
    assert "1 kB left where they are" in page(some, tmp_path)


def test_bytes_of_the_session_and_its_viewer_count_as_derived(
    figures: Figures, tmp_path: Path
) -> None:
    sizes = {"session.json": 1000, "lfpscope/io/atomic.py": 200, "probes/a/envelope.zarr.zip": 30}
    for name, n_bytes in sizes.items():
        file = tmp_path / "one" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(n_bytes))
    some = [Result(ROW, "", "", figures, {"size": 100_000})]
    assert "1.23 kB made from them\n(1.2 %)" in page(some, tmp_path)


def test_averages_are_named_with_their_trials_where_they_are_drawn(
    figures: Figures, tmp_path: Path
) -> None:
    folder = tmp_path / "one/probes/a"
    folder.mkdir(parents=True)
    some = [Result(ROW, "", "", figures, {"size": 1})]
    rows = [{"kind": f"kind {i}", "n": n} for i in range(6) for n in (i, i + 1)]
    write_table(folder / "evoked.csv", ["kind", "n"], rows)
    assert "averages" not in page(some, tmp_path)
    (folder / "evoked.png").touch()
    text = page(some, tmp_path)
    assert 'href="one/probes/a/evoked.png"' in text
    assert 'href="one/evoked.png"' in text
    assert "kind 0 (n\N{NO-BREAK SPACE}1), kind 1 (n\N{NO-BREAK SPACE}2)" in text
    assert "and 2 more" in text
    write_table(folder / "evoked.csv", ["kind", "n"], [])  # no intervals
    assert "averages" not in page(some, tmp_path)


def test_periods_are_counted(figures: Figures, tmp_path: Path) -> None:
    folder = tmp_path / "one/probes/a"
    folder.mkdir(parents=True)
    some = [Result(ROW, "", "", replace(figures, rate=1250.0), {"size": 1})]
    assert "periods.csv" not in page(some, tmp_path)
    periods = [
        Period(0.0, 60.0, "theta", (1,), 3.0),
        Period(80.0, 95.0, "theta", (1,), 3.0),
        Period(2.0, 2.5, "artefact", (1, 2), 0.4),
        Period(3.0, 4.0, "gap", (), 1.0),
        *(Period(i, i + 0.1, "ripple", (1,), 5.0) for i in range(3)),
    ]
    write_periods(folder / "periods.csv", periods)
    text = page(some, tmp_path)
    assert 'href="one/probes/a/periods.csv"' in text
    assert ": 2 periods of theta, 1 min 15 s; 3 ripples; 1 artefact, 500 ms<" in text
    write_periods(folder / "periods.csv", [])
    assert "periods.csv" not in page(some, tmp_path)
    some = [Result(ROW, "", "", replace(figures, rate=500.0), {"size": 1})]
    assert ": no ripples at 500 Hz<" in page(some, tmp_path)


def test_page_says_which_scale_would_fit(figures: Figures, tmp_path: Path) -> None:
    some = [Result(ROW, "", "", figures, {"size": 1})]
    assert "would suit most probes better" not in page(some, tmp_path)
    text = page(some, tmp_path, microvolts=1000)
    assert "Brightest at 150 µV would suit most probes better" in text
    assert "<span>suits brightest 150 µV</span>" in text
    assert '<option value="500" selected>500 µV</option>' in text
    assert '<option value="150">150 µV</option>' in text


@pytest.mark.parametrize(
    ("seconds", "broken", "axis"),
    [
        ((60, 1200), False, "same"),
        ((59, 1200), False, "own"),
        ((59, 1200), True, "same"),  # an axis with breaks is never one with the others
        ((float("nan"), 1200), False, "same"),
    ],
)
def test_each_map_has_its_own_axis_where_the_shortest_would_hardly_be_seen(
    figures: Figures, tmp_path: Path, seconds: tuple[float, float], broken: bool, axis: str
) -> None:
    short, long = (replace(figures, seconds=one) for one in seconds)
    some = [replace(short, broken=broken), long]
    text = page([Result(ROW, "", "", one, {"size": 1}) for one in some], tmp_path)
    assert f'<option value="{axis}" selected>' in text


@pytest.mark.parametrize(
    ("fitting", "scales"),
    [
        (None, [10, 20, 50, 100, 200, 500, 1000]),
        (300.0, [10, 20, 50, 100, 150, 200, 500, 1000]),
        (3000.0, [10, 20, 50, 100, 200, 500, 1000]),  # the codes do not reach so far
    ],
)
def test_scales_to_choose_from(fitting: float | None, scales: list[float]) -> None:
    assert gallery.offer_scales(200, fitting) == scales


def test_command_is_quoted_for_the_shell(figures: Figures, tmp_path: Path) -> None:
    folder = tmp_path / "my results"
    (folder / "one").mkdir(parents=True)
    (folder / "one/viewer.py").touch()
    text = page([Result(ROW, "", "", figures, {"size": 1})], folder)
    assert f"<code>uv run python &#39;{folder}/one/viewer.py&#39;</code>" in text


def test_what_is_not_known_is_said(figures: Figures, tmp_path: Path) -> None:
    nan = float("nan")
    unknown = replace(figures, seconds=nan, rate=nan, std=nan, microvolts=nan)
    text = page([Result(ROW, "", "", unknown, {"size": 1})], tmp_path)
    assert text.count("<dd>unknown</dd>") == 3


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 bytes"), (999.7, "1 kB"), (2_461_003_776, "2.46 GB"), (7e14, "700 TB")],
)
def test_bytes(n_bytes: float, text: str) -> None:
    assert bytes_text(n_bytes) == text


@given(st.lists(st.integers(0, 10**6)))
def test_names_with_numbers_sort_as_the_numbers(numbers: list[int]) -> None:
    names = [f"LFP{number}" for number in numbers]
    assert sorted(names, key=natural_key) == [f"LFP{number}" for number in sorted(numbers)]


@given(st.lists(st.text(alphabet="a1٣²_", max_size=4)))
def test_any_names_have_an_order(names: list[str]) -> None:
    assert sorted(sorted(names, key=natural_key, reverse=True), key=natural_key) == sorted(
        names, key=natural_key
    )


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
