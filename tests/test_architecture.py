"""The house stands as designed: floors, a light door, no dangerous calls, rooms of a size that one can read."""

from __future__ import annotations

import ast
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("corpus", "tokenizer", "macbert")
MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
HEAVY = (
    "torch",
    "transformers",
    "datasets",
    "accelerate",
    "pydantic",
    "numba",
    "pyarrow",
    "rich",
    "gensim",
    "matplotlib",
)

# A module may import what lies below it. The door (macbert.cli) is above everything: only __main__ may open it.
FORBIDDEN = {
    "corpus": {"tokenizer", "macbert", "torch", "transformers", "accelerate"},
    "tokenizer": {"macbert", "torch", "accelerate"},
    "macbert": {"macbert.cli"},
}
IMPORT_CALLS = {"importlib.import_module", "import_module", "__import__"}
DOOR = ("macbert/cli/", "macbert/__main__.py")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and full name of every import, anywhere in the file, also relative and under TYPE_CHECKING."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from ((node.lineno, f"{module}.{alias.name}".lstrip(".")) for alias in node.names)
        elif (
            isinstance(node, ast.Call) and called_name(node) in IMPORT_CALLS and isinstance(node.args[0], ast.Constant)
        ):
            yield node.lineno, str(node.args[0].value)


def called_name(node: ast.Call) -> str:
    return ast.unparse(node.func)


def is_below(module: str, forbidden: str) -> bool:
    return module == forbidden or module.startswith(f"{forbidden}.")


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_only_the_floors_below_it(floor: str) -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in MODULES
        if name_of(path).startswith(f"{floor}/") and not name_of(path).startswith(DOOR)
        for line, module in imported_modules(path)
        if any(is_below(module, forbidden) for forbidden in FORBIDDEN[floor])
    ]
    assert not wrong, "\n".join(wrong)


def test_the_import_reader_sees_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "corpus" / "a.py"
    path.parent.mkdir()
    lines = ["import torch.nn", "from macbert import cli", "from .b import c", "from .. import d"]
    path.write_text("\n".join([*lines, "def f():\n    import_module('torch')"]))
    assert [module for _, module in imported_modules(path)] == ["torch.nn", "macbert.cli", "corpus.b.c", "d", "torch"]


def run_python(code: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def test_importing_corpus_and_tokenizer_with_all_their_names_loads_no_torch() -> None:
    done = run_python(
        "import sys, corpus, tokenizer\n"
        "for package in (corpus, tokenizer):\n"
        "    [getattr(package, name) for name in package.__all__]\n"
        "print(*sorted({'torch', 'accelerate'} & set(sys.modules)))"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["pretrain", "--help"], ["corpus", "build", "--help"], ["demo", "--help"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom macbert.cli import main\ncode = main(sys.argv[2:])\n"
        "print('loaded:', *sorted(set(sys.argv[1].split(',')) & set(sys.modules)))\nsys.exit(code)"
    )
    done = run_python(code, ",".join(HEAVY), *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "loaded:"


def test_help_takes_less_than_half_a_second() -> None:
    def seconds() -> float:
        # Processor time: on a busy machine the clock on the wall tells of the others.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "macbert", "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    seconds()  # the first run writes the byte code
    assert median(seconds() for _ in range(5)) < 0.5


def dangers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of what may run foreign code: unpickling, evaluating, unsafe YAML, a shell."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in names:
                if name.split(".")[0] in {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}:
                    yield node.lineno, name
        if not isinstance(node, ast.Call):
            continue
        name = called_name(node)
        if name in {"eval", "exec", "compile", "torch.load", "torch.save", "os.system", "os.popen"}:
            yield node.lineno, name
        if name in {"yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"}:
            yield node.lineno, name
        for keyword in node.keywords:
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if (keyword.arg, value) in {("shell", True), ("allow_pickle", True), ("trust_remote_code", True)}:
                yield node.lineno, f"{name}({keyword.arg}=True)"


def test_nothing_unpickles_evaluates_or_opens_a_shell() -> None:
    found = [
        f"{name_of(path)}:{line} {what}"
        for path in MODULES
        for line, what in dangers(ast.parse(path.read_text("utf-8")))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "torch.load('a.bin')",
        "eval('1')",
        "yaml.load(text, yaml.SafeLoader)",
        "subprocess.run('ls', shell=True)",
        "np.load('a.npy', allow_pickle=True)",
    ],
)
def test_the_danger_reader_sees(code: str) -> None:
    assert list(dangers(ast.parse(code)))


def test_rooms_have_one_purpose_and_a_size_that_one_can_read() -> None:
    too_long = [
        f"{name_of(path)}: {n} lines" for path in MODULES if (n := len(path.read_text("utf-8").splitlines())) > 320
    ]
    nameless = [
        name_of(path) for path in MODULES if path.stem.strip("_") in {"utils", "util", "helpers", "common", "misc"}
    ]
    untold = [
        name_of(path)
        for path in MODULES
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert not too_long + nameless + untold, "\n".join(too_long + nameless + untold)


def test_tests_are_no_packages() -> None:
    # tests/corpus/__init__.py would stand in front of corpus itself.
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("foreign", ["tokenizer.py", "tokenizer/__init__.py", "corpus/__init__.py"])
def test_a_foreign_package_in_front_of_ours_is_named_and_ends_with_2(tmp_path: Path, foreign: str) -> None:
    path = tmp_path / foreign
    path.parent.mkdir(exist_ok=True)
    path.write_text("raise SystemExit('the foreign package ran')\n")
    # The working folder comes first, as under `python -m macbert`; our checkout stands behind, as site-packages would.
    done = run_python("from macbert.cli import main; raise SystemExit(main(['--help']))", cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


def test_kernels_are_compiled_where_a_change_of_any_of_their_files_is_noticed() -> None:
    wrong = [
        f"{name_of(path)}:{line}"
        for path in MODULES
        if name_of(path) != "corpus/compiling.py"
        for line, module in imported_modules(path)
        if module in ("numba", "numba.njit", "numba.jit", "numba.vectorize", "numba.guvectorize")
    ]
    assert not wrong, f"use corpus.compiling.njit: {wrong}"
