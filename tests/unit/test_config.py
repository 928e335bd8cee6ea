import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lfpscope.config import docs
from lfpscope.config.model import Settings
from lfpscope.config.read import check_settings, merge, parse_arguments, read_settings
from lfpscope.errors import UserError

ROOT = Path(__file__).parents[2]


def settings(*arguments: str, **own: object) -> dict:
    return check_settings(merge(own, parse_arguments(arguments)))


@pytest.mark.parametrize("path", ["2026_11_24", "007", "1e3", "true", "null", "a: b", "[x]", "0x1"])
def test_a_path_stays_as_it_was_typed(path):
    assert settings(f"results={path}")["results"] == path
    assert settings(f"allen={{mirror: '{path}'}}", f"cache={path}")["cache"] == path


@pytest.mark.parametrize(
    ("argument", "key", "value"),
    [
        ("allen={mirror: null}", ("allen", "mirror"), None),
        ("allen={mirror: 007}", ("allen", "mirror"), "007"),
        ("download={tries: 3}", ("download", "tries"), 3),
        ("download={stall_seconds: 0.5}", ("download", "stall_seconds"), 0.5),
        ("keep=true", ("keep",), True),
        ("keep=False", ("keep",), False),
        ("verify={chunks: all}", ("verify", "chunks"), "all"),
        ("verify={chunks: 5}", ("verify", "chunks"), 5),
        ("overview={microvolts: 1e2}", ("overview", "microvolts"), 100.0),
        ("results=a//b/../c", ("results",), "a/c"),
    ],
)
def test_a_value_is_of_the_type_that_is_wanted(argument, key, value):
    found = settings(argument)
    for name in key:
        found = found[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("key", ["sessions", "results", "cache", "mirror"])
def test_home_is_expanded(key, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    own = {"allen": {"mirror": "~/x"}} if key == "mirror" else {key: "~/x"}
    found = settings(**own)
    assert (found["allen"] if key == "mirror" else found)[key] == "/home/me/x"


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"results": 20261124}, r"results is 20261124; expected a path .*in quotes.* a number"),
        ({"cache": date(2026, 11, 24)}, r"cache is .*; expected a path .*in quotes.* a date"),
        ({"results": "s3://lab/x"}, r"results is 's3://lab/x'; expected a path on a disk"),
        ({"results": "a/" + "é" * 128}, r"results is 'a/é*…; expected names of at most 255 bytes"),
        ({"cache": "https://lab.org/x"}, r"cache is 'https://lab.org/x'; expected a path on a"),
        ({"keep": "true"}, r"keep is 'true'; expected true or false"),
        ({"download": {"tries": True}}, r"download.tries is True; expected a whole number from 1"),
        ({"download": {"stall_seconds": float("nan")}}, r"download.stall_seconds is nan; expected"),
        ({"overview": {"width": 9}}, r"overview.width is 9; expected a whole number from 640 to 1"),
        ({"verify": {"chunks": 0}}, r"verify.chunks is 0; expected a whole number from 1 or all"),
        ({"allen": {"scheme": "ftp"}}, r"allen.scheme is 'ftp'; expected http or https or null"),
        ({"allen": {"select": {"session_type": 1}}}, r"allen.select.session_type is 1; .*a text"),
        ({"allen": None}, r"allen is None; expected keys with values"),
        ({"nope": 1, "keep": "x", 7: 8}, r"unknown key nope, 7 in it; known are sessions, results"),
        ({"allen": {"select": {"x": 1}}}, r"unknown key x in allen.select; known are session_type"),
        ({"allen": {"tries": 3}}, r"allen.tries is download.tries now. Write it there.$"),
        ({"allen": {"mirror": "s3://me:word@x/y"}}, r"allen.mirror: an address with a password"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(own, message):
    with pytest.raises(UserError, match=rf"^configuration: {message}") as error:
        check_settings(own)
    assert "\n" not in str(error.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text() | st.none(), inner),
    max_leaves=4,
)
KEYS = st.sampled_from([*Settings.model_fields, 1, None]) | st.text()
GROUPS = st.dictionaries(st.sampled_from(["mirror", "tries", "select", "width", "chunks"]), VALUES)


