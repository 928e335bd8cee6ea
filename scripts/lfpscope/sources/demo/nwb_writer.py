"""The demo source: NWB files in the layout of Allen's probe LFP files, made on the spot.

Sessions are `demo-<number>`, and each number is another mouse. Odd ones have two probes of the
same length and chunk shape, which stack; even ones have probes that differ in everything, and a
gap in the second one's clock. Equal names give equal bytes on one machine with one set of packages.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import h5py
import numpy as np

from lfpscope.errors import UserError
from lfpscope.ids import demo_number
from lfpscope.io.atomic import atomic
from lfpscope.nwb.file import open_nwb
from lfpscope.sources.demo.recipes import OUTSIDE, Area, Gap, Recipe
from lfpscope.sources.demo.signals import Events, Seconds, counts

MARK = "Made by the demo of lfpscope, version 2. No animal was recorded."  # a new one for new bytes
VOLTS_PER_COUNT = 0.195e-6  # of Neuropixels 1.0 at Allen's gain
FIRST_PROBE = 100_000_000  # ids are counted from here
DATE = datetime(2019, 1, 19, 16, 54, 18, tzinfo=UTC)


def demo_probes(session: str) -> list[str]:
    """Name the probes of a demo session.

    Parameters
    ----------
    session : str
        `demo-<number>`.

    Returns
    -------
    list of str
        Probe ids: digits, as Allen's, and other ones in every session.

    Raises
    ------
    UserError
        If `session` is not the name of a demo session.
    """
    return [_probe_id(_number(session), index) for index in (1, 2)]


def make_probe(session: str, probe: str, path: Path) -> None:
    """Make the NWB file of one probe, completely or not at all.

    Parameters
    ----------
    session, probe : str
        Ids, as `demo_probes` gives them.
    path : Path
        Where the file shall be.

    Raises
    ------
    UserError
        If there is no such session or probe.
    """
    write_nwb(session, probe, demo_recipe(session, probe), path)


def is_demo_complete(path: Path, session: str, probe: str) -> bool:
    """Tell whether a file is this probe, complete, and made by this version of the demo.

    No sample is read: HDF5 refuses a truncated file when it opens it.
    """
    recipe = demo_recipe(session, probe)
    try:
        with open_nwb(path) as file:
            found = [
                file[name].asstr()[()]
                for name in ("identifier", "general/session_id", "general/notes")
            ]
            shape = file[f"acquisition/probe_{probe}_lfp/probe_{probe}_lfp_data/data"].shape
    except (UserError, OSError, RuntimeError, KeyError, AttributeError, TypeError):
        return False  # cut short, damaged, or some other file
    return found == [probe, session, MARK] and shape == (recipe.n_samples, recipe.n_channels)


def _number(session: str) -> int:
    number = demo_number(session)
    if number is None:
        raise UserError(
            f"session {session!r}: not a demo session. Name it demo-1, demo-2 and so on, "
            "or give it another source than demo."
        )
    return number


def _probe_id(number: int, index: int) -> str:
    return str(FIRST_PROBE + 10 * number + index)


def demo_recipe(session: str, probe: str) -> Recipe:
    """Return what a probe of a demo session is made of.

    Raises
    ------
    UserError
        If there is no such session or probe.
    """
    probes = demo_probes(session)
    if probe not in probes:
        raise UserError(f"session {session}: no probe {probe!r}. It has {' and '.join(probes)}.")
    number, index = _number(session), probes.index(probe)
    return (_odd_session if number % 2 else _even_session)(number)[index]


def _odd_session(number: int) -> tuple[Recipe, Recipe]:
    """Two probes that can be stacked; the second one has a channel with each fault but silence."""
    first = Recipe(
        session=number,
        probe=1,
        label="probeA",
        areas=_areas("TH 600, LGd 560, DG 620, CA1 600, cc 120, VISp 920"),
        n_channels=93,
        n_samples=150_000,
        chunk=11_719,
        timestamps_chunk=2_344,
        start=13.58,
        rate=1249.9969812390361,
        constant=(70,),
    )
    second = Recipe(
        session=number,
        probe=2,
        label="probeB",
        areas=_areas("LP 540, DG 520, CA1 560, cc 120, VISl 860"),
        n_channels=71,
        n_samples=150_000,
        chunk=11_719,
        timestamps_chunk=2_344,
        start=13.9127,
        rate=1250.0012310452,
        noisy=(3,),
        drifting=(7,),
        mains=(20, 21, 22),
        saturated=(60,),
    )
    return first, second


def _even_session(number: int) -> tuple[Recipe, Recipe]:
    """Two probes that cannot: other lengths, chunks, starts, and a gap in the second clock."""
    first = Recipe(
        session=number,
        probe=1,
        label="probeC",
        areas=_areas("APN 560, LP 620, DG 500, CA1 580, cc 80, VISpm 840"),
        n_channels=84,
        n_samples=125_000,
        chunk=9_766,
        timestamps_chunk=1_954,
        start=5.2143,
        rate=1249.9984112507,
        constant=(61,),
    )
    second = Recipe(
        session=number,
        probe=2,
        label="probeD",
        areas=_areas("DG 420, CA1 560, cc 120, VISp 820"),
        n_channels=48,
        n_samples=160_000,
        chunk=12_500,
        timestamps_chunk=2_500,
        start=17.9306,
        rate=1250.0029007731,
        gap=Gap(sample=91_234, seconds=3.75),
        detached=(5,),
    )
    return first, second


def _areas(text: str) -> tuple[Area, ...]:
    """Read areas from the tip upwards; what remains of the probe is above the brain."""
    pairs = (part.split() for part in text.split(","))
    return tuple(Area(acronym, int(thickness)) for acronym, thickness in pairs)


def write_nwb(session: str, probe: str, recipe: Recipe, path: Path) -> None:
    """Write a recipe as an NWB file in Allen's layout."""
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.file import Subject

    with _object_ids_from(f"{session}/{probe}"):
        nwb = NWBFile(
            session_description="LFP data and associated channel info for a single Ecephys probe",
            identifier=probe,
            session_id=session,
            session_start_time=DATE,
            timestamps_reference_time=DATE,
            file_create_date=DATE,
            institution="none",
            notes=MARK,
        )
        nwb.subject = Subject(
            subject_id=session,
            age="P118D",
            sex="F",
            species="Mus musculus",
            genotype="wt/wt",
            strain="C57BL/6J",
        )
        _add_electrodes(nwb, recipe, int(probe))
        _add_lfp(nwb, recipe, probe)
        _add_stimuli(nwb, Events(recipe.session))
        # in memory: on a full disk HDF5 would end the process; and given the path itself, pynwb
        # would warn that the temporary name does not end in .nwb
        with (
            atomic(path) as part,
            h5py.File.in_memory() as file,
            NWBHDF5IO(file=file, mode="w") as io,
        ):
            io.write(nwb)
            file.flush()
            part.write_bytes(file.id.get_file_image())


