"""Find periods of a probe: gaps, damage, saturation, artefacts, theta, ripples."""

from lfpscope.cli import run
from lfpscope.periods.find import find_periods

if __name__ == "__main__":
    run(find_periods)
