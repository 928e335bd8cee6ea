"""List which probes of a session are indexed, and why others are not."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.io.tables import read_json, write_table


def index_session(*indexes: Path, indexed: Path) -> None:
    """List which probes of a session are indexed, and why others are not.

    Parameters
    ----------
    indexes
        How the index of each probe ended, in its folder beside its references.
    indexed
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


COLUMNS = ["probe", "status", "rule", "reason"]

if __name__ == "__main__":
    program(index_session)
