"""Draw what intervals evoke on all probes of a session, side by side at one scale."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lfpscope.cli import program
from lfpscope.render import evoked_session as pictures
from lfpscope.render.evoked_maps import Smoothing, open_probe

Paths = Annotated[list[Path], Parameter(consume_multiple=True)]


def draw_session_evoked(
    *,
    references: Paths,
    envelopes: Paths,
    channels: Paths,
    evoked: Paths,
    session: str,
    picture: Path,
    width: int = 1600,
    smooth_um: float = 0.0,
    smooth_ms: float = 0.0,
) -> None:
    """Draw what intervals evoke on all probes of a session, side by side at one scale.

    Parameters
    ----------
    references, envelopes, channels, evoked
        Of each probe, in one order.
    session
        Its id.
    picture
        To write, PNG.
    width
        Of the picture in pixels; it is wider where there are many probes.
    smooth_um, smooth_ms
        Standard deviations of the Gaussians by which the CSD is smoothed; 0 for none.
    """
    files = zip(references, envelopes, channels, evoked, strict=True)
    probes = [open_probe(*of_probe) for of_probe in files]
    smoothing = Smoothing(smooth_um, smooth_ms)
    pictures.draw_session_evoked(probes, picture, session=session, width=width, smoothing=smoothing)


if __name__ == "__main__":
    program(draw_session_evoked)
