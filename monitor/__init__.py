"""The monitor: plans, looks, judges, stores, tells and serves. Imports `alerts` and `schedules`."""

__version__ = "0.1.0"
