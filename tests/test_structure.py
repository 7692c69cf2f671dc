"""What the tree promises: folders point one way, classes are small, nothing is pickled, all is installed."""

from __future__ import annotations

import ast
import configparser
import os
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from tree import LAYERS, ORDER, ROOT, drawn, folder, graph, imports, shown, sources

PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
# The one module that may: Dask and Ray are reached through joblib, and pickle inside their own library.
CLUSTER = ROOT / "engine" / "batch" / "cluster.py"
# Classes over 200 lines or with more than 12 attributes, and why.
LARGE = {
    "Pipeline": "holds the callbacks that its stages answer to, which pending results replace",
    "Track": "the same, for the stages of one track",
    "Stretch": "the same, for voice activity",
    "ZmqBus": "keeps the state of every worker connection in dictionaries of its own",
}
# Calls that unpickle whatever the file holds, by the end of their dotted name.
LOADERS = {"torch.load", "torch.save", "joblib.load", "joblib.dump", "np.save", "pd.read_pickle"}


def attributes(node: ast.ClassDef) -> set[str]:
    """What the methods of a class keep in its instances; the fields that a record declares are not meant."""
    return {
        target.attr
        for target in ast.walk(node)
        if isinstance(target, ast.Attribute)
        and isinstance(target.ctx, ast.Store)
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    }


@pytest.mark.parametrize("path", [*sources(*LAYERS)], ids=lambda path: str(path.relative_to(ROOT)))
def test_dependencies_point_one_way(path: Path) -> None:
    own = LAYERS.index(path.relative_to(ROOT).parts[0])
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "stimmung" and len(parts) > 1 and parts[1] in LAYERS:
            assert LAYERS.index(parts[1]) <= own, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("path", [*sources(*LAYERS)], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pickle_is_read_or_written(path: Path) -> None:
    allowed = {"joblib"} if path == CLUSTER else set()
    assert not (PICKLES - allowed) & {name.split(".")[0] for name in imports(path)}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in LOADERS
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert keywords.get("allow_pickle") != "True"
            assert not (called.endswith(("njit", "jit")) and keywords.get("cache") == "True"), (
                "a cache of pickles"
            )


def test_no_pickle_lies_in_the_tree() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = tracked.stdout.splitlines() if tracked.returncode == 0 else []
    if not names:
        pytest.skip("not a git checkout")
    assert not [
        name for name in names if name.endswith((".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy"))
    ]
    pickle_magic = b"\x80"
    for name in names:
        start = (ROOT / name).read_bytes()[:2] if (ROOT / name).is_file() else b""
        assert not (start[:1] == pickle_magic and start[1:2] in b"\x02\x03\x04\x05")
        assert start != b"PK"  # as torch.save and numpy.savez write, with pickles inside


def test_the_host_of_a_run_with_workers_pickles_nothing() -> None:
    program = (
        "import sys, pickle\n"
        "def refuse(*a, **k): raise AssertionError('something was pickled')\n"
        "for name in ('dump', 'dumps', 'load', 'loads', 'Pickler', 'Unpickler'):\n"
        "    setattr(pickle, name, refuse)\n"
        "from stimmung.engine.cli import main\n"
        "given = '--source sample --pipeline hsf_svm --bus ipc --sink jsonl'\n"
        "sys.argv = ['stimmung', 'run', *given.split()]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 28


def test_every_package_is_installed() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    folders = {path.parent for path in sources(*LAYERS, "configs", "models") if path.name == "__init__.py"}
    assert listed == {".".join(["stimmung", *folder.relative_to(ROOT).parts]) for folder in folders}


@pytest.mark.parametrize("part", ORDER)
def test_folders_import_only_downwards(part: str) -> None:
    order = ORDER[part].split()
    upwards = [
        f"{module} imports {name}"
        for module, names in graph(part).items()
        for name in names
        if (own := folder(module)) and order.index(folder(name)) > order.index(own)
    ]
    assert upwards == []


@pytest.mark.parametrize("part", ORDER)
def test_every_module_and_folder_has_its_place_in_the_order(part: str) -> None:
    assert {folder(module) for module in graph(part)} - {""} == set(ORDER[part].split())


@pytest.mark.parametrize("part", ORDER)
def test_no_modules_import_each_other_in_a_circle(part: str) -> None:
    try:
        TopologicalSorter(graph(part)).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_the_picture_of_the_folders_is_the_one_their_imports_give() -> None:
    assert shown() == drawn(), "draw it anew: make layout"


def test_no_class_is_large() -> None:
    found = set()
    for path in sources(*LAYERS):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > 200 or len(attributes(node)) > 12:
                    found.add(node.name)
    assert found == set(LARGE)


@pytest.mark.parametrize("part", ["engine", "pretrain"])
def test_folders_are_small_enough_to_be_read(part: str) -> None:
    sizes = Counter(path.parent for path in sources(part) if path.name != "__init__.py")
    assert sizes[ROOT / part] <= 8
    assert {str(where): number for where, number in sizes.items() if number > 18} == {}


def test_the_core_imports_none_of_the_heavy_libraries() -> None:
    program = "import sys, stimmung.engine.plugin, stimmung.engine.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {
        "torch",
        "transformers",
        "spacy",
        "sklearn",
        "scipy",
        "llvmlite",
        "numba",
        "pandas",
        "pyarrow",
        "joblib",
    } & set(done.stdout.split())


@pytest.mark.parametrize("workers", [["-n", "0"], ["-n", "1"]], ids=["alone", "distributed"])
@pytest.mark.parametrize(
    ("ci", "reason", "code"),
    [("", "no browser", 0), ("true", "needs stimmung[opensmile]", 0), ("true", "no browser", 1)],
)
def test_in_ci_a_test_is_skipped_for_a_known_reason_or_the_run_fails(
    ci: str, reason: str, code: int, workers: list[str], tmp_path: Path
) -> None:
    told = f"import pytest\n\ndef test_passes(): pass\n\ndef test_skips(): pytest.skip({reason!r})\n"
    (tmp_path / "test_one.py").write_text(told)
    all_of_it = f"import pytest\n\npytest.skip({reason!r}, allow_module_level=True)\n"
    (tmp_path / "test_two.py").write_text(all_of_it)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", *workers, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "1 passed, 2 skipped" in done.stdout
    for name in ("test_one.py::test_skips", "test_two.py"):
        assert (f"{name}: {reason}" in done.stdout) == bool(code)
