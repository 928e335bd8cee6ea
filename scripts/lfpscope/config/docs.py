"""The JSON schema of the settings and their table in config/README.md.

Write both with ``uv run python -m lfpscope.config.docs`` after a change of `lfpscope.config.model`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from lfpscope.config.model import Settings
from lfpscope.config.read import values_text

FOLDER = Path(__file__).parents[3] / "config"
START = "<!-- written by `uv run python -m lfpscope.config.docs` -->\n"
END = "<!-- end of what it writes -->\n"


class _Untitled(GenerateJsonSchema):
    """A schema without titles, which would repeat the names of the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def schema_text() -> str:
    """Write the JSON schema of the settings, for editors and other programs."""
    schema = {
        "$schema": GenerateJsonSchema.schema_dialect,
        **Settings.model_json_schema(schema_generator=_Untitled),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def table_text() -> str:
    """Write a table of all settings in Markdown: key, default, values, what it does."""
    lines = ["| key | default | values | what it does |", "|---|---|---|---|"]
    for key, field in _fields(Settings, ""):
        default = _default_text(field.default)
        lines.append(f"| `{key}` | {default} | {values_text(field)} | {field.description} |")
    return "\n".join(lines) + "\n"


def _fields(group: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    """All settings of a group and of the groups in it, with their complete keys."""
    for name, field in group.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _fields(inner, f"{prefix}{name}: ")
        else:
            yield f"{prefix}{name}", field


def _default_text(value: object) -> str:
    """Write a default as YAML has it; none as that word."""
    if value in (None, ""):
        return "none"
    return f"`{json.dumps(value) if not isinstance(value, str) else value}`"


def replace_table(page: str) -> str:
    """Replace the table of settings in the text of config/README.md."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table_text()}\n{END}{after}"


def main(folder: Path = FOLDER) -> None:
    """Write the schema and the table into the folder of the configuration."""
    (folder / "config.schema.json").write_text(schema_text(), encoding="utf-8")
    page = folder / "README.md"
    page.write_text(replace_table(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
