"""Draw the complete recording of one probe."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.render import overviews


def draw_probe(
    references: Path,
    envelope: Path,
    *,
    overview: Path,
    thumbnail: Path,
    intervals: Path | None = None,
    width: int = 1600,
    height: int = 1000,
    microvolts: float = 250,
    threads: int = 1,
) -> None:
    """Draw the complete recording of one probe, all channels.

    Parameters
    ----------
    references
        References of the probe.
    envelope
        Its envelope.
    overview
        Picture to write, PNG.
    thumbnail
        Small picture to write, PNG.
    intervals
        Table of the session's intervals, to be shown above the traces.
    width, height
        Size of the overview in pixels.
    microvolts
        Scale of the traces; half of it is the upper end of the colours.
    threads
        How many draw at once.
    """
    overviews.draw_probe(
        references,
        envelope,
        overview=overview,
        thumbnail=thumbnail,
        intervals=intervals,
        width=width,
        height=height,
        microvolts=microvolts,
        threads=threads,
    )


if __name__ == "__main__":
    program(draw_probe)
