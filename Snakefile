"""Every channel of every probe of every session of Neuropixels LFP, seen in place."""

from snakemake.utils import min_version

min_version("9.19.0")  # profile.yaml, pathvars


include: "rules/workarounds.smk"
include: "rules/start.smk"
include: "rules/config.smk"
include: "rules/targets.smk"
include: "rules/params.smk"
include: "rules/resources.smk"
include: "rules/last_lines.smk"


pathvars:
    results=config["results"],
    logs=f"{config['results']}/logs",
    benchmarks=f"{config['results']}/benchmarks",


report: "rules/report/workflow.rst"


include: "rules/sources.smk"
include: "rules/allen.smk"
include: "rules/plan.smk"
include: "rules/index.smk"
include: "rules/summary.smk"
include: "rules/views.smk"
include: "rules/overview.smk"
include: "rules/spectrum.smk"
include: "rules/evoked.smk"
include: "rules/viewer.smk"
include: "rules/gallery.smk"
include: "rules/verify.smk"


rule all:
    """Everything, and a last look at whether every probe is complete."""
    default_target: True
    input:
        GONE,
        VIEWS,
        "<results>/complete.txt",
        "<results>/lfpscope/COMPILED",
    localrule: True


rule index:
    """References of all probes, combined for each session."""
    input:
        INDEX,
    localrule: True


rule summaries:
    """Envelope and channel statistics of all probes."""
    input:
        SUMMARIES,
    localrule: True


rule overviews:
    """Pictures of the whole recording, of all probes and sessions."""
    input:
        OVERVIEWS,
    localrule: True


rule averages:
    """Averages around intervals, and their pictures, of all probes and sessions."""
    input:
        EVOKED,
    localrule: True


rule viewers:
    """A viewer for each session, and the library for all of them."""
    input:
        VIEWERS,
    localrule: True


rule verify:
    """References and envelopes of all probes compared with their files."""
    input:
        VERIFIED,
    localrule: True


name_environment()


onstart:
    check_executor()
    start_without_pace()
    print_steps()
    LAST_LINES.unlink(missing_ok=True)


onsuccess:
    page = Path(config["results"], "index.html")
    seen = f" All is seen in {page}." if page.is_file() else ""
    print(f"Done.{seen} The log of each job is in {config['results']}/logs/.")
    if LAST_LINES.is_file():
        print(LAST_LINES.read_text(), end="")


onerror:
    print(
        f"Not all is done; what did work is in {config['results']}/. The log of each job is in "
        f"{config['results']}/logs/<rule>/<session>/<probe>.log. Correct what is wrong and run again.",
        flush=True,  # before what other programs print
    )
    show_what_exists()
