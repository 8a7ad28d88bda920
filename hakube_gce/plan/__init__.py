"""The planner: one module per verb, all pure. See `planner.plan` and `resolve.resolve`."""
