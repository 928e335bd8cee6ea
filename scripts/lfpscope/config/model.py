"""Every setting: its type, default and range, and what it does.

config/README.md and the JSON schema are written from these classes; see `lfpscope.config.docs`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# a text among the annotations says in words which values fit
Path = Annotated[str, Field(min_length=1), "a path on a disk"]
Results = Annotated[str, Field(pattern="^[^{}<>]+$"), "a path on a disk without any of {}<>"]
Mirror = Annotated[str, Field(min_length=1), "a folder or an https:// or s3:// address"]
Host = Annotated[str, Field(min_length=1), "a host"]
Columns = Annotated[
    list[Annotated[str, Field(min_length=1)]], "a list of columns, as [orientation]"
]
BandName = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9 _-]*$")]
Edges = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2, max_length=2)]
Bands = Annotated[dict[BandName, Edges], "names, each with two edges in Hz, as theta: [4, 10]"]
NUMBER, HZ = r"[0-9]+(\.[0-9]+)?", " ?[Hh][Zz]"
WORD = (  # of a transform: `lfpscope.signals.transform` reads it
    "(median(:(probe|shank|area))?|bipolar|csd|derivative|"
    f"{NUMBER}-{NUMBER}{HZ}|[<>]{NUMBER}{HZ}|notch:{NUMBER})"
)
ViewName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
TransformText = Annotated[str, Field(pattern=f"^{WORD}([ ,]+{WORD})*$")]
Views = Annotated[
    dict[ViewName, TransformText],
    'names, each with a transform, as theta: "median 4-10 Hz"',
]
PositiveInteger = Annotated[int, Field(ge=1)]


class Group(BaseModel):
    """Settings under one key. Unknown keys and values of other types are refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


class Select(Group):
    """Which of Allen's sessions `list_allen_sessions` takes."""

    session_type: str = Field(
        default="",
        description="The set of stimuli, such as `brain_observatory_1.1`. Empty for any.",
    )
    full_genotype: str = Field(
        default="", description="The genotype or a part of it, such as `Sst`. Empty for any."
    )
    ecephys_structure_acronyms: str = Field(
        default="",
        description="Brain areas with commas between, such as `VISp, CA1`; a session must have "
        "channels in each. Empty for any.",
    )


class Allen(Group):
    """Where the sessions of the Allen Institute come from."""

    scheme: Literal["http", "https"] | None = Field(
        default=None,
        description="Scheme of a warehouse other than Allen's; with `host` or not at all.",
    )
    host: Host | None = Field(
        default=None,
        description="Host of a warehouse other than Allen's, with its port where it has one.",
    )
    mirror: Mirror | None = Field(
        default=None,
        description="A copy of AllenSDK's cache folder with its `probes.csv`. Allen's sessions "
        "are then read in place; nothing is downloaded and AllenSDK is not needed.",
    )
    session_nwb: bool = Field(
        default=False,
        description="`true`: Allen's own file of each session, 1.7 to 3.3 GB, is downloaded as "
        "well, for its stimuli and epochs in `intervals.csv`, running and pupil in "
        "`behavior.zarr.zip`. Where it is in the cache or the mirror it is read anyway.",
    )
    select: Select = Select()


class Download(Group):
    """How long to wait for servers that files are downloaded from."""

    stall_seconds: float = Field(
        default=60,
        gt=0,
        description="Seconds without a byte after which a query or a download has failed and is "
        "tried again. However slow, one that goes on is no failure.",
    )
    tries: PositiveInteger = Field(
        default=5,
        description="How often each query and each file is asked for. A download goes on where "
        "the try before ended.",
    )


class Summary(Group):
    """The one pass over each probe."""

    bucket: int = Field(
        default=128,
        ge=8,
        le=65536,
        description="Samples per bucket of the finest level of the envelope. Fewer make zooming "
        "between envelope and samples quicker, and the envelope larger: 128 takes about 3 % of "
        "the NWB file's bytes, 64 twice that.",
    )


