"""Write the gallery of all probes."""

import json
from pathlib import Path

from lfpscope import gallery
from lfpscope.files import write_json
from lfpscope.program import program
from lfpscope.provenance import describe_run
from lfpscope.results import read_results


def write_gallery(probes: Path, *, settings: str, page: Path, run: Path) -> None:
    """Write the gallery from what exists, and name every probe that is not whole.

    Parameters
    ----------
    probes
        Table of probes, in the folder of results.
    settings
        The configuration, as JSON.
    page
        HTML page to write, in the folder of results.
    run
        JSON to write: versions, settings, sources and figures.
    """
    results = read_results(probes)
    known = json.loads(settings)
    write_json(run, describe_run(results, known))
    gallery.write_gallery(results, page, microvolts=known["overview"]["microvolts"])
    print(*(result.line for result in results if result.problem), sep="\n")


if __name__ == "__main__":
    program(write_gallery)
