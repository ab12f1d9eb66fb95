"""Whole stacks: settings, platforms, the run, and the `trainyard` command."""
