"""Arrows point one way: what each package of lifesigns may import; and how long files and functions may
be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "lifesigns"
FILES = sorted(ROOT.rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 400, 60

ALLOWED = {
    "model": set(),
    "stats": {"model"},
    "rules": {"model", "lints", "detectors", "dyes"},
    "lints": {"rules", "model"},
    "data": set(),
    "curves": {"stats", "model", "data"},
    "detectors": {"rules", "stats", "model", "curves"},
    "dyes": {"rules", "stats", "model"},
    "paired": {"store", "model"},
    "store": {"model"},
    "record": {"store", "model"},
    "importers": {"store", "model"},
    "planner": {"stats", "model"},
    "baselines": {"planner", "stats", "model"},
    "learners": {"baselines", "planner", "stats", "model"},
    "campaign": {"diagnose", "baselines", "paired", "stats", "store", "record", "model"},
    "diagnose": {"rules", "stats", "curves", "model"},
    "compare": {"campaign", "importers", "stats", "store", "model"},
    "report": {"compare", "campaign", "learners", "diagnose", "lints", "planner", "rules", "stats", "model"},
}
"""Package → packages of ours that it may import. `rules` names `lints`, `detectors` and `dyes` only to walk them."""
HEAVY = {"torch", "gymnasium", "stable_baselines3", "sb3_contrib", "tensorboard", "wandb"}
USER_SIDE = {"record", "baselines", "learners"}
"""Packages that run where the user's libraries are, and may import them inside functions."""
CHILD_ONLY = "learners/training/"
"""Modules that a child process alone imports; they may import torch at the top."""


def package_of(file: Path) -> str:
    """`record` for src/lifesigns/record/targets/x.py; the module's name for a file at the top."""
    parts = file.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[tuple[str, int, bool]]:
    """(absolute dotted name, line, whether it is inside a function or only for type checking) of every
    import."""
    tree = ast.parse(file.read_text("utf-8"))
    package = ("lifesigns", *file.relative_to(ROOT).parts[:-1])

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, int, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, child.lineno, inside
            elif isinstance(child, ast.ImportFrom):
                base = package[: len(package) - child.level + 1] if child.level else ()
                module = ".".join((*base, *(child.module or "").split("."))).strip(".")
                for alias in child.names:
                    yield f"{module}.{alias.name}", child.lineno, inside
            else:
                typing_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
                is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                yield from walk(child, inside or is_function or typing_only)

    yield from walk(tree, False)


def ids(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("file", FILES, ids=ids)
def test_imports_follow_the_arrows(file: Path) -> None:
    package = package_of(file)
    for name, line, _ in imports(file):
        top, _, rest = name.partition(".")
        target = rest.split(".")[0]
        if top != "lifesigns" or target in ("", "__version__"):
            continue
        assert target != "cli" or file.name == "__main__.py", f"{ids(file)}:{line} imports the command line"
        if package in ALLOWED:
            assert target in ALLOWED[package] | {package}, f"{ids(file)}:{line} imports {name}"


@pytest.mark.parametrize("file", FILES, ids=ids)
def test_the_users_libraries_are_imported_only_where_the_user_has_them(file: Path) -> None:
    package = package_of(file)
    for name, line, inside in imports(file):
        if name.split(".")[0] in HEAVY:
            assert package in USER_SIDE, f"{ids(file)}:{line} imports {name}"
            child = file.name == "play.py" or ids(file).startswith(CHILD_ONLY)
            assert inside or child, f"{ids(file)}:{line} imports {name} at the top"


def test_what_imports_torch_at_the_top_is_imported_by_the_child_alone() -> None:
    users = {
        (ids(f), inside)
        for f in FILES
        if not ids(f).startswith(CHILD_ONLY)
        for name, _, inside in imports(f)
        if name.startswith("lifesigns.learners.training")
    }
    assert users == {("learners/worker.py", True)}


def test_rules_know_of_detectors_and_dyes_only_to_find_them() -> None:
    users = {
        ids(f)
        for f in FILES
        if package_of(f) == "rules"
        for name, _, _ in imports(f)
        if name.startswith(("lifesigns.lints", "lifesigns.detectors", "lifesigns.dyes"))
    }
    assert users <= {"rules/discovery.py"}


@pytest.mark.parametrize("file", [f for f in FILES if package_of(f) in ("record", "store", "model")], ids=ids)
def test_what_runs_in_the_users_process_has_no_name_there(file: Path) -> None:
    """In the user's process the package is called `_lifesigns`: an absolute import would find the user's own
    folder."""
    if file.name == "launch.py":
        return
    tree = ast.parse(file.read_text("utf-8"))
    for node in ast.walk(tree):
        assert not (
            isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "lifesigns"
        ), f"{ids(file)}:{node.lineno}"
        assert not (isinstance(node, ast.Import) and any(a.name.split(".")[0] == "lifesigns" for a in node.names)), (
            f"{ids(file)}:{node.lineno}"
        )


@pytest.mark.parametrize("file", FILES, ids=ids)
def test_sizes(file: Path) -> None:
    text = file.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_FILE, ids(file)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            assert size <= MAX_FUNCTION, f"{ids(file)}:{node.lineno} `{node.name}` has {size} lines"


@pytest.mark.parametrize("file", [f for f in FILES if f.name != "__init__.py"], ids=ids)
def test_every_module_says_what_it_is(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text("utf-8"))), ids(file)
