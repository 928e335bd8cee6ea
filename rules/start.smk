"""What cannot work, said in a line before any job."""

import platform
import shutil
import sys
from importlib.util import find_spec

from snakemake.exceptions import WorkflowError

# of the packages in envs/pipeline.txt, those that Snakemake does not bring
PACKAGES = ("cyclopts", "h5py", "numba", "numcodecs", "xarray")


def refuse(problem):
    """End the run with a line."""
    sys.exit(f"error: {problem}")


def check_system():
    """Refuse Windows, whose files can be neither locked nor replaced as is needed here."""
    if platform.system() == "Windows":
        refuse("lfpscope runs on Linux and macOS. On Windows run it in WSL.")


def check_packages():
    """Refuse a Python that lacks the packages which the rules' programs import."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        pins = HOUSE / "envs" / "pipeline.txt"
        refuse(
            f"{sys.executable}: packages are missing here ({', '.join(missing)}). Run "
            f"`uv run snakemake`, or install them: `pip install -r {pins}`."
        )


def check_deployment():
    """Refuse environments and containers that Snakemake would make: rules have none of their own."""
    settings = workflow.deployment_settings
    asked = settings.deployment_method if settings else ()
    if asked:
        names = " ".join(sorted(str(one) for one in asked))
        refuse(
            f"--software-deployment-method {names}: rules run in the environment that runs "
            "Snakemake. Leave it out; envs/pipeline.yaml (conda) and envs/pipeline.def (Apptainer) "
            "make such an environment."
        )


def check_storage():
    """Refuse storage other than disks: programs read and write files by their paths."""
    settings = workflow.storage_settings
    if settings and settings.default_storage_provider:
        refuse(
            f"--default-storage-provider {settings.default_storage_provider}: results lie on a "
            "disk that all jobs see. Leave it out; NWB files may be at s3:// and https:// addresses."
        )


def check_targets():
    """Refuse --until and --batch, which end a run in silence before what a checkpoint leads to.

    Snakemake looks for their rules before it knows the probes (snakemake/snakemake#2824), and has
    read its arguments, but not yet passed them on, when it reads this file (9.27).
    """
    words = {word.partition("=")[0] for word in sys.argv}
    for option in sorted(words & {"--until", "-U", "--batch"}):
        refuse(
            f"{option} does not reach what is known only once probes are listed. Name a target "
            "instead, such as index, summaries, overviews, viewers or verify; for a part of the "
            "sessions a table of them: --config sessions=FILE."
        )


def check_executor():
    """Refuse executors that cannot work; known once all is parsed."""
    executor = workflow.executor_plugin
    if executor.common_settings.implies_no_shared_fs:
        raise WorkflowError(
            f"executor {executor.name}: jobs need a disk that all of them see. Use another one."
        )
    if executor.name == "slurm" and not shutil.which("sbatch"):
        raise WorkflowError(
            "executor slurm: there is no `sbatch` here. Run it on a login node of the cluster, or "
            "without --profile profiles/slurm."
        )


check_system()
check_packages()
check_deployment()
check_storage()
check_targets()
