"""Ids of sessions and probes: they name folders of results and groups of session.json."""

import re

CHARACTERS = "A-Za-z0-9._-"
ID = rf"[A-Za-z0-9][{CHARACTERS}]*"
MAX_LENGTH = 100  # characters; a file name has 255 bytes, and logs have an ending
STACKED = "stacked"  # group of session.json with the array of all probes; no probe's id
DEMO_SESSION = r"demo-(0|[1-9][0-9]{0,8})"


def is_id(text: str) -> bool:
    """Tell whether a text can be the id of a session or probe.

    >>> is_id("sub-1_probe.0"), is_id("../a"), is_id("")
    (True, False, False)
    """
    return len(text) <= MAX_LENGTH and bool(re.fullmatch(ID, text))


def replace_other_characters(text: str) -> str:
    """Replace what cannot be in an id.

    >>> replace_other_characters("my file (1)")
    'my_file__1_'
    """
    return re.sub(f"[^{CHARACTERS}]", "_", text)


def demo_number(session: str) -> int | None:
    """Return the number of a demo session; None if it is not named as one.

    >>> demo_number("demo-12"), demo_number("demo-01")
    (12, None)
    """
    match = re.fullmatch(DEMO_SESSION, session)
    return int(match[1]) if match else None
