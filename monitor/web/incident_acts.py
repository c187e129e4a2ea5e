"""Operations of the API on incidents: sign, waive and close, versions of drafts, evidence, and
actions.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from alerts import by_hand
from alerts.actions import is_overdue, list_actions
from alerts.incident import Incident
from monitor.deliver.by_hand import SigningBlocked
from monitor.deliver.desk import Desk
from monitor.deliver.drafts import versions_from_rows
from monitor.deliver.incident_json import action_json, draft_json, incident_json
from monitor.errors import NotAllowed, UnknownName
from monitor.store.rows import Draft
from monitor.web import answers, inputs
from monitor.web.incident_page import send_evidence
from monitor.web.operations import ApiRoute, Operation, post_operation
from monitor.web.request import problem_response, queries_of, require_desk, require_staff
from monitor.web.users import Peer
from schedules.times.json import Json


async def sign_report(request: Request, sent: inputs.Signing) -> Json | Response:
    """Sign the report with its current facts. Only a head of profession may.

    Without a reason to sign `anyway`, it is refused while something is missing. The problem
    document lists these obstacles.
    """
    desk, queries, name = _require_head(request), queries_of(request), _incident_of(request)
    found, drafts = await queries.find_incident(name), await require_drafts(request, name)
    version = sent.version or drafts[-1].version
    try:
        await desk.sign_report(found, version, sent.anyway or "")
    except SigningBlocked as exc:
        return problem_response(409, str(exc), obstacles=[str(one) for one in exc.obstacles])
    return await incident_answer(request, name)


async def waive_report(request: Request, sent: inputs.Waiving) -> Json:
    """Record why no report will be made, and close the incident. Only a head of profession may."""
    desk, name = _require_head(request), _incident_of(request)
    await queries_of(request).find_incident(name)  # raises `UnknownName` with the most similar id
    await desk.waive(name, sent.reason)
    return await incident_answer(request, name)


async def close_incident(request: Request, sent: inputs.Closing) -> Json:
    """Close an incident. New facts can open it again."""
    desk, name = require_desk(request), _incident_of(request)
    await queries_of(request).find_incident(name)  # raises `UnknownName` with the most similar id
    now, role = desk.clock.now(), desk.actor.role

    def record_cause_and_close(known: Incident) -> Incident:
        with_cause = by_hand.record_cause(known, role, sent.cause or "", now)
        return by_hand.close_incident(with_cause, role, now, sent.reason or "")

    return await change_incident(request, desk, record_cause_and_close)


async def change_incident(
    request: Request, desk: Desk, change: Callable[[Incident], Incident]
) -> Json:
    """Change the incident of the path, and return its JSON."""
    name = _incident_of(request)
    # No version of a report was read, and none of its boxes change.
    await desk.save_answers(name, words={}, read=0, change=change)
    return await incident_answer(request, name)


async def list_versions(request: Request) -> Json:
    """List the versions of a report, each with the boxes that changed, the oldest first."""
    drafts = await require_drafts(request, _incident_of(request))
    versions = []
    for draft, version in zip(drafts, versions_from_rows(drafts), strict=True):
        labels = [(name, version.report.label_of(name)) for name in version.changed]
        changed = [{"id": name, "label": label} for name, label in labels]
        versions.append({**draft_json(draft), "changed": changed})
    return {"versions": versions}


async def get_version(request: Request, query: inputs.VersionChoice) -> Json:
    """Return one version of a report with its facts, and the texts that roles typed.

    The default is the newest.
    """
    draft = find_version(await require_drafts(request, _incident_of(request)), query.version)
    return {**draft_json(draft), "report": draft.facts, "words": draft.words}


async def export_evidence(request: Request) -> Response:
    """Return the evidence of an incident with its hashes as a zip, after the slot has passed."""
    desk, queries, name = require_desk(request), queries_of(request), _incident_of(request)
    incident = await queries.find_incident(name)
    await queries.list_drafts(name)  # adds a version if the last one is outdated
    return await send_evidence(desk, incident)


async def list_all_actions(request: Request, query: inputs.ActionFilter) -> Json:
    """List the actions of all incidents that are not done, or every action of one incident, the
    first due first.
    """
    queries = require_staff(request)
    if query.incident is None:
        incidents = await queries.ask(queries.store.verdicts.incidents)
    else:
        incidents = [await queries.find_incident(query.incident)]
    today = queries.today()
    actions = [
        {
            "incident": known.id,
            "number": number,
            **action_json(action),
            "overdue": is_overdue(action, today),
        }
        for known, number, action in list_actions(incidents, done=query.incident is not None)
    ]
    return {"actions": actions}


async def incident_answer(request: Request, name: str) -> Json:
    """Return the JSON of an incident as it is now, with the versions of its draft."""
    queries = queries_of(request)
    drafts = await queries.list_drafts(name)
    return incident_json(await queries.find_incident(name), drafts)


async def require_drafts(request: Request, name: str) -> list[Draft]:
    """Return the versions of an incident's draft, the oldest first.

    Raises `UnknownName` if it has none.
    """
    queries = queries_of(request)
    drafts = await queries.list_drafts((await queries.find_incident(name)).id)
    if not drafts:
        raise UnknownName(f"incident {name} has no draft")
    return drafts


def find_version(drafts: list[Draft], version: int | None) -> Draft:
    """Return a version of a draft, by default the newest. Raises `UnknownName`."""
    found = [one for one in drafts if version in (None, one.version)]
    if not found:
        raise UnknownName(
            f"incident {drafts[-1].incident} has no version {version} of its draft, the last is"
            f" {drafts[-1].version}"
        )
    return found[-1]


def _incident_of(request: Request) -> str:
    name: str = request.path_params["incident"]
    return name


def _require_head(request: Request) -> Desk:
    """Return the desk of an account that may sign. Raises `NotAllowed` for others."""
    desk, caller = require_desk(request), request.state.caller
    if isinstance(caller, Peer) and caller.person.is_head:
        return desk
    remedy = "that needs a person with the right head"
    if isinstance(caller, Peer) and not caller.person.system_user:
        user = caller.person.name
        remedy = f"`ninethirty user NAME --system {user} --head` makes the line that allows it"
    raise NotAllowed(f"{desk.actor.account} may not sign or waive a report: {remedy}")


ROUTES = [
    ApiRoute(
        "/incidents/{incident}/sign",
        post_operation("signReport", "incidents", sign_report, answers.Incident),
    ),
    ApiRoute(
        "/incidents/{incident}/waive",
        post_operation("waiveReport", "incidents", waive_report, answers.Incident),
    ),
    ApiRoute(
        "/incidents/{incident}/close",
        post_operation("closeIncident", "incidents", close_incident, answers.Incident),
    ),
    ApiRoute(
        "/incidents/{incident}/versions",
        Operation("listVersions", "incidents", list_versions, answers.Versions),
    ),
    ApiRoute(
        "/incidents/{incident}/version",
        Operation("getVersion", "incidents", get_version, answers.WholeVersion),
    ),
    ApiRoute(
        "/incidents/{incident}/evidence.zip",
        Operation("getEvidence", "incidents", export_evidence, media=("application/zip",)),
    ),
    ApiRoute("/actions", Operation("listActions", "incidents", list_all_actions, answers.Actions)),
]
