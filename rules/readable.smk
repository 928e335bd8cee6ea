"""The configuration is YAML, before Snakemake reads it: what it would say names no line."""

import sys
from pathlib import Path

import yaml


def check_yaml(path):
    """Where a file is no YAML, say where and why in one line."""
    try:
        events = list(yaml.parse(path.read_text(encoding="utf-8")))
        if any(isinstance(event, yaml.AliasEvent) for event in events):
            raise ValueError("an alias (*) that may stand for anything")
        yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        sys.exit(f"error: {path}, line {line}: not YAML: {error.problem}. Mend it.")
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        sys.exit(f"error: {path}: not YAML: {' '.join(str(error).split())}. Mend it.")


if Path("config", "config.yaml").is_file():  # else --configfile names another
    check_yaml(Path("config", "config.yaml"))
