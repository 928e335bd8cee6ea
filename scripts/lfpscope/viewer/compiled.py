"""Loops that numba compiles when they run first: run once, so that no viewer waits for them.

numba keeps what it has compiled in the library's own `__pycache__`, for each type of samples. All
viewers of a folder of results share one copy of the library, and so what is compiled.
"""

import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.atomic import write_text

WIDTH, HEIGHT = 640, 400  # pixels
SAMPLES = 2, 0.1  # seconds that are drawn from samples: many in a pixel, and far apart
PROBES = "*/probes/*/envelope.zarr.zip"  # in the folder of results


def compile_loops(results: Path, *, compiled: Path) -> None:
    """Compile the loops of the library in a folder of results by drawing some of its probes.

    Parameters
    ----------
    results : Path
        With sessions, and the library `lfpscope` beside them.
    compiled : Path
        Text to write: the probes that were drawn, one of each type of samples.
    """
    # a process of its own, in which the library is the one in the folder of results; if it fails,
    # the first viewer compiles what is missing
    draw = [sys.executable, "-m", "lfpscope.viewer.compiled"]
    done = subprocess.run(draw, cwd=results, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603
    print(done.stdout, end="")
    write_text(compiled, done.stdout)


def draw_each_type(results: Path) -> None:
    """Draw one probe of each type of samples, complete and close, as traces and as heat map."""
    drawn = set[str]()
    for envelope in sorted(results.glob(PROBES)):
        with suppress(UserError, OSError, LookupError):  # the viewer says it where it is looked at
            kind = _type_of_samples(envelope)
            if kind not in drawn:
                draw_both_ways(envelope.parent)
                drawn.add(kind)
                print(f"{envelope.parent.relative_to(results)}: {kind}", flush=True)


def _type_of_samples(envelope: Path) -> str:
    from lfpscope.envelope.zarr_zip import Store

    with closing(Store(envelope)) as store:
        return str(store.attributes()["dtype"])


def draw_both_ways(folder: Path) -> None:
    """Draw a probe in each mode, complete from its envelope and close from samples.

    With a median reference too, and of one onset an average, as the viewer makes them of what is
    chosen. The pass over a complete transformed recording is not: it takes 20 s to compile.
    """
    from lfpscope.envelope.read import OpenProbe
    from lfpscope.evoked.averages import average_intervals
    from lfpscope.evoked.kinds import Kind
    from lfpscope.references.open import open_references
    from lfpscope.viewer.picture import draw_probe
    from lfpscope.viewer.view_state import MODES, State

    with OpenProbe(open_references(folder / "lfp.json"), folder / "envelope.zarr.zip") as probe:
        clock, name = probe.references.clock, probe.references.probe
        complete = State(clock.t0, clock.t1, 250.0, probes=(name,))
        close = (complete.at(clock.t0, min(clock.t0 + one, clock.t1)) for one in SAMPLES)
        for state in (complete, *close):
            for mode in MODES:
                draw_probe(probe, state.drawn_as(mode), WIDTH, HEIGHT)
        average_intervals(probe.references, [Kind("one", (clock.t0 + SAMPLES[0] / 2,))])
        median = replace(complete.at(clock.t0, clock.t0 + min(SAMPLES)), transform="median")
        draw_probe(probe, median, WIDTH, HEIGHT)


if __name__ == "__main__":
    draw_each_type(Path.cwd())
