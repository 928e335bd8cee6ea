"""Check that every probe is complete, and say what is uncertain."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.io.atomic import write_text
from lfpscope.site.check_run import describe_results
from lfpscope.site.run_json import read_run


def check_run(run: Path, *, complete: Path) -> None:
    """Print what is incomplete, uncertain or not taken, and fail where a probe is incomplete.

    Parameters
    ----------
    run
        The run as JSON, as `write_gallery` writes it.
    complete
        Text to write, the same lines, where every probe is complete.
    """
    results = read_run(run)
    lines = "\n".join(describe_results(results))
    print(lines)
    if any(result.problem for result in results):
        raise SystemExit(1)
    write_text(complete, f"{lines}\n")


if __name__ == "__main__":
    program(check_run)
