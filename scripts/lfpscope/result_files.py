"""Names of the files that a run makes, as the rules have them."""

from pathlib import Path

# of a probe
SOURCE = "source.json"
REFERENCES = "lfp.json"
INDEX = "index.json"
ENVELOPE = "envelope.zarr.zip"
CHANNELS = "channels.csv"
PERIODS = "periods.csv"
OVERVIEW = "overview.png"  # of a session too
THUMBNAIL = "thumbnail.png"
THUMBNAIL_LEVELS = "thumbnail_levels.png"  # codes, which the gallery colours
SPECTRA = "spectrum.zarr.zip"
SPECTRUM = "spectrum.png"
SPECTRUM_SMALL = "spectrum_small.png"
EVOKED_AVERAGES = "evoked.zarr.zip"
RESPONSES = "evoked.csv"
EVOKED = "evoked.png"  # of a session too
VERIFIED = "verified.json"

# of a session
SESSION_REFERENCES = "session.json"
INTERVALS = "intervals.csv"
BEHAVIOR = "behavior.zarr.zip"
VIEWER = "viewer.py"
BAD_CHANNELS = "bad_channels.tsv"  # which a user writes
MARKS = "marks.csv"  # which the viewer writes
VIEWS = (
    "views"  # folder of pictures that the viewer saves; of a probe, of its transformed envelopes
)

# of a run
PROBES = "probes.tsv"
RESERVED = {  # which no session may be named as
    *(PROBES, "checked.tsv", "index.html", "run.json"),
    *("allensdk.json", "allen_sessions.tsv", "complete.txt"),
    *("lfpscope", "logs", "benchmarks"),
}


def probe_folder(results: Path, session: str, probe: str) -> Path:
    """Return the folder of a probe's results.

    >>> probe_folder(Path("results"), "demo-1", "100000011").as_posix()
    'results/demo-1/probes/100000011'
    """
    return results / session / "probes" / probe


def find_probe_folders(session: Path) -> list[Path]:
    """Find the folders of a session's probes that were indexed."""
    return [path.parent for path in sorted(session.glob(f"probes/*/{REFERENCES}"))]
