"""A run card tells what the folders and the facts tell, says of the rest that it is not known, and never fails."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.programs.card.made import FACTS, NOON, made_run, starts, write_events
from workloads.programs import card, folders, images
from workloads.programs.card import contents, curve, pages, times
from workloads.programs.errors import UserError


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Path]:
    return made_run(tmp_path / "runs")


@pytest.fixture
def collected(made: dict[str, Path]) -> dict[str, Any]:
    return contents.collect(made, FACTS)


def by_name(collected: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in collected["steps"]}


# --- what it tells


def test_time_at_work_leaves_out_what_lies_between_a_kill_and_the_next_start(collected: dict[str, Any]) -> None:
    train = by_name(collected)["train"]
    assert train["seconds"] == 1800 + 1800
    assert (train["starts"], train["resumes"]) == (2, 1)
    assert (train["began"], train["ended"]) == ("2026-11-21T12:01:40Z", "2026-11-22T13:30:00Z")


def test_the_price_is_that_of_all_machines_for_the_time_at_work(collected: dict[str, Any]) -> None:
    assert by_name(collected)["train"]["dollars"] == pytest.approx(2 * 21.5)
    assert collected["price"]["dollars"] == pytest.approx(2 * 21.5 + 0.8 / 60 + 1.6 / 30, abs=1e-3)


def test_one_machine_without_a_listed_price_makes_the_sum_unknown(made: dict[str, Path]) -> None:
    steps = [{**step, "dollars_per_hour": None} if step["name"] == "train" else step for step in FACTS["steps"]]
    found = contents.collect(made, {**FACTS, "steps": steps})
    assert found["price"]["dollars"] is None
    assert by_name(found)["test"]["dollars"] is not None


def test_utilization_is_operations_a_second_over_the_peak_of_all_nodes(collected: dict[str, Any]) -> None:
    training = collected["trainings"]["train"]
    assert training["tokens_per_second"] == {"typical": 1100.0, "best": 1200.0, "looks": 4}
    assert collected["weights"] == 1_001_000
    found = contents.speed.utilization(1100.0, 8_000_000_000, 4, 2 * 3040, "a table")
    assert found["value"] == pytest.approx(4 * 8e9 * 1100 / (2 * 3040e12), abs=1e-4)
    assert training["mfu"]["peak_tflops"] == 2 * 3040
    assert training["mfu"]["peak_source"] == "a table"


def test_utilization_says_which_part_of_it_is_not_known() -> None:
    found = contents.speed.utilization(1100.0, None, 4, None, None)
    assert found["value"] is None
    assert found["unknown"] == ["weights", "peak speed"]


def test_the_recipes_test_is_told_before_and_after(collected: dict[str, Any]) -> None:
    exact = {label: numbers["exact_match"] for label, numbers in collected["tests"]["test"].items()}
    assert exact == {"base": 0.1, "tuned": 0.4}


def test_held_out_loss_and_curve_come_from_the_journal(collected: dict[str, Any]) -> None:
    training = collected["trainings"]["train"]
    assert (training["held_out_first"], training["held_out_last"]) == (5.5, 1.5)
    assert training["curve"] == [[1, 4.0], [2, 3.0], [3, 2.0], [4, 1.0]]


def test_a_compile_steps_numbers_are_told(made: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "compile"
    folder.mkdir()
    (folder / "report.json").write_text('{"cache_hits": 7, "compiled": 2, "graphs": ["a"]}')
    folders.mark_done(folder)
    assert contents.collect({**made, "compile": folder}, FACTS)["compile"] == {"cache_hits": 7, "compiled": 2}
    assert contents.collect(made, FACTS)["compile"] is None


def test_data_with_one_other_byte_has_another_fingerprint_and_a_journal_changes_none(made: dict[str, Path]) -> None:
    def fingerprint() -> str:
        return contents.collect(made, FACTS)["data"]["fingerprint"]

    before = fingerprint()
    write_events(made["prepare"], {"event": "result", "text": "others"})
    folders.mark_done(made["prepare"])
    assert fingerprint() == before
    (made["prepare"] / "train.npy").write_bytes(b"blockt")
    folders.mark_done(made["prepare"])
    assert fingerprint() != before


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 100)), min_size=1, max_size=3000), st.integers(1, 500))
def test_a_thinned_curve_is_short_and_ends_where_the_whole_one_does(points: list[tuple[int, float]], most: int) -> None:
    found = contents.thinned(points, most)
    assert 1 <= len(found) <= most
    assert found[-1][0] == points[-1][0]
    low, high = min(loss for _, loss in points), max(loss for _, loss in points)
    assert all(low - 1e-6 <= loss <= high + 1e-6 for _, loss in found)


def test_events_taken_over_from_an_earlier_training_are_no_time_of_this_one(tmp_path: Path) -> None:
    starts(tmp_path, NOON)
    events = [{"event": "eval", "at": NOON - 5000}, {"event": "eval", "at": NOON + 30}]
    assert times.passed(tmp_path, events).seconds == 30


# --- the same, whatever is lost


def test_the_same_run_gives_the_same_bytes_twice(made: dict[str, Path], tmp_path: Path) -> None:
    for name in ("one", "two"):
        card.write(tmp_path / name, made, FACTS)
    for file in (card.JSON_FILE, card.PAGE_FILE):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_card_of_nothing_says_that_nothing_is_known(tmp_path: Path) -> None:
    card.write(tmp_path, {}, {})
    assert card.read(tmp_path)["data"]["fingerprint"] is None
    assert "has left no data" in (tmp_path / card.PAGE_FILE).read_text()


def test_a_step_that_is_not_done_is_told_with_the_reason(made: dict[str, Path], tmp_path: Path) -> None:
    (made["test"] / "report.json").unlink()
    card.write(tmp_path / "out", made, FACTS)
    assert by_name(card.read(tmp_path / "out"))["test"]["problem"] == "has lost report.json"
    assert "not done: the folder has lost report.json" in (tmp_path / "out" / card.PAGE_FILE).read_text()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_lost_or_broken_file_keeps_a_card_from_being_written(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("broken")
    made = made_run(root)
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        match data.draw(st.sampled_from(["keep", "keep", "lose", "cut", "scramble"])):
            case "lose":
                path.unlink()
            case "cut":
                path.write_bytes(path.read_bytes()[: data.draw(st.integers(0, path.stat().st_size))])
            case "scramble":
                path.write_bytes(data.draw(st.binary(max_size=40)))
    card.write(root / "out", made, FACTS)
    assert card.read(root / "out")["schema"] == contents.SCHEMA
    shutil.rmtree(root)


# --- the page


class Loads(HTMLParser):
    """Collects what a page would load or run, and which tags it has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.found += [f"{tag} {key}" for key in ("src", "href", "onload", "xlink:href") if key in named]
        self.found += [tag] if tag in ("script", "link", "iframe", "object") else []


