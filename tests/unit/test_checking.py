"""The last look over all results."""

import json
from pathlib import Path

from lfpscope.checking import check_results
from lfpscope.clock import Clock, Segment
from lfpscope.files import read_table, write_json, write_table, write_text
from lfpscope.sources.tables import NO_LFP, Probe, write_probes

COLUMNS = ["n_damaged", "dead", "saturated"]
CELLS = {"depth_um": 20, "area": "CA1", "std": 8e-5, "n_nan": 0}
CLOCK = Clock((Segment(0, 100, 0.0, 0.001),))


def write_results(
    folder: Path, probe: str, *channels: tuple[int, ...], differs: tuple[str, ...] = ()
) -> None:
    """Write what a run makes of a probe of session s, as far as it is looked at."""
    here = folder / "s/probes" / probe
    attributes = json.dumps({"clock": CLOCK.to_json()})
    write_json(here / "lfp.json", {"refs": {".zattrs": attributes}, "provenance": {"size": 5}})
    write_json(here / "verified.json", {"problems": differs})
    write_text(here / "source.json", "")
    write_text(here / "thumbnail.png", "")
    rows = [CELLS | dict(zip(COLUMNS, channel, strict=True)) for channel in channels]
    write_table(here / "channels.csv", [*CELLS, *COLUMNS], rows)


def test_whole_probes_are_counted(tmp_path: Path) -> None:
    silent = Probe("s", "b", "allen", "b.nwb", "", NO_LFP, "none was recorded")
    write_probes(tmp_path / "probes.tsv", [Probe("s", "a", "nwb", "a.nwb"), silent])
    write_results(tmp_path, "a", (0, 1, 0), (0, 0, 1), (0, 0, 1))
    assert check_results(tmp_path / "probes.tsv", tmp_path / "checked.tsv") == []
    (row,) = read_table(tmp_path / "checked.tsv")
    assert list(row.values()) == ["s", "a", "100", "3", "0", "1", "2"]


def test_what_is_not_whole_is_named(tmp_path: Path) -> None:
    bad = Probe("s", "b", "nwb", "b.nwb", "", "unreadable", "b.nwb: truncated")
    some = [Probe("s", "a", "nwb", "a.nwb"), bad, Probe("s", "c", "nwb", "c.nwb")]
    write_probes(tmp_path / "probes.tsv", some)
    write_results(tmp_path, "a", (30, 0, 0), (10, 0, 0))
    write_results(tmp_path, "c", (0, 0, 0), differs=("two chunks overlap", "and more"))
    assert check_results(tmp_path / "probes.tsv", tmp_path / "checked.tsv") == [
        "s/a: damaged: 40 values (0.2 of all) do not decode; see logs/summarize_probe/s/a.log",
        "s/b: unreadable: b.nwb: truncated",
        "s/c: not as in its file: two chunks overlap; see logs/verify_probe/s/c.log",
    ]
    assert not (tmp_path / "checked.tsv").exists()
