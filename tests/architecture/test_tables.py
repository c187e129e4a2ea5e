"""Each table over an enumeration has all its members, so that no KeyError occurs during an
incident.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("alerts", "monitor", "schedules")
Members = Mapping[str, object]
"""The members of an enumeration by their names, with their values."""

PARTIAL = {
    "alerts.channel.SEVERITIES": "any other grade is `info`",
    "alerts.channels.apprise._URGENCIES": "any other grade is information",
    "alerts.draft.code.PREFERRED_PRACTICE": (
        "any other finding takes every practice of its kind of failure"
    ),
    "alerts.decide._NAME_AND_KIND": "no notice names any other fact",
    "alerts.draft.narrative.FINDING_SENTENCES": (
        "any other finding is told by when something was available"
    ),
    "alerts.draft.narrative.SENTENCE_WRITERS": "any other verdict says when the part was available",
    "alerts.draft.write.outline.TITLES": "any other document has the title of its form",
    "alerts.draft.write.outline._fill_letters": "any other document is no letter",
    "alerts.fact_rules._TEST_OF_KIND": "any other fact has a subject",
    "alerts.incident._STEP_LIST_OF_SORT": "any other sort has the list of its name",
    "alerts.incident.find_incident_kind": "facts of a release open no other kind of incident",
    "alerts.notice_html._COLOURS": "any other grade has a calm colour",
    "alerts.status.CALENDAR_DOUBTS": "a release without these findings is in no calendar",
    "monitor.judge.explain.explain._HINT_TEXTS": "any other event of the ledger needs no question",
    "monitor.judge.explain.explain.title_facts": "no other event is one of a title",
    "monitor.judge.findings.all._LATE": "a late part with another verdict came",
    "monitor.judge.findings.inside._REASONS": "no other finding is read inside a file",
    "monitor.judge.reasons._CHANGES": "any other event is named by its own word",
    "monitor.look.interpret._ACCEPT": "any other view asks for a page",
    "monitor.look.sweeps._RESULTS": "any other state proves nothing",
    "monitor.plan.addresses.PART_ID_PREFIX": (
        "parts of other origins have ids from their calendar or configuration"
    ),
    "monitor.readiness.ticks.TICKED_BY_PEOPLE": "only the publishing tool ticks the others",
    "monitor.web.users._ROLES": "a viewer does not act",
    "monitor.web.pages.list_silences": "a producer or a host has no title in the store",
    "schedules.announcement._ADDRESS_KNOWN": "nothing is said of an address that a calendar named",
    "schedules.read_changes._check_changes": "any other alarm is raised without counting",
}
"""Tables that lack members on purpose, and what holds for those.

