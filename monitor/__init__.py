"""The monitor: plans, looks, judges, stores, notifies and serves. Imports `alerts` and
`schedules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.app.history import History

__all__ = ["History", "__version__"]
__version__ = "1.0.0rc1"


def __getattr__(name: str) -> Any:  # noqa: ANN401 # a name of a module can be anything
    # Only programs that analyse the past need it, so the start of the monitor does not wait for its
    # import.
    if name == "History":
        from monitor.app.history import History  # noqa: PLC0415 # see above

        return History
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
