"""Which intervals are averaged together."""

from lfpscope.evoked.kinds import choose_kinds, invalid_times


def row(start: float, name: str, table: str = "t", length: float = 0.25, **more: str) -> dict:
    return {
        "start": repr(start),
        "stop": repr(start + length) if length else "",
        "name": name,
        "table": table,
        **more,
    }


def test_kinds_are_names_in_the_order_of_time() -> None:
    rows = [row(3, "b"), row(1, "a"), row(2, "b", length=0.75), row(5, "a", length=0)]
    found = choose_kinds(rows)
    assert [(kind.name, kind.onsets, kind.duration) for kind in found.kinds] == [
        ("a", (1, 5), 0.25),
        ("b", (2, 3), 0.5),
    ]
    assert found.remarks == ()


def test_those_with_most_intervals_are_taken_and_others_named() -> None:
    rows = [row(i, name) for name, n in (("a", 5), ("b", 2), ("c", 4), ("d", 1)) for i in range(n)]
    found = choose_kinds(rows, n_kinds=2)
    assert [kind.name for kind in found.kinds] == ["a", "c"]
    assert found.remarks == (
        "not averaged, one interval each: d",
        "not averaged, beyond 2 kinds: b",
    )


def test_numbered_names_are_one_kind() -> None:
    rows = [row(i, f"trial {i}", "trials") for i in range(9)] + [
        row(i, "go", "cues") for i in (1, 2)
    ]
    assert {kind.name: len(kind.onsets) for kind in choose_kinds(rows).kinds} == {
        "trials": 9,
        "go": 2,
    }


def test_conditions_are_values_of_a_column() -> None:
    rows = [row(i, "gratings", orientation=str(45.0 * (i % 3)), phase="1") for i in range(7)]
    rows += [row(10 + i, "flashes") for i in range(2)] + [row(20, "gratings", orientation="300.0")]
    found = choose_kinds(rows, conditions=["orientation", "phase", "nothing"])
    assert [(kind.name, kind.onsets) for kind in found.kinds] == [
        ("gratings", (0, 1, 2, 3, 4, 5, 6, 20)),
        ("gratings, orientation 0.0", (0, 3, 6)),
        ("gratings, orientation 45.0", (1, 4)),
        ("gratings, orientation 90.0", (2, 5)),
        ("flashes", (10, 11)),
    ]
    assert found.kinds[1].condition == ("orientation", "0.0")


def test_too_many_values_are_no_conditions() -> None:
    rows = [row(i, "a", x=str(i // 2)) for i in range(2 * 129)]
    found = choose_kinds(rows, conditions=["x"])
    assert [kind.name for kind in found.kinds] == ["a"]
    assert found.remarks == ("a: 129 values of x are too many conditions",)


def test_invalid_times_are_no_kind_and_concern_the_probes_they_name() -> None:
    rows = [
        row(1, "all_probes", "invalid_times", tags="all_probes"),
        row(2, "x", "invalid_times", tags="bad probeA"),
        row(3, "x", "invalid_times", tags="bad probeB"),
        row(4, "x", "invalid_times", length=0),
        row(5, "x", "other", tags="all_probes"),
    ]
    assert invalid_times(rows, {"probeA", "810755797"}) == [(1, 1.25), (2, 2.25), (4, 4)]
    assert [kind.name for kind in choose_kinds(rows * 2).kinds] == ["x"]


def test_rows_without_a_start_are_none() -> None:
    rows = [row(1, "a"), row(2, "a"), row(float("nan"), "a"), {"start": "", "name": "a"}]
    assert [kind.onsets for kind in choose_kinds(rows).kinds] == [(1, 2)]
    assert choose_kinds([]).kinds == ()
