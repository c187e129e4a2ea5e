"""The tables of 1.0.0rc1, the first version for others.

A new store gets all tables at once, and stores of earlier versions cannot be upgraded. So no store
runs this step.
"""

revision = "0012"
down_revision = None
