from __future__ import annotations

from monitor.look.sandbox.workers import Workers


def process_ids(workers: Workers) -> list[int]:
    """Return the ids of the running worker processes."""
    return [worker.process.pid for worker in (*workers._idle, *workers._busy)]