def _add_electrodes(nwb: Any, recipe: Recipe, probe: int) -> None:
    device = nwb.create_device(name=recipe.label, description="Neuropixels 1.0, simulated")
    group = nwb.create_electrode_group(
        name=recipe.label,
        description="Ecephys Electrode Group",
        location="See electrode locations",
        device=device,
    )
    for name, description in {
        "probe_id": "The unique id of this channel's probe",
        "local_index": "The local index of the channel on its probe",
        "probe_vertical_position": "Length-wise position of the channel on its probe (microns)",
        "probe_horizontal_position": "Width-wise position of the channel on its probe (microns)",
        "valid_data": "Whether data from this channel is usable",
    }.items():
        nwb.add_electrode_column(name=name, description=description)
    surface = sum(area.thickness for area in recipe.areas)
    dead = recipe.constant + recipe.detached
    for row, (position, location) in enumerate(
        zip(recipe.positions.tolist(), recipe.locations, strict=True)
    ):
        local_index = 4 * row
        # Common Coordinate Framework: posterior, down, right; -1 where not registered
        below = float(surface - position)
        x, y, z = 8165 - 0.1 * below, 620 + 0.95 * below, 6862 + 0.3 * below
        if location == OUTSIDE:
            x = y = z = -1.0
        nwb.add_electrode(
            id=800_000_000 + 1000 * (probe - FIRST_PROBE) + 2 * local_index,
            probe_id=probe,
            local_index=local_index,
            probe_vertical_position=position,
            probe_horizontal_position=43,
            valid_data=row not in dead,
            location=location,
            x=x,
            y=y,
            z=z,
            imp=float("nan"),
            filtering="AP band: 500 Hz high-pass; LFP band: 1000 Hz low-pass",
            group=group,
        )


