"""Write the references of one probe."""

from pathlib import Path

from lfpscope.addresses import traffic
from lfpscope.files import read_json
from lfpscope.indexing import index_recording
from lfpscope.program import program


def index_probe(source: Path, *, session: str, probe: str, references: Path) -> None:
    """Write references to the bytes of one recording, and print what was found in it.

    Parameters
    ----------
    source
        JSON that says where the file is, and which of its series to take; the one that holds LFP
        if it names none.
    session, probe
        Ids.
    references
        Kerchunk JSON to write.
    """
    found = read_json(source)
    address, series = found["address"], found.get("series", "")
    print(index_recording(address, references, session=session, probe=probe, series=series))
    if asked := traffic():
        print(f"asked     {asked}")


if __name__ == "__main__":
    program(index_probe)
