"""Show LFP recordings in a browser, from NWB files where they are."""

import contextlib
import os
import tempfile
from pathlib import Path

import cyclopts
from cyclopts import Parameter

from lfpscope.cli import run_app
from lfpscope.errors import UserError
from lfpscope.result_files import PROBES
from lfpscope.sources.sessions_table import SessionRow
from lfpscope.version import VERSION

EXAMPLES = """
Examples
--------
lfpscope session.nwb                      one file
lfpscope recordings/ more/*.nwb           all in a folder, and some others
lfpscope https://host/session.nwb         a file on a server; s3:// too
lfpscope results                          what a run of the workflow has made
lfpscope check session.nwb                what is in a file, and what is doubtful
lfpscope demo                             two simulated sessions
"""
app = cyclopts.App(
    name="lfpscope",
    help=__doc__,
    help_epilogue=EXAMPLES,
    help_format="plaintext",
    version=VERSION,
    default_parameter=Parameter(negative=""),
    result_action="return_value",
)


def main() -> None:
    """Run the command."""
    run_app(app)


@app.default
def show(
    *recordings: str,
    results: Path | None = None,
    port: int | None = None,
    no_browser: bool = False,
    verbose: bool = False,
) -> None:
    """Show recordings, and make all files of the workflow behind the page.

    Parameters
    ----------
    recordings
        NWB files, folders, globs, https:// and s3:// addresses; or a folder of results.
    results
        Folder for what is made; without it one in the cache, which is printed.
    port
        Of the server; 5006, or any that is free.
    no_browser
        Do not open a browser.
    verbose
        Print all that Snakemake says.
    """
    if not recordings:
        app.help_print([])
        return
    from lfpscope.command.show import show_recordings, show_results

    if len(recordings) == 1 and _is_results(Path(recordings[0])):
        show_results(Path(recordings[0]), port=port, open_browser=not no_browser)
        return
    from lfpscope.command.recordings import find_sessions, results_name

    rows = find_sessions(recordings)
    folder = (results or cache_folder() / "results" / results_name(rows)).absolute()
    show_recordings(rows, folder, port=port, open_browser=not no_browser, verbose=verbose)


@app.command
def check(*recordings: str) -> None:
    """Print what is in files and what is doubtful about it; nothing is written.

    Parameters
    ----------
    recordings
        NWB files, folders, globs and addresses.
    """
    from lfpscope.command.recordings import find_sessions
    from lfpscope.hdf5.isolation import IsolatedReader
    from lfpscope.references.index import index_isolated
    from lfpscope.sources.nwb import nwb_probes
    from lfpscope.sources.probes_table import OK

    n_bad = 0
    for row in find_sessions(recordings):
        with IsolatedReader() as reader, tempfile.TemporaryDirectory() as folder:
            for probe in nwb_probes(row, reader):
                if probe.status != OK:
                    print(f"{probe.address}: {probe.status}: {probe.note}\n")
                    n_bad += 1
                    continue
                ids = {"session": row.session, "probe": probe.probe, "series": probe.series}
                try:
                    print(index_isolated(probe.address, Path(folder, "lfp.json"), **ids), "\n")
                except UserError as error:
                    print(f"{error}\n")
                    n_bad += 1
    if n_bad:
        raise UserError(f"{n_bad} cannot be read, see above.")


@app.command
def demo(*, results: Path | None = None, port: int | None = None, no_browser: bool = False) -> None:
    """Simulate two sessions as the Allen Institute releases them, and show them.

    Parameters
    ----------
    results
        Folder for what is made; without it one in the cache, which is printed.
    port
        Of the server; 5006, or any that is free.
    no_browser
        Do not open a browser.
    """
    from lfpscope.command.show import make_results, show_results

    folder = (results or cache_folder() / "results" / "demo").absolute()
    make_results([SessionRow(f"demo-{i}", "demo") for i in (1, 2)], folder)
    show_results(folder, port=port, open_browser=not no_browser)


def cache_folder() -> Path:
    """Return the folder for what can be made again, as XDG's specification has it."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "lfpscope"


def _is_results(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return (folder / PROBES).is_file()
    return False


if __name__ == "__main__":
    main()
