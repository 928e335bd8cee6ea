"""Draw what intervals evoke on a probe: LFP and CSD over depth and time."""

from pathlib import Path

import numpy as np

from lfpscope.cli import program
from lfpscope.envelope.read import Probe
from lfpscope.evoked.files import read_evoked
from lfpscope.references.model import open_references
from lfpscope.render import evoked as render


def draw_evoked(
    references: Path,
    envelope: Path,
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
    references, envelope, evoked
        Of the probe.
    picture
        To write, PNG.
    width
        Of the picture in pixels.
    smooth_um, smooth_ms
        Standard deviations of the Gaussians by which the CSD is smoothed; 0 for none.
    """
    with Probe(open_references(references), envelope) as probe:
        kinds, remarks = read_evoked(evoked, probe.references)
        r = probe.references
        bad = np.asarray(probe.dead, dtype=np.bool_)
        drawn = render.EvokedProbe(
            r.session, r.probe, r.channels, bad, kinds, probe.doubts, remarks
        )
    render.draw_evoked(
        drawn, picture, width=width, smoothing=render.Smoothing(smooth_um, smooth_ms)
    )


if __name__ == "__main__":
    program(draw_evoked)
