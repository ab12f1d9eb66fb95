"""The compile cache and its copy in a store: what is there is whole, and nothing is compiled or moved twice."""

from pathlib import Path

import pytest

from workloads.programs import neuron_cache, store
from workloads.programs.errors import UserError

VERSION = "neuronxcc-2.21.33363.0+82129205"


def graph(cache: Path, name: str, *, done: bool = True, made: bytes = b"neff") -> str:
    """A graph in `cache` as Neuron's libraries leave it: compiled, or noted down alone."""
    folder = cache / VERSION / f"MODULE_{name}+4eddc804"
    folder.mkdir(parents=True)
    (folder / "model.hlo_module.pb").write_bytes(name.encode())
    (folder / "compile_flags.json").write_text("[]")
    (folder / "model.hlo_module.pb.lock").touch()
    if done:
        (folder / "model.neff").write_bytes(made)
        (folder / "model.done").touch()
    return f"{VERSION}/{folder.name}"


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_graph_counts_as_compiled_only_with_its_result_and_its_mark(tmp_path: Path) -> None:
    whole = graph(tmp_path, "1")
    noted = graph(tmp_path, "2", done=False)
    failed = graph(tmp_path, "3", made=b"")
    unmarked = graph(tmp_path, "4")
    (tmp_path / unmarked / "model.done").unlink()
    assert neuron_cache.graphs(tmp_path) == {whole, noted, failed, unmarked}
    assert neuron_cache.compiled(tmp_path) == {whole}


def test_a_cache_that_is_not_there_yet_holds_nothing(tmp_path: Path) -> None:
    assert neuron_cache.graphs(tmp_path / "none") == set()


def test_what_is_pushed_once_is_pulled_into_another_cache_byte_for_byte_but_for_locks(tmp_path: Path) -> None:
    name = graph(tmp_path / "here", "1")
    noted = graph(tmp_path / "here", "2", done=False)
    kept = store.at(str(tmp_path / "store"))
    assert neuron_cache.push(kept, tmp_path / "here", {name, noted}) == {name}
    assert neuron_cache.pull(kept, tmp_path / "there", {name, noted}) == {name}
    left = {file: data for file, data in content(tmp_path / "here" / name).items() if not file.endswith(".lock")}
    assert content(tmp_path / "there" / name) == left
    assert neuron_cache.compiled(tmp_path / "there") == {name}


def test_nothing_is_moved_a_second_time(tmp_path: Path) -> None:
    name = graph(tmp_path / "here", "1")
    kept = store.at(str(tmp_path / "store"))
    neuron_cache.push(kept, tmp_path / "here", {name})
    assert neuron_cache.push(kept, tmp_path / "here", {name}) == set()
    assert neuron_cache.pull(kept, tmp_path / "here", {name}) == set()


def test_only_what_is_asked_for_is_pulled(tmp_path: Path) -> None:
    names = [graph(tmp_path / "here", str(number)) for number in range(3)]
    kept = store.at(str(tmp_path / "store"))
    neuron_cache.push(kept, tmp_path / "here", names)
    assert neuron_cache.pull(kept, tmp_path / "there", {names[1]}) == {names[1]}
    assert neuron_cache.graphs(tmp_path / "there") == {names[1]}


def test_a_graph_that_was_half_stored_is_not_pulled_and_is_stored_again(tmp_path: Path) -> None:
    name = graph(tmp_path / "here", "1")
    kept = store.at(str(tmp_path / "store"))
    neuron_cache.push(kept, tmp_path / "here", {name})
    kept.remove(f"neuron-cache/{name}/model.done")
    assert neuron_cache.pull(kept, tmp_path / "there", {name}) == set()
    assert neuron_cache.push(kept, tmp_path / "here", {name}) == {name}


def test_the_mark_is_the_last_file_that_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before any file, a graph is not taken for compiled."""
    name = graph(tmp_path / "here", "1")
    kept = store.at(str(tmp_path / "store"))
    neuron_cache.push(kept, tmp_path / "here", {name})
    get, come = type(kept).get, []

    def dies(self: store.Store, one: str, file: Path) -> str:
        come.append(one.rpartition("/")[2])
        if len(come) == 3:
            raise OSError("no route to host")
        return get(self, one, file)  # type: ignore[arg-type]

    monkeypatch.setattr(type(kept), "get", dies)
    with pytest.raises(OSError, match="no route"):
        neuron_cache.pull(kept, tmp_path / "there", {name})
    assert neuron_cache.compiled(tmp_path / "there") == set()
    monkeypatch.undo()
    assert neuron_cache.pull(kept, tmp_path / "there", {name}) == {name}


@pytest.mark.parametrize("address", ["", "s3://bucket/cache"])
def test_a_cache_that_is_no_folder_is_refused_with_the_variables_name(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(neuron_cache.VARIABLE, address)
    with pytest.raises(UserError, match="NEURON_COMPILE_CACHE_URL"):
        neuron_cache.folder()
