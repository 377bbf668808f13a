"""The laws of the house that can be read from the code itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "smtpq_exporter"
#: Law 1: what is pure imports none of these.
IMPURE = {
    "asyncio",
    "ctypes",
    "fcntl",
    "multiprocessing",
    "os",
    "pathlib",
    "psutil",
    "random",
    "select",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}
PURE_ROOMS = ("mta", "reasons", "logs", "metrics")
PURE_MODULES = (
    "model",
    "errors",
    "advice",
    "aggregate",
    "rollup",
    "history",
    "schedule",
    "view",
    "startup",
    "strict_yaml",
    "config_values",
    "checks/range",
    "checks/result",
    "checks/evaluate",
    "checks/quantity",
    "checks/options",
    "checks/manual",
    "checks/url",
    "checks/window",
    "checks/queue",
    "checks/deferrals",
    "checks/growth",
    "checks/latency",
    "checks/host",
    "checks/exporter",
    "web/request",
    "web/response",
    "web/html",
    "web/drawing",
    "web/card",
    "web/page",
    "web/verdict",
    "web/toolkit",
)
#: Rooms that the pure ones may use: pure ones.
INNER = {
    "model",
    "errors",
    "advice",
    "aggregate",
    "rollup",
    "ledger",
    "timeline",
    "mta",
    "reasons",
    "logs",
    "metrics",
    "checks",
    "web",
    "strict_yaml",
    "config_values",
    "history",
    "schedule",
    "view",
    "startup",
    "demo",
}
#: The largest module, lines (architecture.md, "Sizes"). Data is no logic: tables may be longer.
LARGEST = 300
TABLES = {"reasons", "metrics/catalog.py"}


def modules() -> list[Path]:
    """All modules of the package."""
    return sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)


def pure() -> list[Path]:
    """The modules that law 1 is about."""
    named = [PACKAGE / f"{name}.py" for name in PURE_MODULES]
    return [path for path in named if path.exists()] + [
        path for path in modules() if path.relative_to(PACKAGE).parts[0] in PURE_ROOMS
    ]


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions; those for types only are left out."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for inner in ast.walk(node):
                inner.skipped = True  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if getattr(node, "skipped", False):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def heads() -> dict[str, set[str]]:
    """Each module with those that its head imports, for types too; what functions import is left out."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in modules()}
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}
    found: dict[str, set[str]] = {name: set() for name in names}
    for name, path in names.items():
        waiting: list[ast.stmt] = list(ast.parse(path.read_text("utf-8")).body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.If):
                waiting += node.body + node.orelse
            elif isinstance(node, ast.Import):
                found[name] |= {alias.name for alias in node.names} & names.keys()
            elif isinstance(node, ast.ImportFrom):
                whole = node.module or ""
                for full in (f"{whole}.{alias.name}" for alias in node.names):
                    found[name] |= {full if full in names else whole} & names.keys()
    return found


def short(path: Path) -> str:
    """A path for the name of a test."""
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", pure(), ids=short)
def test_pure_means_pure(path: Path) -> None:
    """Law 1: no clock, no files, no processes, no threads; and no import of a room that has them."""
    found = set(imports(path))
    assert not {name.split(".")[0] for name in found} & IMPURE
    rooms = {name.split(".")[1] for name in found if name.startswith("smtpq_exporter.")} - {"__version__"}
    assert rooms <= INNER
    assert "datetime.now" not in path.read_text("utf-8")


def test_no_imports_in_a_circle() -> None:
    """Of two modules at most one needs the other, for types too."""
    found = heads()
    assert found["smtpq_exporter.mta.report"] >= {"smtpq_exporter.mta.base"}
    TopologicalSorter(found).prepare()


@pytest.mark.parametrize(
    "path", [path for path in modules() if path.relative_to(PACKAGE).parts[0] == "io"], ids=short
)
def test_io_does_not_know_the_faces(path: Path) -> None:
    """Data flows from left to right: what reads does not import what shows."""
    faces = ("metrics", "web", "checks", "view", "sampler", "daemon", "cli")
    assert not [
        name for name in imports(path) if name.startswith(tuple(f"smtpq_exporter.{face}" for face in faces))
    ]


def test_metric_names_stand_in_the_catalog_alone() -> None:
    """Law 6: no other module of the program writes the name of a metric."""
    name = re.compile(r"smtpq_(?:queue|log|host|spool|mta|source|up|config_last|exporter_build)\w*")
    from smtpq_exporter.metrics.catalog import METRICS

    known = {metric.name for metric in METRICS}
    for path in modules():
        if path == PACKAGE / "metrics" / "catalog.py":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                assert not set(name.findall(node.value)) & known or path.name == "reference.py", (
                    f"{short(path)}:{node.lineno} names a metric"
                )


@pytest.mark.parametrize("path", modules(), ids=short)
def test_a_module_fits_on_a_few_screens(path: Path) -> None:
    """No module is longer than 300 lines, unless it is a table; each says what it is."""
    text = path.read_text("utf-8")
    if not short(path).startswith(tuple(TABLES)):
        assert len(text.splitlines()) <= LARGEST
    assert ast.get_docstring(ast.parse(text)), "a module says what it is and which law it keeps"


@pytest.mark.parametrize("path", modules(), ids=short)
def test_no_error_is_swallowed(path: Path) -> None:
    """No bare except, and no blanket one that does nothing."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: bare except"
            blanket = ast.unparse(node.type) in ("Exception", "BaseException")
            assert not (blanket and isinstance(node.body[0], ast.Pass)), (
                f"line {node.lineno}: swallows everything"
            )
