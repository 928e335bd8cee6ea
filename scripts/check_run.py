"""Check that every probe is complete, and say what is uncertain."""

from pathlib import Path

from lfpscope.checking import describe_results
from lfpscope.program import program
from lfpscope.provenance import read_run


def check_run(run: Path) -> None:
    """Print what is incomplete, uncertain or not taken, and fail where a probe is incomplete.

    Parameters
    ----------
    run
        The run as JSON, as `write_gallery` writes it.
    """
    results = read_run(run)
    print(*describe_results(results), sep="\n")
    if any(result.problem for result in results):
        raise SystemExit(1)


if __name__ == "__main__":
    program(check_run)
