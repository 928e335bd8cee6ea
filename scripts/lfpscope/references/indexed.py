"""Which probes of a session have references."""

from pathlib import Path

from lfpscope.io.tables import read_json, write_table

COLUMNS = ("probe", "status", "rule", "reason")


def index_session(*indexes: Path, indexed: Path) -> None:
    """List which probes of a session are indexed, and why others are not.

    Parameters
    ----------
    indexes : Path
        How the index of each probe ended, in its folder beside its references.
    indexed : Path
        Table to write.
    """
    rows = []
    for path in indexes:
        found = read_json(path)
        row = {"probe": path.parent.name, **{name: found[name] for name in COLUMNS[1:]}}
        rows.append(row)
        if row["reason"]:  # the empty references, which only Snakemake wanted
            path.with_name("lfp.json").unlink(missing_ok=True)
            print(f"{row['probe']}: {row['rule']} failed: {row['reason']}")
    write_table(indexed, COLUMNS, rows)
