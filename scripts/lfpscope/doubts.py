"""Doubts about a recording: what is uncertain, said in every picture, page and table of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal["values", "labels", "missing"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In their order: values may be wrong, labels may be wrong, something is missing."""
MEANINGS: dict[Kind, str] = {
    "values": "values may be wrong",
    "labels": "labels may be wrong",
    "missing": "something is missing",
}
"""In words, as the gallery, `checked.tsv` and the last lines of a run have them."""


@dataclass(frozen=True)
class Doubt:
    """One thing that is uncertain.

    Attributes
    ----------
    kind : {"values", "labels", "missing"}
        Volts or times may be wrong; depths, areas or ids may be wrong; something is missing.
    text : str
        What, in one line of plain English without a period at its end.
    """

    kind: Kind
    text: str


def sort_doubts(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Order doubts by kind, each once; within a kind they keep their order."""
    return tuple(sorted(dict.fromkeys(doubts), key=lambda one: KINDS.index(one.kind)))


def describe_doubts(doubts: Iterable[Doubt]) -> list[str]:
    """Doubts in words for a picture; the first of each kind begins with what the kind means."""
    texts: list[str] = []
    before: Kind | None = None
    for doubt in sort_doubts(doubts):
        meaning = MEANINGS[doubt.kind]
        start = "" if doubt.kind == before else f"{meaning[0].upper()}{meaning[1:]}: "
        texts.append(start + doubt.text)
        before = doubt.kind
    return texts


def doubts_to_json(doubts: Iterable[Doubt]) -> list[list[str]]:
    """Pairs ``[kind, text]``."""
    return [[one.kind, one.text] for one in doubts]


def doubts_from_json(content: Sequence[Sequence[Any]]) -> tuple[Doubt, ...]:
    """Undo `doubts_to_json`.

    Raises
    ------
    ValueError
        If a kind is unknown or a text is none.
    """
    doubts = tuple(Doubt(kind, text) for kind, text in content)
    if not all(one.kind in KINDS and type(one.text) is str for one in doubts):
        raise ValueError(f"doubts {content!r}")
    return doubts
