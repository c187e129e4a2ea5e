"""What can only be checked together of the tables about people: links, files of channels, templates, editions."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from alerts import incident
from alerts.draft.code import standard_book
from monitor.config.settings import Settings
from monitor.config.shown import shown
from monitor.judge import verdict as judge

CrossFault = tuple[str, str, str | None]


def telling_faults(settings: Settings, folder: Path) -> Iterator[CrossFault]:
    """Yield `(key, reason, value)` for each fault; relative files start from `folder`."""
    if settings.web.link_key is not None and settings.web.public_url is None:
        yield "web.public_url", "must be given with link_key: a link needs an address people reach", None
    yield from _files(settings, folder)
    yield from _templates(settings, folder)
    yield from _editions(settings)
    yield from _findings(settings)


def _findings(settings: Settings) -> Iterator[CrossFault]:
    # A route that nothing can ever match would keep silent where somebody is to be told.
    known = sorted({*judge.Kind, *incident.Kind, "not_published"})
    for place, route in enumerate(settings.route, 1):
        wanted = route.match.finding
        if wanted is not None and not any(fnmatchcase(kind, wanted) for kind in known):
            near = difflib.get_close_matches(wanted, known, n=1)
            meant = f", did you mean {near[0]}?" if near else ""
            yield f"route[{place}].match.finding", "no finding of that name" + meant, shown(wanted)


def _files(settings: Settings, folder: Path) -> Iterator[CrossFault]:
    for place, channel in enumerate(settings.channel, 1):
        file = getattr(channel, "ca_file", None)
        if file is not None and not (folder / file).is_file():
            yield f"channel[{place}].ca_file", "no such file", shown(file)


def _templates(settings: Settings, folder: Path) -> Iterator[CrossFault]:
    for place, table in enumerate(settings.producer, 1):
        if table.report.template is not None:
            for reason in _template(folder / table.report.template):
                yield f"producer[{place}].report.template", reason, shown(table.report.template)


def _template(file: Path) -> Iterator[str]:
    from alerts.draft.write.template import BadTemplate, unknown_fields  # noqa: PLC0415 # heavy, and rarely needed

    try:
        unknown = unknown_fields(file.read_bytes())
    except OSError as exc:
        yield f"cannot be read: {exc.strerror}"
    except BadTemplate as exc:
        yield str(exc)
    else:
        yield from (f"asks for {name}, and there is no such field" for name in unknown)


def _editions(settings: Settings) -> Iterator[CrossFault]:
    book = standard_book()
    names = [edition.name for edition in book]
    practices = [f"{edition.name}/{name}" for edition in book for name in edition.clauses]
    for name in settings.code.begins:
        if name not in names:
            yield f'code.begins."{name}"', f"no edition of that name, there are {', '.join(names)}", None
    for name in settings.code.cites:
        if name not in practices:
            there = [one for one in practices if one.partition("/")[0] == name.partition("/")[0]] or names
            yield f'code.cites."{name}"', f"no practice of that name, there are {', '.join(there)}", None
