"""All that is written of a run: the page, the run as JSON, the table of probes."""

import json
from pathlib import Path

from lfpscope.io.tables import write_json
from lfpscope.site import gallery
from lfpscope.site.check_run import write_checked
from lfpscope.site.results import read_results
from lfpscope.site.run_json import describe_run


def write_gallery(probes: Path, *, settings: str, page: Path, run: Path, checked: Path) -> None:
    """Write the gallery from what exists, and two tables of it.

    Parameters
    ----------
    probes : Path
        Table of probes, in the folder of results.
    settings : str
        The configuration, as JSON.
    page : Path
        HTML page to write, in the folder of results.
    run : Path
        JSON to write: versions, settings, sources, figures, problems and doubts.
    checked : Path
        Table to write: a row per probe with its status.
    """
    results = read_results(probes, probes.parent / "logs")
    known = json.loads(settings)
    write_json(run, describe_run(results, known))
    write_checked(results, checked)
    gallery.write_gallery(results, page, microvolts=known["overview"]["microvolts"])
