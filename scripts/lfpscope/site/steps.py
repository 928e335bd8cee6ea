"""Which rule did not make its file, and why: from the files there are, and the logs."""

import re
from pathlib import Path

from lfpscope.result_files import (
    BEHAVIOR,
    CHANNELS,
    EVOKED,
    INTERVALS,
    OVERVIEW,
    PERIODS,
    REFERENCES,
    RESPONSES,
    SESSION_REFERENCES,
    SOURCE,
    SPECTRUM,
    THUMBNAIL,
    VERIFIED,
    VIEWER,
    probe_folder,
)
from lfpscope.sources.probes_table import ProbeRow

ERROR = re.compile(r"(?i)(error|exception)\b")  # in a log
STEPS = (  # rules in their order, each with a file that it makes last
    ("fetch_probe", SOURCE),
    ("index_probe", REFERENCES),
    ("summarize_probe", CHANNELS),
    ("find_periods", PERIODS),
    ("draw_probe", THUMBNAIL),
    ("average_intervals", RESPONSES),
    ("draw_evoked", EVOKED),
    ("verify_probe", VERIFIED),
)
STEPS_OF_SESSION = (
    ("combine_session", SESSION_REFERENCES),
    ("list_intervals", INTERVALS),
    ("list_behavior", BEHAVIOR),
    ("draw_session", OVERVIEW),
    ("draw_session_evoked", EVOKED),
    ("write_viewer", VIEWER),
)


def find_log(row: ProbeRow, logs: Path, rule: str) -> str:
    """Return the log of a rule of a probe; empty where there is none."""
    path = logs / rule / row.session / f"{row.probe}.log"
    return str(path) if path.is_file() else ""


def find_failed(row: ProbeRow, results: Path, logs: Path) -> tuple[str, str] | None:
    """Find a rule of the session, or one that may be left out, with a log but without its file."""
    session = results / row.session
    steps = [(rule, session / file, f"{row.session}.log") for rule, file in STEPS_OF_SESSION]
    spectrum = probe_folder(results, row.session, row.probe) / SPECTRUM
    steps.append(("draw_spectrum", spectrum, f"{row.session}/{row.probe}.log"))
    found = [(rule, logs / rule / log) for rule, file, log in steps if not file.is_file()]
    return next(((rule, str(log)) for rule, log in found if log.is_file()), None)


def describe_log(log: Path) -> str:
    """Say why a job failed: the last line of its log that names an error, else the last one."""
    if not log.is_file():
        return "has not run"
    text = log.read_text(errors="replace")
    lines = [one_line(line) for line in text.splitlines() if re.search(r"[^\W\d_]", line)]
    if not lines:
        return "failed without a message"
    errors = [i for i, line in enumerate(lines) if ERROR.search(line)]
    last = errors[-1] if errors else len(lines) - 1
    # what was wrong may stand on the lines after the error's name
    stop = len(lines) if lines[last].endswith(":") else last + 1
    return f"failed: {' '.join(lines[last:stop])}"


def one_line(text: str) -> str:
    """Bring a text to one line."""
    return " ".join(str(text).split())
