"""Write the gallery of all probes."""

import json
from pathlib import Path

from lfpscope.cli import program
from lfpscope.io.tables import write_json
from lfpscope.site import gallery
from lfpscope.site.check_run import write_checked
from lfpscope.site.results import read_results
from lfpscope.site.run_json import describe_run


def write_gallery(probes: Path, *, settings: str, page: Path, run: Path, checked: Path) -> None:
    """Write the gallery from what exists, and two tables of it.

    Parameters
    ----------
    probes
        Table of probes, in the folder of results.
    settings
        The configuration, as JSON.
    page
        HTML page to write, in the folder of results.
    run
        JSON to write: versions, settings, sources, figures, problems and doubts.
    checked
        Table to write: a row per probe with its status.
    """
    results = read_results(probes)
    known = json.loads(settings)
    write_json(run, describe_run(results, known))
    write_checked(results, checked)
    gallery.write_gallery(results, page, microvolts=known["overview"]["microvolts"])


if __name__ == "__main__":
    program(write_gallery)
