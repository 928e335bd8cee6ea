"""Draw all probes of a session on one clock."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lfpscope.cli import program
from lfpscope.render import overviews

Paths = Annotated[list[Path], Parameter(consume_multiple=True)]


def draw_session(
    *,
    references: Paths,
    envelopes: Paths,
    session: str,
    overview: Path,
    intervals: Path | None = None,
    width: int = 1600,
    height: int = 1000,
    microvolts: float = 250,
) -> None:
    """Draw all probes of a session on one clock.

    Parameters
    ----------
    references
        References of each probe.
    envelopes
        Envelope of each probe, in the order of `references`.
    session
        Its id.
    overview
        Picture to write, PNG.
    intervals
        Table of the session's intervals, to be shown above the probes.
    width, height
        Size of the overview in pixels.
    microvolts
        Half of it is the upper end of the colours.
    """
    overviews.draw_session(
        references,
        envelopes,
        session=session,
        overview=overview,
        intervals=intervals,
        width=width,
        height=height,
        microvolts=microvolts,
    )


if __name__ == "__main__":
    program(draw_session)
