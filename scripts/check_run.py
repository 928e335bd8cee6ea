"""Check that every probe is whole."""

import sys
from pathlib import Path

from lfpscope.checking import check_results
from lfpscope.files import UserError
from lfpscope.program import program


def check_run(probes: Path, *, checked: Path) -> None:
    """Print every probe that is not whole, and fail if there is one.

    Parameters
    ----------
    probes
        Table of probes, in the folder of results.
    checked
        Table to write if all are whole: a row per probe.
    """
    problems = check_results(probes, checked)
    print(*problems, sep="\n", file=sys.stderr)
    if problems:
        raise UserError(f"probes not whole: {len(problems)}; the others are in {probes.parent}")


if __name__ == "__main__":
    program(check_run)