def _add_lfp(nwb: Any, recipe: Recipe, probe: str) -> None:
    from pynwb import H5DataIO
    from pynwb.ecephys import LFP, ElectricalSeries

    # whole counts times the scale, all in single precision: so are the values of Allen's files
    volts = np.empty((recipe.n_samples, recipe.n_channels), np.float32, order="F")
    volts.T[:] = counts(recipe, VOLTS_PER_COUNT * 1e6)
    volts *= np.float32(VOLTS_PER_COUNT)
    gzip: dict[str, Any] = {"compression": "gzip", "compression_opts": 9}
    series = ElectricalSeries(
        name=f"probe_{probe}_lfp_data",
        data=H5DataIO(volts, chunks=(recipe.chunk, 1), **gzip),
        timestamps=H5DataIO(recipe.timestamps, chunks=(recipe.timestamps_chunk,), **gzip),
        electrodes=nwb.create_electrode_table_region(
            region=list(range(recipe.n_channels)), description=f"lfp channels on probe {probe}"
        ),
    )
    lfp = LFP(name=f"probe_{probe}_lfp")
    nwb.add_acquisition(lfp)
    lfp.add_electrical_series(series)
    nwb.add_acquisition(series)  # it has a home already, so this becomes a soft link, as in Allen's


def _add_stimuli(nwb: Any, events: Events) -> None:
    _add_intervals(
        nwb,
        stimulus="flashes",
        onsets=events.flashes,
        seconds=events.flash_seconds,
        color=[1.0 - 2.0 * (i % 2) for i in range(events.flashes.size)],
    )
    _add_intervals(
        nwb,
        stimulus="drifting_gratings",
        onsets=events.gratings,
        seconds=events.grating_seconds,
        orientation=[45.0 * (3 * i % 8) for i in range(events.gratings.size)],
        temporal_frequency=[2.0] * events.gratings.size,
    )


def _add_intervals(
    nwb: Any, stimulus: str, onsets: Seconds, seconds: float, **columns: list[float]
) -> None:
    from pynwb.epoch import TimeIntervals

    table = TimeIntervals(
        name=f"{stimulus}_presentations", description=f"Presentations of {stimulus}"
    )
    table.add_column(name="stimulus_name", description="The kind of stimulus")
    for name in columns:
        table.add_column(name=name, description=f"The stimulus's {name.replace('_', ' ')}")
    for i, onset in enumerate(onsets.tolist()):
        table.add_interval(
            start_time=onset,
            stop_time=onset + seconds,
            stimulus_name=stimulus,
            **{name: values[i] for name, values in columns.items()},
        )
    nwb.add_time_intervals(table)


@contextmanager
def _object_ids_from(seed: str) -> Iterator[None]:
    """Let hdmf give its objects the same ids at every making, instead of random ones.

    hdmf draws an id for every object from the `uuid4` in its module `container`, and takes no
    other source of them. Not for several threads at once: a module's name is exchanged.
    """
    import hdmf.container

    rng = np.random.default_rng(list(seed.encode()))
    random_ids = hdmf.container.uuid4
    hdmf.container.uuid4 = lambda: UUID(bytes=rng.bytes(16), version=4)
    try:
        yield
    finally:
        hdmf.container.uuid4 = random_ids
