"""From where on a channel is bad."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """From where on a channel is bad; keys of the configuration's `quality`.

    Attributes
    ----------
    radius_um : float
        Channels within it are neighbours, µm.
    silent_uv : float
        Standard deviation below which a channel is silent, µV.
    quiet_db : float
        Level of every band below that of the neighbours at which a channel is dead.
    loud_db : float
        Level of every band above it at which a channel is noisy.
    hf_db : float
        High-frequency level above it at which a channel is noisy.
    similarity : float
        How far below the neighbours' similarity that of a dead or noisy channel lies.
    surface_db : float
        Fall of the level, the mean of the bands, at the brain's surface.
    mains_db : float
        Mains over the frequencies beside it.
    drift_share : float
        Share of the variance below 0.5 Hz of a drifting channel.
    drift_db : float
        Power below 0.5 Hz above that of the neighbours of a drifting channel.
    least_s : float
        Seconds of valid windows without which nothing is said of a channel.
    """

    radius_um: float = 100.0
    silent_uv: float = 0.5
    quiet_db: float = 8.0
    loud_db: float = 8.0
    hf_db: float = 6.0
    similarity: float = 0.4
    surface_db: float = 7.0
    mains_db: float = 10.0
    drift_share: float = 0.8
    drift_db: float = 10.0
    least_s: float = 2.0
