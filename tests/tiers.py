"""Tiers of tests: some need programs or files that not every machine has, and are skipped without.

A test's tier is the folder that it stands in, or what its mark `tier` names.

TRAINYARD_TIERS lists tiers that must run, as `cluster,engine`: there a skipped test is a failed one, and a tier of
which nothing ran fails the whole session. What each tier proves, and how to get its programs: docs/testing.md.
"""

import os
from collections import Counter

import pytest

REQUIRED = tuple(filter(None, os.environ.get("TRAINYARD_TIERS", "").split(",")))

ran: Counter[str] = Counter()
"""How many tests of each tier have passed."""


def tier(item: pytest.Item) -> str:
    mark = item.get_closest_marker("tier")
    return mark.args[0] if mark else item.nodeid.partition("/")[2].partition("/")[0]


def is_skipped(report: pytest.TestReport) -> bool:
    return report.skipped and not hasattr(report, "wasxfail")


def not_run() -> list[str]:
    return [name for name in REQUIRED if not ran[name]]
