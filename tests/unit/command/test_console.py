"""What a run prints, from the messages that Snakemake gives its handlers."""

import io
import logging
from pathlib import Path
from typing import Any

import pytest

from lfpscope.command.console import Console


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(stream: io.StringIO, tmp_path: Path) -> Console:
    return Console(stream, tmp_path)


def message(event: str | None = None, level: int = logging.INFO, **fields: Any) -> Any:
    record = logging.LogRecord("snakemake", level, "", 0, "text", (), None)
    vars(record).update(fields)
    if event:
        record.event = event
    return record


def begin(number: int, rule: str, log: Path | None = None, **wildcards: str) -> Any:
    logs = [str(log)] if log else []
    return message("job_info", jobid=number, rule_name=rule, wildcards=wildcards, log=logs)


def test_a_step_is_a_line_with_counts(console: Console, stream: io.StringIO) -> None:
    shown = [
        console.filter(begin(3, "draw_probe", session="one", probe="a")),
        console.filter(message("job_finished", job_id=3)),
        console.filter(message("progress", done=4, total=9)),
    ]
    assert shown == [False, False, False]
    assert stream.getvalue().startswith("[4/9] draw_probe one/a (")
    assert "left" not in stream.getvalue()  # as long as not all steps are known


def test_steps_that_end_together_are_counted_one_by_one(
    console: Console, stream: io.StringIO
) -> None:
    for number, rule in ((1, "index_session"), (2, "draw_session")):
        console.filter(begin(number, rule, session="one"))
        console.filter(message("job_finished", job_id=number))
    console.filter(message("progress", done=6, total=8))
    lines = stream.getvalue().splitlines()
    assert [line[:5] for line in lines] == ["[5/8]", "[6/8]"]
    console.filter(begin(3, "write_gallery"))
    console.filter(message("job_finished", job_id=3))
    console.filter(message("progress", done=7, total=8))
    last = stream.getvalue().splitlines()[-1]
    assert last.startswith("[7/8] write_gallery (")
    assert last.endswith(" left")


def test_a_failure_has_its_reason(console: Console, stream: io.StringIO, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("something\n\nerror: a.nwb: truncated. Restore it.\n")
    console.filter(begin(1, "summarize_probe", log, session="one", probe="a"))
    assert not console.filter(
        message("job_error", logging.ERROR, jobid=1, rule_name="summarize_probe", log=[str(log)])
    )
    assert stream.getvalue().splitlines() == [
        f"failed: summarize_probe one/a; all of its log: {log}",
        "    something",
        "    error: a.nwb: truncated. Restore it.",
    ]


def test_warnings_and_errors_are_printed_by_snakemake(
    console: Console, stream: io.StringIO
) -> None:
    assert console.filter(message(level=logging.ERROR))
    assert console.filter(message("error", logging.ERROR))
    assert console.filter(message(level=logging.WARNING))
    assert not console.filter(message())
    assert not console.filter(message("run_info"))
    assert stream.getvalue() == ""
