"""Every channel of every probe of every session of Neuropixels LFP, seen in place."""

from snakemake.utils import min_version

min_version("9.19.0")  # profile.yaml, pathvars


include: "rules/workarounds.smk"
include: "rules/config.smk"
include: "rules/targets.smk"


pathvars:
    results=config["results"],


# `--lint` wants an image or an environment for each rule. Rules run in the Python environment that
# runs Snakemake; with `--sdm apptainer` they would need an image that has what envs/pipeline.txt names
container: "docker://python:3.11-slim-bookworm"


report: "rules/report/workflow.rst"


include: "rules/sources.smk"
include: "rules/plan.smk"
include: "rules/index.smk"
include: "rules/summary.smk"
include: "rules/overview.smk"
include: "rules/spectrum.smk"
include: "rules/viewer.smk"
include: "rules/gallery.smk"
include: "rules/verify.smk"


rule all:
    """Everything, and a last look at whether every probe is complete."""
    default_target: True
    input:
        GONE,
        "<results>/complete.txt",
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


rule viewers:
    """A viewer for each session."""
    input:
        VIEWERS,
    localrule: True


rule verify:
    """References and envelopes of all probes compared with their files."""
    input:
        VERIFIED,
    localrule: True


onstart:
    start_without_pace()
    LAST_LINES.unlink(missing_ok=True)


onsuccess:
    page = Path(config["results"], "index.html")
    seen = f" All is seen in {page}." if page.is_file() else ""
    print(f"Done.{seen} The log of each job is in logs/.")
    if LAST_LINES.is_file():
        print(LAST_LINES.read_text(), end="")


onerror:
    print(
        f"Not all is done; what did work is in {config['results']}/. The log of each job is in "
        "logs/<rule>/<session>/<probe>.log. Correct what is wrong and run again.",
        flush=True,  # before what other programs print
    )
    show_what_exists()
