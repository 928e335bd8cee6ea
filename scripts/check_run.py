"""Check that every probe is whole."""

import sys
from pathlib import Path

from lfpscope.checking import check_results
from lfpscope.files import UserError
from lfpscope.program import program


def check_run(probes: Path, *, results: Path, checked: Path) -> None:
    """Print every probe that is not whole, and fail if there is one.

    Parameters
    ----------
    probes
        Table of probes.
    results
        Folder of results.
    checked
        Table to write if all are whole: a row per probe.
    """
    problems = check_results(probes, results, checked)
    print(*problems, sep="\n", file=sys.stderr)
    if problems:
        raise UserError(f"{len(problems)} probes are not whole; all else is in {results}")


if __name__ == "__main__":
    program(check_run)
