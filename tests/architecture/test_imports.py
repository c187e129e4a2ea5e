"""Each package imports only packages before it in the order, and each module belongs to a
package.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"monitor", "schedules", "alerts"}
ROAD = [
    "plan",
    "look",
    "files",
    "judge",
    "store",
    "deliver",
    "health",
    "ledger",
    "watch",
    "readiness",
]
SHELL = ["config", "web", "app", "rehearse", "cli"]
LOOSE = ["__init__", "__main__", "clock", "errors", "threads"]
# A package imports only itself and packages before it.
ORDER = [
    "schedules.times",
    "schedules.values",
    "schedules",
    "schedules.contract",
    "alerts",
    "monitor.clock",
    "monitor.errors",
    "monitor.threads",
    *(f"monitor.{name}" for name in (*ROAD, *SHELL)),
]


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def name_of(file: Path, root: Path) -> str:
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def place(name: str) -> str | None:
    """Return the package of the order that a module or a name in it belongs to, the nearest."""
    held = [one for one in ORDER if name == one or name.startswith(f"{one}.")]
    return max(held, key=len, default=None)


def may_import(package: str, other: str) -> bool:
    if package == "alerts" and other == "schedules":
        return False
    return ORDER.index(other) <= ORDER.index(package)


def upward(root: Path) -> list[str]:
    """Return every import that runs against the order."""
    found = []
    for file in (one for top in OURS for one in modules(root / top)):
        package = place(name_of(file, root))
        for name in imports(file):
            other = place(name)
            if package and other and not may_import(package, other):
                found.append(f"{name_of(file, root)}: {name}")
    return sorted(found)


def unlisted(root: Path) -> list[str]:
    """Return packages and modules in `monitor/` that are on none of the lists above."""
    known = {*ROAD, *SHELL, *LOOSE}
    here = (
        one
        for one in (root / "monitor").iterdir()
        if one.suffix == ".py" or (one / "__init__.py").exists()
    )
    return sorted(one.stem for one in here if one.stem not in known)


def offenders(folder: str, forbidden: set[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {name}"
        for file in modules(ROOT / folder)
        for name in imports(file)
        if any(name == root or name.startswith(f"{root}.") for root in forbidden)
    ]


@pytest.mark.slow
def test_no_import_runs_against_the_order_of_packages() -> None:
    assert upward(ROOT) == []


def test_nothing_lies_loose_and_no_package_is_unlisted() -> None:
    assert unlisted(ROOT) == []


@pytest.mark.parametrize("package", [*ROAD, *SHELL])
def test_every_package_of_the_list_is_there_and_says_what_it_is(package: str) -> None:
    said = ast.get_docstring(
        ast.parse((ROOT / "monitor" / package / "__init__.py").read_text(encoding="utf-8"))
    )
    assert said


def test_the_guard_sees_an_upward_import_and_a_loose_module(tmp_path: Path) -> None:
    for folder in ("monitor/judge", "schedules/times", "alerts"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "monitor" / "judge" / "part.py").write_text(
        "from monitor.watch.watch import Watch\n"
    )
    (tmp_path / "monitor" / "helpers.py").write_text("")
    (tmp_path / "alerts" / "notice.py").write_text(
        "from schedules import release\nfrom schedules.times import zone\n"
    )
    (tmp_path / "schedules" / "times" / "zone.py").write_text("import schedules.slot\n")
    assert upward(tmp_path) == [
        "alerts.notice: schedules.release",
        "monitor.judge.part: monitor.watch.watch.Watch",
        "schedules.times.zone: schedules.slot",
    ]
    assert unlisted(tmp_path) == ["helpers"]


@pytest.mark.parametrize("folder", ["monitor/plan", "monitor/judge"])
def test_plan_and_judge_know_no_network_store_or_clock(folder: str) -> None:
    assert offenders(folder, {"httpx", "sqlalchemy", "monitor.clock", "asyncio", "time"}) == []


def test_only_the_command_line_and_rehearsals_import_the_builder() -> None:
    found = offenders("monitor", {"monitor.app.build"})
    inside = ("monitor/cli/", "monitor/rehearse/", "monitor/app/")
    assert [line for line in found if not line.startswith(inside)] == []


LONGEST_FUNCTION = 50


def count_code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Return the lines of a function without its docstring, comments and blank lines."""
    has_docstring = ast.get_docstring(node) is not None
    first = node.body[1:2] if has_docstring else node.body[:1]
    begins = first[0].lineno - 1 if first else node.end_lineno or node.lineno
    body = lines[begins : node.end_lineno]
    return sum(1 for line in body if line.strip() and not line.strip().startswith("#"))


def too_long(root: Path) -> list[str]:
    """Return every function of the product that is longer than a reader takes in at once."""
    found = []
    for file in (each for top in OURS for each in modules(root / top)):
        source = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if count_code_lines(node, source.splitlines()) >= LONGEST_FUNCTION:
                found.append(f"{name_of(file, root)}.{node.name}")
    return sorted(found)


@pytest.mark.slow
def test_no_function_is_too_long() -> None:
    assert too_long(ROOT) == []


def test_the_guard_sees_a_function_that_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()
    long = "def walk():\n" + "    pass\n" * 50
    explained = 'def run():\n    """Run.\n' + "\n    Why.\n" * 50 + '    """\n    # so\n    pass\n'
    (tmp_path / "alerts" / "longer.py").write_text(long + explained)
    assert too_long(tmp_path) == ["alerts.longer.walk"]


def test_the_clock_is_read_in_one_file_alone() -> None:
    reads = ("datetime.now", "utcnow", "date.today", "time.time(", "time.monotonic", "gettime")
    found = [
        str(file.relative_to(ROOT))
        for folder in OURS
        for file in modules(ROOT / folder)
        if any(read in file.read_text(encoding="utf-8") for read in reads)
    ]
    assert found == ["monitor/clock.py"]


# Where text is read that others wrote: patterns come from `schedules.patterns`, each proved
# harmless.
FOREIGN = (
    "schedules",
    "monitor/look",
    "monitor/watch",
    "monitor/ledger",
    "monitor/store/evidence/headers.py",
)
COMPILING = {
    "compile",
    "match",
    "fullmatch",
    "search",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
}


def compiled(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        is_named = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if is_named and node.value.id in {"re", "re2"} and node.attr in COMPILING:
            yield f"{file.relative_to(ROOT)}:{node.lineno}"


def test_no_pattern_for_foreign_text_is_compiled_but_where_it_is_proved_harmless() -> None:
    # `values.py` reads our own configuration.
    exempt = {"patterns.py", "values.py"}
    files = [
        file
        for place in FOREIGN
        for file in ([ROOT / place] if place.endswith(".py") else modules(ROOT / place))
    ]
    assert [line for file in files if file.name not in exempt for line in compiled(file)] == []
