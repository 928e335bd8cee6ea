from pathlib import Path

import pytest
import yaml

from lfpscope.config import check_settings, merge, parse_arguments, read_settings
from lfpscope.errors import UserError

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "config/schemas/config.schema.yaml").read_text())


def settings(*arguments: str, **own: object) -> dict:
    return check_settings(merge(own, parse_arguments(arguments, SCHEMA)), SCHEMA)


@pytest.mark.parametrize("path", ["2026_11_24", "007", "1e3", "true", "null", "a: b", "[x]", "0x1"])
def test_a_path_stays_as_it_was_typed(path):
    assert settings(f"results={path}")["results"] == path
    assert settings(f"allen={{mirror: '{path}'}}", f"cache={path}")["cache"] == path


@pytest.mark.parametrize(
    ("argument", "key", "value"),
    [
        ("allen={mirror: null}", ("allen", "mirror"), None),
        ("allen={mirror: 007}", ("allen", "mirror"), "007"),
        ("allen={tries: 3}", ("allen", "tries"), 3),
        ("allen={stall_seconds: 0.5}", ("allen", "stall_seconds"), 0.5),
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
        ({"results": 20261124}, r"results is 20261124; expected the path .*Write it in quotes"),
        ({"results": "s3://lab/x"}, r"results is 's3://lab/x'; expected a path on a disk"),
        ({"cache": "https://lab.org/x"}, r"cache is 'https://lab.org/x'; expected a path on a"),
        ({"keep": "true"}, r"keep is 'true'; expected true, to fetch"),
        ({"allen": {"tries": True}}, r"allen.tries is True; expected how often"),
        ({"allen": None}, r"allen is None; expected where Allen's sessions come from"),
        ({"nope": 1}, r"unknown key nope in it; known are sessions, results"),
        ({"allen": {"mirror": "s3://me:word@x/y"}}, r"allen.mirror: an address with a password"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(own, message):
    with pytest.raises(UserError, match=rf"^configuration: {message}") as error:
        settings(**own)
    assert "\n" not in str(error.value)


def test_later_settings_win_key_by_key():
    found = settings("allen={tries: 2}", allen={"tries": 9, "mirror": "x"}, results="r")
    assert (found["allen"]["tries"], found["allen"]["mirror"], found["results"]) == (2, "x", "r")


def test_defaults_are_those_of_the_file():
    assert settings() == check_settings(read_settings(ROOT / "config/config.yaml"), SCHEMA)


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
