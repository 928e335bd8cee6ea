"""Summarise one probe in a single pass over its chunks."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.io.http import traffic
from lfpscope.references.open import open_references
from lfpscope.summary.summarize import OnDamage, build_envelope, write_channels


def summarize_probe(
    references: Path,
    *,
    envelope: Path,
    channels: Path,
    bucket: int = 128,
    threads: int = 2,
    on_damage: OnDamage = "mask",
) -> None:
    """Summarise one probe in a single pass over its chunks.

    Parameters
    ----------
    references
        References of the probe.
    envelope
        Multi-resolution envelope to write, a .zarr.zip.
    channels
        Table to write: a row of statistics per channel.
    bucket
        Samples per bucket of the envelope's finest level.
    threads
        How many chunks to decode at once.
    on_damage
        Whether damaged chunks are left out and counted, or an error.
    """
    summary = build_envelope(
        open_references(references),
        envelope,
        bucket=bucket,
        threads=threads,
        on_damage=on_damage,
    )
    write_channels(summary, channels)
    if asked := traffic():
        print(f"asked {asked}")
    if summary.damage:
        print(summary.describe_damage())


if __name__ == "__main__":
    program(summarize_probe)
