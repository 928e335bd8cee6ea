"""Write the references of one probe."""

from pathlib import Path

from lfpscope.addresses import traffic
from lfpscope.describing import describe
from lfpscope.files import read_json
from lfpscope.program import program
from lfpscope.recording import choose_series, index_clock, read_recording, reading
from lfpscope.references import write_references


def index_probe(
    source: Path, *, session: str, probe: str, references: Path, series: str = ""
) -> None:
    """Write references to the bytes of one recording, and print what was found in it.

    Parameters
    ----------
    source
        JSON that says where the file is.
    session, probe
        Ids.
    references
        Kerchunk JSON to write.
    series
        Path of the series in the file; without it, the one that holds LFP.
    """
    address = read_json(source)["address"]
    with reading(address) as nwb:
        recording = read_recording(nwb, series or choose_series(nwb)[0][0])
        clock, exact = index_clock(nwb, recording)
        n_chunks = write_references(
            nwb,
            recording,
            clock,
            session=session,
            probe=probe,
            address=address,
            path=references,
            clock_is_exact=exact,
        )
    print(describe(recording, clock, n_chunks=n_chunks, exact=exact))
    if asked := traffic():
        print(f"asked     {asked}")


if __name__ == "__main__":
    program(index_probe)
