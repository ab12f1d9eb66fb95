"""Two queries match when they return the same from made-up tables; what a model wrote may do no harm."""

import sqlite3
from pathlib import Path

import pytest

from benchmarks.made_up import different_rows
from workloads.programs.text_to_sql import sql

PLAYERS = "CREATE TABLE player (name VARCHAR, team VARCHAR, goals INTEGER)"


def match(expected: str, query: str, context: str = PLAYERS) -> bool:
    verdict = sql.same_results(context, expected, query)
    assert verdict.usable, verdict.error
    return verdict.match


@pytest.mark.parametrize("row", different_rows(60), ids=lambda row: row["question"])
def test_every_reference_runs_and_matches_itself(row: dict[str, str]) -> None:
    assert match(row["answer"], row["answer"], row["context"])


@pytest.mark.parametrize(
    ("expected", "query"),
    [
        ("SELECT COUNT(*) FROM player", "select count( * ) from player;"),
        ("SELECT name FROM player WHERE goals > 5", "SELECT p.name FROM player p WHERE NOT p.goals <= 5"),
        ('SELECT COUNT(*) FROM player WHERE team = "Wolves"', "SELECT COUNT(name) FROM player WHERE team = 'Wolves'"),
        ("SELECT MAX(goals) FROM player", "SELECT goals FROM player ORDER BY goals DESC LIMIT 1"),
        ("SELECT AVG(goals) FROM player", "SELECT SUM(goals) * 1.0 / COUNT(*) FROM player"),
    ],
)
def test_other_words_for_the_same_question_match(expected: str, query: str) -> None:
    assert match(expected, query)


@pytest.mark.parametrize(
    ("expected", "query"),
    [
        ("SELECT COUNT(*) FROM player WHERE goals > 5", "SELECT COUNT(*) FROM player WHERE goals >= 5"),
        ("SELECT COUNT(*) FROM player WHERE goals > 5", "SELECT COUNT(*) FROM player WHERE goals > 6"),
        ("SELECT COUNT(*) FROM player WHERE goals < 9", "SELECT COUNT(*) FROM player WHERE goals > 9"),
        ("SELECT MAX(goals) FROM player", "SELECT MIN(goals) FROM player"),
        ("SELECT name FROM player ORDER BY goals", "SELECT name FROM player ORDER BY goals DESC"),
        ("SELECT name FROM player", "SELECT DISTINCT team FROM player"),
        ('SELECT name FROM player WHERE team = "Wolves"', 'SELECT name FROM player WHERE team = "Comets"'),
        (
            'SELECT name FROM player WHERE team = "Wolves" AND goals > 5',
            'SELECT name FROM player WHERE team = "Wolves"',
        ),
        ("SELECT name FROM player WHERE name LIKE '%ada%'", "SELECT name FROM player WHERE name LIKE '%bob%'"),
    ],
)
def test_a_query_that_means_something_else_does_not_match(expected: str, query: str) -> None:
    assert not match(expected, query)


@pytest.mark.parametrize("query", ["", "no SQL at all", "SELECT nothing FROM player", "SELECT", "SELECT 1; SELECT 2"])
def test_what_is_no_query_is_wrong_and_never_raises(query: str) -> None:
    assert not match("SELECT COUNT(*) FROM player", query)


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE player",
        "DELETE FROM player",
        "UPDATE player SET goals = 0",
        "PRAGMA writable_schema = 1",
        "ATTACH DATABASE '{path}' AS other",
        "VACUUM INTO '{path}'",
    ],
)
def test_a_model_may_only_read(query: str, tmp_path: Path) -> None:
    path = tmp_path / "written.db"
    assert not match("SELECT COUNT(*) FROM player", query.format(path=path))
    assert not path.exists()


def test_the_data_sets_own_statements_may_not_touch_a_file(tmp_path: Path) -> None:
    path = tmp_path / "written.db"
    verdict = sql.same_results(f"ATTACH DATABASE '{path}' AS other; {PLAYERS}", "SELECT 1", "SELECT 1")
    assert not verdict.usable
    assert not path.exists()


def test_a_query_without_end_is_stopped() -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    assert not match("SELECT COUNT(*) FROM player", endless)


def test_a_result_without_measure_is_refused() -> None:
    huge = "SELECT a.name FROM player a, player b, player c, player d"
    assert not match("SELECT COUNT(*) FROM player", huge)


def test_a_reference_that_does_not_run_judges_nobody() -> None:
    verdict = sql.same_results(PLAYERS, "SELECT missing FROM nowhere", "SELECT 1")
    assert not verdict.usable


@pytest.mark.parametrize(
    "row", [row for row in different_rows(100) if "WHERE" in row["answer"]], ids=lambda row: row["answer"]
)
def test_a_references_own_conditions_pick_some_rows_and_leave_some(row: dict[str, str]) -> None:
    database = sql.make_database(row["context"], row["answer"], seed=0)
    table = row["context"].split()[2]
    condition = row["answer"].split("WHERE")[1]
    (picked,) = database.execute(f"SELECT COUNT(*) FROM {table} WHERE {condition}").fetchone()
    assert 0 < picked < sql.ROWS


def test_the_same_row_gets_the_same_database_every_time() -> None:
    both = [sql.make_database(PLAYERS, "SELECT 1", seed=1).execute("SELECT * FROM player").fetchall() for _ in range(2)]
    assert both[0] == both[1]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("SELECT 1", "SELECT 1"),
        ("  SELECT\n 1 ; and so on", "SELECT 1"),
        ("```sql\nSELECT 1\n```\nThis counts.", "SELECT 1"),
        ("Here:\n```\nSELECT 1;\n```", "SELECT 1"),
    ],
)
def test_the_query_is_found_in_what_a_model_wrote(text: str, query: str) -> None:
    assert sql.extract(text) == query


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SELECT a FROM t", "select  a\nfrom T;", True),
        ('SELECT a FROM t WHERE b = "X y"', 'select a from t where b="X y"', True),
        ('SELECT a FROM t WHERE b = "X y"', 'SELECT a FROM t WHERE b = "x y"', False),
        ("SELECT a FROM t", "SELECT b FROM t", False),
    ],
)
def test_the_same_text_is_the_same_but_for_space_and_case_outside_quotes(one: str, other: str, same: bool) -> None:
    assert sql.same_text(one, other) is same


def test_the_connection_is_closed_to_writing_after_it_is_filled() -> None:
    database = sql.make_database(PLAYERS, "SELECT 1", seed=0)
    with pytest.raises(sqlite3.DatabaseError):
        database.execute("INSERT INTO player VALUES ('a', 'b', 1)")
