"""The command line of `lfpscope`."""

import argparse
import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from lfpscope.errors import UserError

EXAMPLES = """examples:
  lfpscope mouse-07.nwb                  show a recording; what takes longer is made behind it
  lfpscope /data/2026-11-*/ a.nwb        all recordings in folders, and one more
  lfpscope https://host/a.nwb s3://b/k   recordings on servers, read in place
  lfpscope mouse-07.nwb --results out    keep what is made in the folder out
  lfpscope out                           show results: the gallery, and all viewers
  lfpscope check mouse-07.nwb            print what is found and what is doubtful, make nothing
  lfpscope demo                          simulated recordings

Files are only read. Without --results, what is made goes to a folder below ~/.cache/lfpscope, which
is printed and may be deleted at any time.
"""
VIEWER = "lfpscope.command.serve", "lfpscope.viewer.page"  # which take two seconds to import


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    words = list(sys.argv[1:] if words is None else words)
    for number in (signal.SIGTERM, signal.SIGHUP):  # the run behind the page ends too
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(_run(words))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(words: list[str]) -> int:
    if words[:1] == ["check"]:
        return _check(words[1:])
    is_demo = words[:1] == ["demo"]
    arguments = _arguments(words[1:] if is_demo else words, is_demo=is_demo)
    if is_demo:
        return _show([], arguments, is_demo=True)
    if len(arguments.location) == 1 and _is_results(arguments.location[0]):
        return _show_results(Path(arguments.location[0]), arguments)
    return _show(arguments.location, arguments, is_demo=False)


def _arguments(words: list[str], *, is_demo: bool) -> argparse.Namespace:
    from lfpscope.viewer.options import add_server_options

    parser = _parser("Show recordings of LFP in NWB files in a browser.")
    if not is_demo:
        text = "a file, a folder, a glob, an address; or a folder of results"
        parser.add_argument("location", nargs="+", metavar="FILE", help=text)
    parser.add_argument("--results", type=Path, metavar="DIR", help="keep what is made there")
    parser.add_argument("--verbose", action="store_true", help="print all that the run says")
    add_server_options(parser)
    return parser.parse_args(words)


def _parser(description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog="lfpscope",
        description=description,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _is_results(location: str) -> bool:
    from lfpscope.command.inputs import is_results

    folder = Path(location).expanduser()
    return folder.is_dir() and is_results(folder)


def _show_results(results: Path, arguments: argparse.Namespace) -> int:
    from lfpscope.command.serve import serve_results
    from lfpscope.result_files import SESSION_REFERENCES

    results = results.expanduser().absolute()
    found = sorted(path.parent.name for path in results.glob(f"*/{SESSION_REFERENCES}"))
    if not found:
        raise UserError(f"{results}: no session in it has a probe. Run the workflow again.")
    serve_results(results, found, arguments)
    return 0


def _show(locations: Sequence[str], arguments: argparse.Namespace, *, is_demo: bool) -> int:
    """Show recordings while the workflow makes the rest."""
    from lfpscope.command.first_references import FIRST, forget, is_summarised
    from lfpscope.command.inputs import checksum, demo_inputs, find_inputs
    from lfpscope.command.workflow import Run
    from lfpscope.references.first_look import look_at
    from lfpscope.sources.sessions_table import SessionRow

    inputs = demo_inputs() if is_demo else find_inputs(locations)
    for problem in inputs.problems:
        _say(problem)
    if not inputs.rows:
        return 1
    # while another process reads the first file
    threading.Thread(target=_import_viewer, daemon=True).start()
    cache = cache_folder()
    own = f"{inputs.rows[0].session}-{checksum([inputs.table])}"
    results = (arguments.results or cache / own).expanduser().absolute()
    _make(results)
    print(f"results: {results}", flush=True)

    def look(row: SessionRow) -> bool:
        """Index the probes of a session; tell whether one can be shown."""
        found = [False]
        for one in look_at(row, results / FIRST, cache / "files"):
            _say(one.problem or f"{one.row.address}: {row.session}/{one.row.probe}")
            found.append(not one.problem)
        return any(found)

    rest = [row for row in inputs.rows if not is_summarised(results, row.session)]
    is_shown = is_demo or len(rest) < len(inputs.rows)
    while rest and not is_shown:
        is_shown = look(rest.pop(0))
    if not is_shown:
        return 1
    run = Run(results, inputs.table, cache / "files", *["--verbose"] * arguments.verbose)

    def work() -> None:
        if not run.start():
            _say(f"{results}: another run makes these results; what it has made is shown.")
            return
        for row in rest if not is_demo else ():
            look(row)
        if run.wait() == 0:
            forget(results)

    from lfpscope.command.serve import serve_results

    try:
        serve_results(
            results,
            [row.session for row in inputs.rows],
            arguments,
            started=threading.Thread(target=work, daemon=True).start,
        )
    finally:
        run.stop()
    return 0


def _import_viewer() -> None:
    gc.disable()  # nothing of it is garbage, and to look for some takes a tenth of the time
    try:
        for name in VIEWER:
            import_module(name)
    finally:
        gc.enable()


def _say(line: str) -> None:
    print(" ".join(line.split()), file=sys.stderr, flush=True)


def cache_folder() -> Path:
    """Folder for what is made where none was named, and for simulated files."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "lfpscope"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"{folder}: {error.strerror}, so no results can be written there. "
            "Name a folder for them: --results DIR."
        ) from None


def _check(words: list[str]) -> int:
    """Print what is found in files, and what is doubtful about it."""
    from lfpscope.command.inputs import find_inputs
    from lfpscope.references.first_look import look_at

    parser = _parser("Print what is found in NWB files and what is doubtful. Nothing is made.")
    parser.add_argument("location", nargs="+", metavar="FILE")
    inputs = find_inputs(parser.parse_args(words).location)
    n_read = 0
    with TemporaryDirectory() as folder:
        for row in inputs.rows:
            for look in look_at(row, Path(folder), Path(folder)):
                if look.problem:
                    print(f"not taken: {look.problem}\n", flush=True)
                else:
                    n_read += 1
                    print(f"{look.description}\n", flush=True)
    for problem in inputs.problems:
        print(f"not taken: {problem}", flush=True)
    return 0 if n_read else 1
