"""The trunk: plans, looks, folds, judges, stores and serves. Imports both leaves."""

__version__ = "0.1.0"