class Quality(Group):
    """From where on a channel is dead, noisy, outside, drifting or has mains."""

    radius_um: float = Field(
        default=100,
        gt=0,
        description="Neighbours lie within so many µm of a channel.",
    )
    silent_uv: float = Field(
        default=0.5,
        ge=0,
        description="Standard deviation in µV below which a channel is silent.",
    )
    quiet_db: float = Field(
        default=8,
        gt=0,
        description="A channel is dead where all bands are so many dB below its neighbours.",
    )
    loud_db: float = Field(
        default=8,
        gt=0,
        description="A channel is noisy where all bands are so many dB above its neighbours.",
    )
    hf_db: float = Field(
        default=6,
        gt=0,
        description="A channel is noisy where high frequencies are so many dB above its "
        "neighbours.",
    )
    similarity: float = Field(
        default=0.4,
        gt=0,
        description="A channel is dead or noisy where its similarity is so far below its "
        "neighbours'.",
    )
    surface_db: float = Field(
        default=7,
        gt=0,
        description="The level falls by so many dB at the brain's surface.",
    )
    mains_db: float = Field(
        default=10,
        gt=0,
        description="Mains stands so many dB out of the frequencies beside it.",
    )
    drift_share: float = Field(
        default=0.8,
        gt=0,
        description="Share of the variance below 0.5 Hz of a drifting channel.",
    )
    drift_db: float = Field(
        default=10,
        gt=0,
        description="Power of a drifting channel below 0.5 Hz, in dB above that of its neighbours.",
    )
    least_s: float = Field(
        default=2,
        ge=0,
        description="Seconds of valid windows without which nothing is said of a channel.",
    )


class Periods(Group):
    """From where on a stretch of time is an artefact, theta or a ripple in `periods.csv`."""

    artefact_share: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="An artefact is beyond the usual range on more than this share of the "
        "channels at once, and on two at least. Averages leave out trials that touch one.",
    )
    artefact_sd: float = Field(
        default=12,
        gt=0,
        description="The usual range of a channel ends so many robust standard deviations above "
        "the median of its peaks in 0.1 s.",
    )
    theta_ratio: float = Field(
        default=2,
        gt=0,
        description="Theta is where the power of 4 to 10 Hz is so many times that of 0.5 to 4 Hz, "
        "in the median of the eight good channels that have most of it.",
    )
    ripple_sd: float = Field(
        default=3,
        gt=0,
        description="A ripple stands so many standard deviations above the mean of 150 to 250 Hz, "
        "on the eight good channels with most of it, of those in CA1 to CA3 where the file names "
        "some.",
    )


class Evoked(Group):
    """The averages around intervals."""

    before: float = Field(
        default=0.25,
        ge=0,
        le=10,
        description="Seconds of a trial before the onset of its interval.",
    )
    after: float = Field(
        default=0.75,
        gt=0,
        le=10,
        description="Seconds of a trial after the onset of its interval.",
    )
    kinds: int = Field(
        default=16,
        ge=1,
        le=64,
        description="How many kinds of intervals are averaged, those with most intervals first. "
        "A kind is a name in `intervals.csv`.",
    )
    conditions: Columns = Field(
        default=[],
        description="Columns of `intervals.csv`: each value of theirs has an average of its own "
        "beside that of its kind, up to 128 of a kind and column. An average of a released probe "
        "takes 0.5 MB; how many there are and what they take is printed before.",
    )
    smooth_um: float = Field(
        default=0,
        ge=0,
        description="Width (SD) in µm of the Gaussian that smooths the CSD over depth in the "
        "pictures, and is stated there; 0 for none.",
    )
    smooth_ms: float = Field(
        default=0,
        ge=0,
        description="Width (SD) in ms of the Gaussian that smooths the CSD over time in the "
        "pictures, and is stated there; 0 for none.",
    )