def test_the_page_loads_nothing_and_has_a_curve(collected: dict[str, Any]) -> None:
    seen = Loads()
    seen.feed(pages.page(collected))
    assert seen.found == []
    assert seen.tags.count("svg") == 1
    assert "polyline" in seen.tags


def test_what_a_person_wrote_stays_text_on_the_page(collected: dict[str, Any]) -> None:
    text = pages.page({**collected, "parameters": {"model": "<script>alert(1)</script>\x00&amp;"}})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;" in text
    assert "<script" not in text


def test_the_page_tells_price_data_test_and_speed(collected: dict[str, Any]) -> None:
    text = pages.page(collected)
    for said in ("$43.07", "1,100", "exact match", collected["data"]["fingerprint"], "sha256:ab", "2026-07-20"):
        assert said in text


@pytest.mark.parametrize("points", [[], [[1, 2.0]], [[1, 0.0], [2, 0.0]], [[1, float("nan")], [2, 1e-9]]])
def test_a_curve_of_few_or_odd_points_is_drawn_all_the_same(points: list[list[float]]) -> None:
    drawn = curve.curve("train", {"curve": points, "held_out_curve": []})
    assert isinstance(drawn, Element)
    assert "nan" not in "".join(one.get("points", "") for one in drawn.iter("polyline"))


@given(st.floats(1e-6, 1e7))
def test_ticks_are_few_round_and_within(most: float) -> None:
    found = curve.ticks(most)
    assert found[0] == 0
    assert 3 <= len(found) <= 7
    assert found[-1] <= most * 1.001


# --- reading one


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no json", "holds no JSON"),
        ("[]", "has no schema version"),
        ('{"steps": []}', "has no schema version"),
        ('{"schema": 99}', "schema 99"),
    ],
)
def test_a_file_that_is_no_card_is_told_in_words(content: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / card.JSON_FILE
    file.write_text(content)
    for place in (file, tmp_path):
        with pytest.raises(UserError, match=said):
            card.read(place)


def test_a_file_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no"):
        card.read(tmp_path)


def test_keys_stand_in_an_order_that_does_not_change(collected: dict[str, Any]) -> None:
    assert list(json.loads(json.dumps(collected)))[:4] == ["schema", "recipe", "platform", "config"]
    assert [step["name"] for step in collected["steps"]] == ["prepare", "train", "test"]


def test_an_image_named_by_its_tag_has_the_digest_that_its_node_told(made: dict[str, Path]) -> None:
    digest = f"sha256:{'cd' * 32}"
    images.note(made["train"], digest)
    tagged = {"neuron-training": {"reference": "registry.test/n:1", "digest": None, "packages": []}}
    steps = [{**step, "image": "neuron-training"} for step in FACTS["steps"]]
    found = contents.collect(made, {**FACTS, "images": tagged, "steps": steps})
    assert found["images"]["neuron-training"]["digest"] == digest
    assert digest in card.page(found)
    assert "no digest is known" in card.page(contents.collect(made, {**FACTS, "images": tagged}))
