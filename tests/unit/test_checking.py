from pathlib import Path

from lfpscope.checking import check_results
from lfpscope.files import read_table, write_json, write_table
from lfpscope.sources.tables import Probe, write_probes

COLUMNS = ["n_samples", "n_damaged", "dead", "saturated"]


def write_results(
    folder: Path, probe: str, *channels: tuple[int, ...], differs: tuple[str, ...] = ()
) -> None:
    write_json(folder / "s/probes" / probe / "verified.json", {"problems": differs})
    rows = [dict(zip(COLUMNS, channel, strict=True)) for channel in channels]
    write_table(folder / "s/probes" / probe / "channels.csv", COLUMNS, rows)


def test_whole_probes_are_counted(tmp_path):
    write_probes(tmp_path / "probes.tsv", [Probe("s", "a", "nwb", "a.nwb")])
    write_results(tmp_path, "a", (100, 0, 1, 0), (100, 0, 0, 1), (100, 0, 0, 1))
    assert check_results(tmp_path / "probes.tsv", tmp_path / "checked.tsv") == []
    (row,) = read_table(tmp_path / "checked.tsv")
    assert list(row.values()) == ["s", "a", "100", "3", "0", "1", "2"]


def test_what_is_not_whole_is_named(tmp_path):
    bad = Probe("s", "b", "nwb", "b.nwb", "", "unreadable", "b.nwb: truncated")
    some = [Probe("s", "a", "nwb", "a.nwb"), bad, Probe("s", "c", "nwb", "c.nwb")]
    write_probes(tmp_path / "probes.tsv", some)
    write_results(tmp_path, "a", (100, 30, 0, 0), (100, 10, 0, 0))
    write_results(tmp_path, "c", (100, 0, 0, 0), differs=("two chunks overlap", "and more"))
    assert check_results(tmp_path / "probes.tsv", tmp_path / "checked.tsv") == [
        "s/a: damaged: 40 samples do not decode; see logs/summarize_probe/s/a.log",
        "s/b: unreadable: b.nwb: truncated",
        "s/c: not as in its file: two chunks overlap; see logs/verify_probe/s/c.log",
    ]
    assert not (tmp_path / "checked.tsv").exists()