class Overview(Group):
    """Pictures of complete recordings."""

    width: int = Field(default=1600, ge=640, le=16384, description="Width in pixels.")
    height: int = Field(
        default=1000,
        ge=400,
        le=16384,
        description="Height in pixels; that of a session is larger where it has more probes "
        "than fit.",
    )
    microvolts: float = Field(
        default=250,
        gt=0,
        description="Scale of the traces in µV, the same for all probes so that they can be "
        "compared; the colours of amplitude (RMS) end at half of it.",
    )


class Verify(Group):
    """The comparison of results with the files."""

    chunks: PositiveInteger | Literal["all"] = Field(
        default=32,
        description="How many chunks of each probe are compared with what h5py reads, at random "
        "places, and as many buckets of the envelope and timestamps; or `all`, which takes as "
        "long as h5py takes to read the probe. Of a file on a server 4.",
    )


class Settings(Group):
    """All settings."""

    sessions: Path = Field(default="config/sessions.tsv", description="The table of sessions.")
    results: Results = Field(
        default="results", description="The folder of results. Its path may hold spaces."
    )
    cache: Path = Field(
        default="resources",
        description="The folder for NWB files that are simulated or downloaded. Nothing in it is "
        "ever deleted, and a complete file is never written again.",
    )
    keep: bool = Field(
        default=False,
        description="`true`: files that `nwb` rows name at `https://` (or `http://`) addresses "
        "are downloaded once, to `<cache>/https/<host>/<path>`, and read there from then on; "
        "`list_session` still looks at them in place. How patiently: `download`; how many at "
        "once: `--resources downloads=2`. An address that is no path as it stands, with a port "
        "or a query, gets a checksum in its name. `s3://` addresses and `allen: mirror` stay in "
        "place.",
    )
    on_damage: Literal["mask", "fail"] = Field(
        default="mask",
        description="What happens at a chunk that is missing or does not decode. `mask`: its "
        "samples count as damaged, enter no statistics, and are hatched in the pictures; the run "
        "goes on, names the probe at its end, and fails. `fail`: the probe's summary ends there, "
        "and names channel, time and byte.",
    )
    allen: Allen = Allen()
    download: Download = Download()
    summary: Summary = Summary()
    spectrum: bool = Field(
        default=True,
        description="Spectra and channel quality are computed in the pass over each probe: "
        "`spectrum.zarr.zip`, its picture, and the labels in `channels.csv`. `false` leaves them "
        "out.",
    )
    bands: Bands = Field(
        default={
            "delta": [0.5, 4.0],
            "theta": [4.0, 10.0],
            "beta": [10.0, 30.0],
            "gamma": [30.0, 80.0],
            "high gamma": [80.0, 200.0],
        },
        description="Named frequency bands: power over time, RMS in `channels.csv`, coherence. "
        "A band that reaches beyond half the sampling rate is left out.",
    )
    views: Views = Field(
        default={},
        description="Complete recordings that are shown transformed, by a name: a reference "
        "(`median`, `median:shank`, `median:area`, `bipolar`) or what is computed over depth "
        "(`csd`, `derivative`), a band (`4-10 Hz`, `>0.5 Hz`, `<300 Hz`), `notch:50` for mains "
        "with its harmonics, or several of these. Each is a pass "
        "over each probe and a file `views/<name>.zarr.zip` of 2 to 3 % of the source's bytes; "
        "a probe that cannot have it (an edge beyond half its rate, no depth) is named with the "
        "reason at the end of the run. Any other transform the viewer makes when it is asked for.",
    )
    quality: Quality = Quality()
    periods: Periods = Periods()
    evoked: Evoked = Evoked()
    overview: Overview = Overview()
    verify: Verify = Verify()


MOVED = {
    "allen.stall_seconds": "download.stall_seconds",
    "allen.tries": "download.tries",
}
"""Keys of earlier versions, and what they are called now."""