They are asked by `get`, or gone through.
"""
SUBSCRIPTED = {
    "alerts.decide._NAME_AND_KIND",
    "alerts.draft.narrative.FINDING_SENTENCES",
    "alerts.status.CALENDAR_DOUBTS",
    "monitor.judge.findings.inside._REASONS",
    "monitor.plan.addresses.PART_ID_PREFIX",
}
"""Those of them that are asked only for members that they have."""


def modules(root: Path) -> dict[str, ast.Module]:
    """Return every module of ours by its name."""
    files = (file for top in OURS for file in sorted((root / top).rglob("*.py")))
    named = ((".".join(file.relative_to(root).with_suffix("").parts), file) for file in files)
    return {
        name.removesuffix(".__init__"): ast.parse(file.read_text(encoding="utf-8"))
        for name, file in named
    }


def enumerations(sources: Mapping[str, ast.Module]) -> dict[str, Members]:
    """Return every enumeration of ours by its full name."""
    found = {}
    for module, tree in sources.items():
        kinds = (
            node
            for node in tree.body
            if isinstance(node, ast.ClassDef)
            and any("Enum" in ast.unparse(base) for base in node.bases)
        )
        for kind in kinds:
            values = {
                ast.unparse(one.targets[0]): one.value
                for one in kind.body
                if isinstance(one, ast.Assign)
            }
            found[f"{module}.{kind.name}"] = {
                name: value.value if isinstance(value, ast.Constant) else None
                for name, value in values.items()
            }
    return found


def tables(sources: Mapping[str, ast.Module]) -> Iterator[tuple[str, set[str]]]:
    """Yield every table whose keys are members of one enumeration, by where it stands, with the
    members it lacks.

    One whose keys are words is held against that enumeration of these words of which it lacks the
    fewest.
    """
    every = enumerations(sources)
    for module, tree in sources.items():
        names = {
            full.rpartition(".")[2]: full for full in every if full.rpartition(".")[0] == module
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names |= {
                    alias.asname or alias.name: f"{node.module}.{alias.name}"
                    for alias in node.names
                }
        for statement in tree.body:
            for table in (
                node
                for node in ast.walk(statement)
                if isinstance(node, ast.Dict) and len(node.keys) > 1
            ):
                lacks = [members.keys() - keys for members, keys in covered(table, names, every)]
                if lacks:
                    yield f"{module}.{named(statement)}", set(min(lacks, key=len))


def covered(
    table: ast.Dict, names: Mapping[str, str], every: Mapping[str, Members]
) -> Iterator[tuple[Members, set[str]]]:
    """Yield the enumerations that have all keys of a table, with the names of the members that are
    its keys.
    """
    keys = [ast.unparse(key) if key is not None else "" for key in table.keys]
    owners = {key.rpartition(".")[0] for key in keys}
    members = every.get(names.get(min(owners), "")) if len(owners) == 1 else None
    if members is not None:
        yield members, {key.rpartition(".")[2] for key in keys}
    words = {
        key.value
        for key in table.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    if len(words) == len(keys):
        for one in every.values():
            by_value = {value: name for name, value in one.items()}
            if words <= by_value.keys():
                yield one, {by_value[word] for word in words}


def named(statement: ast.stmt) -> str:
    """Return the name that a statement of a module gives something."""
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        return ast.unparse(
            statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        )
    return getattr(statement, "name", "")


def subscripted(sources: Mapping[str, ast.Module], tables_: Iterable[str]) -> list[str]:
    """Return those of these tables that are asked by subscript, anywhere in ours."""
    nodes = (node for tree in sources.values() for node in ast.walk(tree))
    asked = {
        node.value.id
        for node in nodes
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
    }
    return sorted(table for table in tables_ if table.rpartition(".")[2] in asked)


def test_every_table_over_an_enumeration_has_all_its_members_or_says_what_holds_for_the_rest() -> (
    None
):
    sources = modules(ROOT)
    lacking = {where: lacks for where, lacks in tables(sources) if lacks}
    assert {where: lacks for where, lacks in lacking.items() if where not in PARTIAL} == {}
    assert PARTIAL.keys() - lacking.keys() == set(), "these lack nothing any more"
    assert set(subscripted(sources, PARTIAL)) == SUBSCRIPTED, (
        "ask a table that lacks members by `get`"
    )


def test_the_guard_sees_tables_by_member_and_by_word(tmp_path: Path) -> None:
    kinds = (
        "from enum import StrEnum\nclass Kind(StrEnum):\n    LATE = 'late'\n    EARLY = 'early'\n  "
        "  LEAD = 'lead'\n"
    )
    uses = (
        "from alerts.kinds import Kind as Sort\nA = {Sort.LATE: 1, Sort.LEAD:"
        " 2}\nprint(A[Sort.EARLY])\n"
    )
    more = (
        "def told(kind):\n    return {'late': 1, 'early': 2}[kind]\nB = {'late': 1, 'other': 2}\n"
    )
    whole = "C = {'late': 1, 'early': 2, 'lead': 3}\n"
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts" / "kinds.py").write_text(kinds)
    (tmp_path / "alerts" / "uses.py").write_text(uses + more + whole)
    sources = modules(tmp_path)
    found = dict(tables(sources))
    assert found == {
        "alerts.uses.A": {"EARLY"},
        "alerts.uses.told": {"LEAD"},
        "alerts.uses.C": set(),
    }
    assert subscripted(sources, found) == ["alerts.uses.A"]
