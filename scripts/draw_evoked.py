"""Draw what intervals evoke on a probe: LFP and CSD over depth and time."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.render import evoked as pictures
from lfpscope.render.evoked_maps import Smoothing, open_probe


def draw_evoked(
    references: Path,
    envelope: Path,
    channels: Path,
    evoked: Path,
    *,
    picture: Path,
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
    width
        Of the picture in pixels.
    smooth_um, smooth_ms
        Standard deviations of the Gaussians by which the CSD is smoothed; 0 for none.
    """
    probe = open_probe(references, envelope, channels, evoked)
    pictures.draw_evoked(probe, picture, width=width, smoothing=Smoothing(smooth_um, smooth_ms))


if __name__ == "__main__":
    program(draw_evoked)
