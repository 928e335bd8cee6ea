"""Write the references of one probe."""

import sys
import traceback
from pathlib import Path

from lfpscope.cli import INTERRUPTED, program
from lfpscope.errors import UserError, WriteError
from lfpscope.io.atomic import write_text
from lfpscope.io.tables import read_json
from lfpscope.references.index import index_apart
from lfpscope.sources.status import OK, write_status


def index_probe(
    source: Path,
    *,
    session: str,
    probe: str,
    references: Path,
    index: Path,
    tries: int = 0,
    ended: int = 0,
) -> None:
    """Write references to the bytes of one recording, and print what was found in it.

    A probe that cannot be indexed leaves empty references, because Snakemake wants the file.

    Parameters
    ----------
    source
        JSON that says where the file is, and which of its series to take; the one that holds LFP
        if it names none.
    session, probe
        Ids.
    references
        Kerchunk JSON to write.
    index
        JSON to write: whether that is done, else which rule failed and why.
    tries
        How often it failed before.
    ended
        The exit code with which this program has ended before it wrote anything.
    """
    if ended in (1, *INTERRUPTED):  # it could not write, or nothing is known of the probe
        sys.exit(ended)
    rule, reason = "", ""
    found = read_json(source)
    if found.get("status", OK) != OK:
        rule, reason = "fetch_probe", found["reason"]
    elif ended:
        rule = "index_probe"
        reason = (
            f"{found['address']}: its index ended with exit code {ended}; see its log, "
            f"index_probe/{session}/{probe}.log. The next run tries again."
        )
    else:
        ids = {"session": session, "probe": probe, "series": found.get("series", "")}
        try:
            print(index_apart(found["address"], references, **ids))
        except WriteError:
            raise
        except (UserError, OSError) as error:
            rule, reason = "index_probe", str(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours, which the log names
            traceback.print_exc()
            rule, reason = "index_probe", f"{found['address']}: cannot be indexed ({error!r})"
    if reason:
        print(f"error: {reason}")
        write_text(references, "")
    write_status(index, reason, tries, rule=rule)


if __name__ == "__main__":
    program(index_probe)
