"""The last look over all results: what is incomplete, what is uncertain, what was not taken."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lfpscope.doubts import KINDS, MEANINGS
from lfpscope.formatting import count_text
from lfpscope.io.atomic import write_text
from lfpscope.io.tables import write_table
from lfpscope.site.results import Result
from lfpscope.site.run_json import read_run
from lfpscope.sources.probes_table import NO_LFP, NOT_TAKEN

FIGURES = ("samples", "channels", "damaged", "dead", "saturated")
COLUMNS = ("session", "probe", "status", "problem", "doubts", *FIGURES)
# of doubts of one kind and of what was not taken; incomplete probes are named every one
MAX_LINES = 10
MAX_NAMES = 4  # that share a line


def write_checked(results: Iterable[Result], checked: Path) -> None:
    """Write a table of all probes, complete or not.

    Parameters
    ----------
    results : iterable of Result
        Of all rows of the table of probes.
    checked : Path
        The table to write: session, probe, status (complete, incomplete, no LFP or not taken), why
        it is incomplete or was not taken, its doubts, samples, channels, how many values are
        damaged, and how many channels are dead or saturated.
    """
    write_table(checked, COLUMNS, map(_row, results))


def _row(result: Result) -> dict[str, Any]:
    row, figures = result.row, result.figures
    return {
        "session": row.session,
        "probe": row.probe,
        "status": _status(result),
        "problem": row.note if row.status in (NO_LFP, NOT_TAKEN) else result.problem,
        "doubts": "; ".join(f"{MEANINGS[one.kind]}: {one.text}" for one in result.doubts),
        **{name: getattr(figures, name) if figures else "" for name in FIGURES},
    }


def _status(result: Result) -> str:
    if result.row.status in (NO_LFP, NOT_TAKEN):
        return result.row.status
    return "complete" if result.is_complete else "incomplete"


def describe_results(results: Sequence[Result]) -> list[str]:
    """Describe all results in lines for a terminal; the last one counts them.

    All incomplete probes with their reasons come first, then doubts by kind, then what was found
    and not taken. Probes that share a reason or a doubt share a line.

    Parameters
    ----------
    results : sequence of Result
        Of all rows of the table of probes.
    """
    incomplete = [(one.name, _with_log(one)) for one in results if one.problem]
    every = _lines(incomplete, most_names=len(incomplete))
    lines = _section(f"{count_text(len(incomplete), 'probe')} incomplete:", every)
    for kind in KINDS:
        doubts = [(one.name, doubt.text) for one in results for doubt in one.doubts_of(kind)]
        n_probes = len({name for name, _ in doubts})
        heading = f"{MEANINGS[kind].capitalize()} in {count_text(n_probes, 'probe')}:"
        lines += _section(heading, _shorten(_lines(doubts)))
    not_taken = [
        (one.row.address or one.name, reason_not_taken(one)) for one in results if not one.is_taken
    ]
    lines += _section(f"{len(not_taken)} found and not taken:", _shorten(_lines(not_taken)))
    return [*map(_printable, lines), _summary(results)]


def _with_log(result: Result) -> str:
    return result.problem + (f"; see {result.log}" if result.log else "")


def reason_not_taken(result: Result) -> str:
    """Why something was not taken, without its address."""
    return result.row.note.removeprefix(result.row.address).removeprefix(":").strip()


def _section(heading: str, lines: Sequence[str]) -> list[str]:
    return [heading, *(f"  {line}" for line in lines)] if lines else []


def _lines(entries: Iterable[tuple[str, str]], most_names: int = MAX_NAMES) -> list[str]:
    """A line for each text, with the names that have it."""
    names: dict[str, list[str]] = {}
    for name, text in entries:
        names.setdefault(text, []).append(name)
    return [f"{_join(some, most_names)}: {text}" for text, some in names.items()]


def _shorten(lines: list[str]) -> list[str]:
    more = len(lines) - MAX_LINES
    return lines if more < 2 else [*lines[:MAX_LINES], f"and {more} more: see checked.tsv"]


def _join(names: Sequence[str], most: int) -> str:
    """Name some of the names and count the others."""
    shown = names if len(names) <= most else names[: most - 1]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return ", ".join(shown) + more


def _printable(line: str) -> str:
    """Replace what would steer a terminal: names and texts may come from anybody's file."""
    return "".join(one if one.isprintable() else "�" for one in line)


def _summary(results: Sequence[Result]) -> str:
    n_complete = sum(one.is_complete for one in results)
    counts = {
        "incomplete": sum(bool(one.problem) for one in results),
        "with doubts": sum(bool(one.doubts) for one in results),
        "without LFP": sum(one.row.status == NO_LFP for one in results),
        "not taken": sum(not one.is_taken for one in results),
    }
    others = [f"{number} {words}" for words, number in counts.items() if number]
    return ", ".join([f"{count_text(n_complete, 'probe')} complete", *others])


def check_run(run: Path, *, complete: Path) -> None:
    """Print what is incomplete, uncertain or not taken, and fail where a probe is incomplete.

    Parameters
    ----------
    run : Path
        The run as JSON, as `write_gallery` writes it.
    complete : Path
        Text to write, the same lines, where every probe is complete.
    """
    results = read_run(run)
    lines = "\n".join(describe_results(results))
    print(lines)
    if any(result.problem for result in results):
        raise SystemExit(1)
    write_text(complete, f"{lines}\n")
