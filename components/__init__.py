"""Pulumi components, one a file: typed arguments in, typed outputs out. None of them knows settings or recipes."""
