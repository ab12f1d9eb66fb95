"""Launchers: pure functions from a step to what starts it. They run nothing themselves."""
