"""Rotas for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.rota import Rota, RotaSettings, Shift, ShiftSettings
from schedules.times.zone import local


def a_rota(
    who: Mapping[str, str],
    *shifts: Shift,
    name: str = "on-call",
    turns: Sequence[str] = (),
    begins: datetime | None = None,
    every: timedelta = timedelta(days=7),
    read: Iterable[Shift] = (),
) -> Rota:
    """Return a rota in London. `begins` is local time."""
    table = RotaSettings(name=name, who=dict(who), turns=[*turns], begins=begins)
    own = [_table_of(shift) for shift in shifts]
    return Rota(
        table.model_copy(update={"every": every, "shift": own}), calendar_shifts=tuple(read)
    )


def _table_of(shift: Shift) -> ShiftSettings:
    begins, until = (local(at).replace(tzinfo=None) for at in (shift.begins, shift.ends))
    return ShiftSettings.model_validate({"role": shift.role, "from": begins, "until": until})