@given(st.dictionaries(KEYS, VALUES | GROUPS, max_size=3))
def test_whatever_a_file_holds_is_taken_or_refused_in_one_line(own):
    refused = ""
    try:
        assert check_settings(own).keys() == Settings.model_fields.keys()
    except UserError as error:
        refused = str(error)
    assert not refused or refused.startswith("configuration: ")
    assert "\n" not in refused


def test_later_settings_win_key_by_key():
    found = settings("overview={width: 800}", overview={"width": 900, "height": 700})
    assert (found["overview"]["width"], found["overview"]["height"]) == (800, 700)


def test_defaults_are_those_of_the_file():
    assert settings() == check_settings(read_settings(ROOT / "config/config.yaml"))


def test_the_file_names_every_setting():
    assert read_settings(ROOT / "config/config.yaml").keys() == settings().keys()


def test_a_path_is_never_taken_for_an_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settings("results=-dash")["results"] == f"{tmp_path}/-dash"
    assert settings("cache=-dash")["cache"] == f"{tmp_path}/-dash"


# --- the pages ------------------------------------------------------------------------------------


def test_schema_and_table_are_current(tmp_path):
    """After a change of the model: uv run python -m lfpscope.config.docs."""
    (tmp_path / "README.md").write_text((ROOT / "config/README.md").read_text())
    docs.main(tmp_path)
    for name in ("README.md", "config.schema.json"):
        assert (tmp_path / name).read_text() == (ROOT / "config" / name).read_text()


@pytest.mark.parametrize(
    ("own", "is_valid"),
    [
        ({}, True),
        ({"results": "a b"}, True),
        ({"results": "a{b"}, False),
        ({"cache": ""}, False),
        ({"nope": 1}, False),
        ({"keep": 1}, False),
        ({"allen": {"mirror": None, "scheme": "https", "host": "x"}}, True),
        ({"allen": {"scheme": "ftp", "host": "x"}}, False),
        ({"allen": {"select": {"session_type": "x"}}}, True),
        ({"download": {"stall_seconds": 0}}, False),
        ({"download": {"stall_seconds": 0.1, "tries": 1}}, True),
        ({"summary": {"bucket": 7}}, False),
        ({"summary": {"bucket": 8}}, True),
        ({"summary": {"bucket": 65537}}, False),
        ({"verify": {"chunks": "all"}}, True),
        ({"verify": {"chunks": "some"}}, False),
    ],
)
def test_the_schema_takes_what_the_program_takes(own, is_valid):
    schema = json.loads((ROOT / "config/config.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(own) == is_valid
    if is_valid:
        settings(**own)
    else:
        with pytest.raises(UserError):
            settings(**own)


def test_the_snakefile_does_not_wait_for_it():
    """Snakemake imports pydantic itself; jsonschema and what the pages need, it does not."""
    code = "import sys, snakemake.cli; before = set(sys.modules); import lfpscope.config.read; "
    code += "print(*sorted({n.partition('.')[0] for n in set(sys.modules) - before}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["lfpscope"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"results: results\n  cache: x\n", r", line 2: not YAML: mapping values are not allow"),
        (b"results: \xff\n", r": not YAML: 'utf-8' codec can't decode byte 0xff"),
        (b"a: &a [x]\nb: [*a, *a]\n", r": not YAML: an alias \(\*\), which may stand for any"),
        (b"- a\n", r": expected keys with values, found "),
    ],
)
def test_a_file_that_is_no_yaml_is_named_with_its_line(tmp_path, content, message):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"config\.yaml{message}"):
        read_settings(path)


def test_a_file_may_be_missing_or_empty(tmp_path):
    assert read_settings(tmp_path / "config.yaml") == {}
    (tmp_path / "config.yaml").write_text("# nothing\n")
    assert read_settings(tmp_path / "config.yaml") == {}
