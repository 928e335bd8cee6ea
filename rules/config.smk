"""The settings and the table of sessions, checked before any job."""

import json
import os
import sys
from functools import cache
from pathlib import Path

from lfpscope.config.read import check_settings, merge, parse_arguments, read_settings
from lfpscope.errors import UserError
from lfpscope.sources.sessions_table import read_sessions
from lfpscope.ids import ID


def load_settings():
    """Merge config/config.yaml, --configfile and --config, as they were typed, and check them.

    Where another workflow uses this one as a module, it gives all that is not the default.
    """
    if not workflow.modifier.is_main_snakefile():
        found = check_settings(config)
        return found | {"results": os.path.join(take_prefix(), found["results"])}
    # Snakemake has made numbers of what looks like one, texts of all that is in braces
    typed = parse_arguments(workflow.config_settings.config_args or [])
    own = read_settings(Path("config", "config.yaml"))
    return check_settings(merge(own, config, typed))


@cache
def sessions():
    """Rows of the sessions table by their ids."""
    return {row.session: row for row in read_sessions(Path(config["sessions"]))}


try:
    config.update(load_settings())
    if workflow.is_main_process:
        sessions()
except UserError as error:
    sys.exit(f"error: {error}")


def settings():
    """The configuration as JSON, without the folder of results, in which it will stand."""
    return json.dumps({key: config[key] for key in config if key != "results"})


wildcard_constraints:
    session=ID,
    probe=ID,
    view=ID,
