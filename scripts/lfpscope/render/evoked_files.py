"""Pictures of averages, from the files of probes."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lfpscope.render.evoked import draw_averages
from lfpscope.render.evoked_maps import Smoothing, open_probe
from lfpscope.render.evoked_session import draw_session_averages

Paths = Annotated[list[Path], Parameter(consume_multiple=True)]


def draw_evoked(
    references: Path,
    envelope: Path,
    channels: Path,
    evoked: Path,
    *,
    picture: Path,
    by_hand: Path | None = None,
    width: int = 1600,
    smooth_um: float = 0.0,
    smooth_ms: float = 0.0,
) -> None:
    """Draw what intervals evoke on a probe: LFP and CSD over depth and time.

    Parameters
    ----------
    references, envelope, channels, evoked
        Of the probe.
    picture
        To write, PNG.
    by_hand
        Table of labels that a user wrote.
    width
        Of the picture in pixels.
    smooth_um, smooth_ms
        Standard deviations of the Gaussians by which the CSD is smoothed; 0 for none.
    """
    probe = open_probe(references, envelope, channels, evoked, by_hand)
    draw_averages(probe, picture, width=width, smoothing=Smoothing(smooth_um, smooth_ms))


def draw_session_evoked(
    *,
    references: Paths,
    envelopes: Paths,
    channels: Paths,
    evoked: Paths,
    session: str,
    picture: Path,
    by_hand: Path | None = None,
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
    by_hand
        Table of labels that a user wrote.
    width
        Of the picture in pixels; it is wider where there are many probes.
    smooth_um, smooth_ms
        Standard deviations of the Gaussians by which the CSD is smoothed; 0 for none.
    """
    files = zip(references, envelopes, channels, evoked, strict=True)
    probes = [open_probe(*of_probe, by_hand) for of_probe in files]
    smoothing = Smoothing(smooth_um, smooth_ms)
    draw_session_averages(probes, picture, session=session, width=width, smoothing=smoothing)
