"""What the tree promises: dependencies point one way, nothing is pickled, every package is installed."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("samples", "engine", "plugins", "pretrain")
PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
# The one module that may: Dask and Ray are reached through joblib, and pickle inside their own library.
CLUSTER = ROOT / "engine" / "cluster.py"
# Calls that unpickle whatever the file holds, by the end of their dotted name.
LOADERS = {"torch.load", "torch.save", "joblib.load", "joblib.dump", "np.save", "pd.read_pickle"}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The absolute names a module imports, relative ones resolved."""
    package = ["stimmung", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *filter(None, [node.module])])


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
        "sys.argv = ['stimmung', 'run', '--source', 'sample', '--bus', 'ipc', '--sink', 'jsonl']\n"
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


def test_no_module_has_grown_past_one_job() -> None:
    long = {path.name: n for path in sources(*LAYERS) if (n := len(path.read_text().splitlines())) > 330}
    assert not long


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
