"""Incidents in the store of an older version can still be read."""

from __future__ import annotations

import json
from dataclasses import replace

from alerts.incident import Incident
from monitor.store.sql.query import from_json, to_json
from schedules.announcement import Address
from schedules.contract.verdict import LEAD, Finding, FindingKind, Grade, VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.incidents import an_incident, facts_of_a_release

# As stored when `alerts` had its own models of parts and findings: a lead at a guessed address.
STORED_BY_AN_OLDER_VERSION = """{"id":"i","kind":"late","release":"r","producer":"ofqual","title":"Malpractice",
"opened":"2018-01-05T09:30:00Z","occurred":"2018-01-05T09:30:00Z","grade":"report","facts":{"release":"r",
"title":"Malpractice","producer":"ofqual","url":"https://www.gov.uk/government/statistics/malpractice",
"timezone":"Europe/London","slot":"2018-01-05T09:30:00Z","slot_text":"5 January 2018 9:30am","slot_source":null,
"slot_learnt":null,"verdict":"lead","grade":"none","final":false,"at":"2018-01-05T09:30:00Z","parts":[{"id":"page",
"role":"page","url":"https://www.gov.uk/government/statistics/malpractice","required":true,"verdict":"late",
"exposures":[{"part":"page","start":{"after":"2018-01-05T09:30:00Z","by":"2018-01-05T09:30:01Z"},"to":{},
"seconds":{"min":1.0},"open":true}],"address":"guessed","users_delay":{"min":1.0,"max":2.0}}],
"findings":[{"kind":"lead","detail":"x","url":"https://a.example"},{"kind":"late","part":"page"}],
"certainty":{"monitor":"m","looks":10,"records":[["m-1","ab"]]},"address":"guessed"},
"timeline":[{"at":"2018-01-05T09:30:00Z","by":"on-call","text":"Rang the producer"}],"words":{"what":"Späť"},
"actions":[{"text":"Renew it","owner":"web team","due":"2018-01-05","done":"2018-01-05T09:30:00Z","done_by":"desk"}]}
"""


def test_incident_of_an_older_version_is_read_unchanged() -> None:
    """JSON that an older version stored becomes an incident, and this incident the same JSON again.
    To have many kinds of values, its facts make no sense together. For example, a page is late, but
    the verdict is LEAD, which proves nothing.
    """
    facts = facts_of_a_release()
    page = replace(facts.parts[0], address=Address.GUESSED, users_delay=Bounds(1.0, 2.0))
    findings = (
        Finding(LEAD, detail="x", url="https://a.example"),
        Finding(FindingKind.LATE, "page"),
    )
    stored_facts = replace(
        facts,
        address=Address.GUESSED,
        parts=(page,),
        verdict=LEAD,
        grade=Grade.NONE,
        findings=findings,
    )
    values_of_fields_that_the_json_leaves_out = dict[str, object]()
    read_incident = from_json(
        Incident, STORED_BY_AN_OLDER_VERSION, left_out=values_of_fields_that_the_json_leaves_out
    )
    assert read_incident == an_incident(facts=stored_facts)
    # The word "late" became a member of the enumeration. `==` does not tell that, because a member
    # equals its word.
    assert read_incident.facts.parts[0].verdict is VerdictKind.LATE
    assert json.loads(to_json(read_incident)) == json.loads(STORED_BY_AN_OLDER_VERSION)
