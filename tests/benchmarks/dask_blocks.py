"""min and std of a complete recording with dask, beside the time of the pass (speed.py).

``uv run python tests/benchmarks/dask_blocks.py SESSION PROBE``, a folder of results and a probe.
"""

import resource
import subprocess
import sys
import time

import lfpscope


def measure(session: str, probe: str, what: str) -> None:
    """Print what one reduction costs, and what opening and ten seconds cost."""
    before = time.perf_counter()
    lfp = lfpscope.open_session(session, chunks={})[probe].lfp
    opened = time.perf_counter()
    start = float(lfp.time[0])
    lfp.sel(time=slice(start + 10, start + 20)).compute()
    read, cpu = time.perf_counter(), time.process_time()
    getattr(lfp, what)("time").compute()
    wall, cpu = time.perf_counter() - read, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"open {opened - before:.2f} s, 10 s of samples {read - opened:.2f} s, "
        f"{what} {wall:.2f} s, {cpu:.2f} s of CPU, {memory:.0f} MB, blocks {lfp.data.chunksize}"
    )


if __name__ == "__main__":
    session, probe, *what = sys.argv[1:]
    if what:
        measure(session, probe, what[0])
    else:
        for one in ("min", "std"):  # each in a process of its own, for its memory
            subprocess.run([sys.executable, __file__, session, probe, one], check=True)
