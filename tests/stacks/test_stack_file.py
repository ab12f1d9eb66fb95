"""A stack's file that is none is told in one line: where, what is wrong, what to do."""

from pathlib import Path

import pytest

from stacks.config import from_file
from workloads.programs.errors import UserError

WHOLE = "config:\n  aws:region: us-west-2\n  trainyard:nodes:\n    count: 2 # é\n"


def told(folder: Path, content: str | bytes) -> str:
    (folder / "Pulumi.mine.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UserError) as error:
        from_file("mine", folder)
    return str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("config:\n\taws:region: x\n", "Pulumi.mine.yaml, line 2: is not YAML that can be read: it is indented with a"),
        ("config:\n  a: {b: 1\n", "Pulumi.mine.yaml, line 3: is not YAML that can be read: expected ',' or '}'"),
        ("config:\n  a: 1\n b: 2\n", "Pulumi.mine.yaml, line 3: is not YAML that can be read"),
        ("config:\n  a: !new 1\n", "Pulumi.mine.yaml, line 2: is not YAML that can be read"),
        (
            "config:\n  trainyard:recipe: x\n  trainyard:recipe: y\n",
            "line 3: is not YAML that can be read: the key trainyard:recipe stands here a second time. Keep one",
        ),
        ("config: [a]\n", "Pulumi.mine.yaml, config: is a list, not a group of keys. Allowed: keys such as aws:region"),
        ("config: x\n", "Pulumi.mine.yaml, config: is a text, not a group of keys."),
        ("- a\n", "Pulumi.mine.yaml: is a list, not a group of keys. Allowed: a line `config:`"),
        ("hello\n", "Pulumi.mine.yaml: is a text, not a group of keys."),
        (WHOLE.encode("latin-1"), "Pulumi.mine.yaml: is not text in UTF-8. Save it as UTF-8."),
        (WHOLE.encode("utf-16"), "Pulumi.mine.yaml: is not text in UTF-8."),
        ("config:\n  a: \x00\n", "Pulumi.mine.yaml: is not YAML that can be read"),
    ],
)
def test_a_file_that_is_none_of_a_stack_is_told_with_its_place_and_the_remedy(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    found = told(tmp_path, content)
    assert found.startswith("Pulumi.mine.yaml")
    assert said in found
    assert "\n" not in found


def test_a_folder_in_the_files_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.mine.yaml").mkdir()
    with pytest.raises(UserError, match=r"Pulumi.mine.yaml: cannot be read \(Is a directory\)"):
        from_file("mine", tmp_path)


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "config:\n", "encryptionsalt: v1:abc\n"])
def test_a_file_without_keys_is_an_empty_config(tmp_path: Path, content: str) -> None:
    (tmp_path / "Pulumi.mine.yaml").write_text(content)
    assert from_file("mine", tmp_path).values == {}


@pytest.mark.parametrize("as_written", [WHOLE.replace("\n", "\r\n"), "\ufeff" + WHOLE], ids=["CRLF", "BOM"])
def test_a_file_from_windows_says_the_same(tmp_path: Path, as_written: str) -> None:
    (tmp_path / "Pulumi.mine.yaml").write_bytes(as_written.encode())
    raw = from_file("mine", tmp_path)
    assert (raw.values, raw.others) == ({"nodes": {"count": 2}}, {"aws:region": "us-west-2"})


def test_a_number_for_a_key_is_a_key_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.mine.yaml").write_text("config:\n  5: x\n")
    assert from_file("mine", tmp_path).values == {"5": "x"}
