"""What a run of the workflow prints: a line for each step that ended, and how far long ones are.

Snakemake's own descriptions of jobs take pages; they stand in its log file, and are printed with
``--verbose``. Imported by the Snakefile, so it imports nothing but the standard library.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from lfpscope.formatting import duration_text
from lfpscope.io.progress import PROGRESS, read_progress

LAST_LINES = 5  # of the log of a job that failed
PAUSE_S = 10.0  # seconds between two lines about jobs that go on
RESTART = "Trying to restart job"  # which Snakemake says of one that failed and has tries left
COUNTED = "index_session"  # once such a job has ended, the steps of its session are known


@dataclass
class _Job:
    """A job: what it is of, its logs, and when it began."""

    name: str
    logs: list[str]
    begun: float


class Console(logging.Filter):
    """Prints a run's lines, and keeps Snakemake's own descriptions of jobs from the terminal.

    A filter of the handler that prints: it is asked about each message, in its order.

    Parameters
    ----------
    stream : file
        Where lines go.
    results : Path
        Folder of results.
    """

    def __init__(self, stream: TextIO, results: Path) -> None:
        super().__init__()
        self._stream, self._results = stream, results
        self._jobs: dict[int, _Job] = {}
        self._ended: list[int] = []
        self._start = time.monotonic()
        self._watching = threading.Event()
        self._is_counted = False
        self._acts: Mapping[str, Callable[[Any], None]] = {
            "job_info": self._job_begins,
            "job_finished": lambda record: self._ended.append(record.job_id),
            "job_error": self._job_fails,
            "progress": self._progress,
        }

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether Snakemake itself prints a message."""
        event = str(getattr(record, "event", None) or "")
        if act := self._acts.get(event):
            act(record)
        is_quiet = record.levelno < logging.WARNING and not record.getMessage().startswith(RESTART)
        is_remark = not event and is_quiet
        return event == "error" or not (event or is_remark)

    def _job_begins(self, record: Any) -> None:
        of = "/".join(str(value) for _, value in record.wildcards.items())
        name = f"{record.rule_name} {of}".strip()
        self._jobs[record.jobid] = _Job(name, list(record.log or ()), time.monotonic())
        if not self._watching.is_set():
            self._watching.set()
            threading.Thread(target=self._watch, daemon=True).start()

    def _job_fails(self, record: Any) -> None:
        job = self._jobs.pop(record.jobid, None)
        name = job.name if job else record.rule_name
        logs = [str(log) for log in record.log or ()]
        where = f"; all of its log: {', '.join(logs)}" if logs else ""
        self._write(f"failed: {name}{where}")
        for line in [line for log in logs for line in _last_lines(Path(log))]:
            self._write(f"    {line}")

    def _progress(self, record: Any) -> None:
        ended, self._ended = [self._jobs.pop(n) for n in self._ended if n in self._jobs], []
        for done, job in enumerate(ended, start=record.done - len(ended) + 1):
            self._is_counted |= job.name.split()[0] == COUNTED
            took = duration_text(time.monotonic() - job.begun)
            left = self._left(done, record.total) if job is ended[-1] else ""
            self._write(f"[{done}/{record.total}] {job.name} ({took}){left}")

    def _left(self, done: int, total: int) -> str:
        seconds = time.monotonic() - self._start
        if not self._is_counted or done >= total:
            return ""
        return f", about {duration_text(seconds / done * (total - done))} left"

    def _watch(self) -> None:
        """Print how far jobs have come that go on for long."""
        while True:
            time.sleep(PAUSE_S)
            for note in sorted(self._results.glob(f"*/probes/*/{PROGRESS}")):
                if stage := read_progress(note.parent):
                    of = f"{note.parents[2].name}/{note.parent.name}"
                    self._write(f"    {of}: {stage.text}")

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


def _last_lines(log: Path) -> list[str]:
    try:
        lines = log.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-LAST_LINES:]
