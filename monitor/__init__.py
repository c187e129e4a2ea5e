"""The monitor: plans, looks, judges, stores, tells and serves. Imports `alerts` and `schedules`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.app.history import History

__all__ = ["History", "__version__"]
__version__ = "1.0.0rc1"


def __getattr__(name: str) -> Any:  # noqa: ANN401 # what a module holds
    # Whoever starts the program does not wait for what analysts use.
    if name == "History":
        from monitor.app.history import History  # noqa: PLC0415 # see above

        return History
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
