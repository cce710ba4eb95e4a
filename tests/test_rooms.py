"""The plan of the house, read from the source: imports run downward only, and every room keeps to its own business."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "digest"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 400
FLOORS = {
    7: {"__main__"},
    6: {"cli"},
    5: {"app", "alarm", "notices", "companion", "housekeeping", "timetable", "tick", "service", "demo", "returns",
        "web"},
    4: {"gather", "compose", "variants", "trim", "inspection", "publish", "proof",
        "illustrate", "screenshot", "audience", "signup", "choices", "archive", "dry_run", "workspace", "deliver",
        "mailbox"},
    3: {"render", "mail", "check"},
    2: {"rank", "source", "store", "replies"},
    1: {"model", "errors", "settings", "settings_tables", "settings_delivery", "settings_inbound", "settings_web",
        "settings_problems",
        "color", "schedule", "clock", "address",
        "language", "frozen", "process", "url"},
    0: {"__init__"},
}  # fmt: skip
"""Rooms by floor; a new room needs its place here, and in the design."""
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
SHIPPED_FAKES = {"testing"}
"""Real servers for tests; nothing in the house may lean on them."""
ONLY_IN = {
    "sqlite_utils": {"store"},
    "sqlite3": {"store", "source"},
    "click": {"cli"},
    "rich": {"cli"},
    "apscheduler": {"service"},
    "jinja2": {"render"},
    "premailer": {"render"},
    "lxml": {"render", "source", "check", "web"},
    "tinycss2": {"check", "web"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "PIL": {"source"},
    "boto3": {"deliver"},
    "botocore": {"deliver"},
    "uvloop": {"deliver"},
    "cryptography": {"mail"},
    "dns": {"mail"},
    "smtplib": set(),
    "requests": set(),
}
"""Which rooms alone may use a library: an effect has one home."""
LOADED_LATE = {"digest/deliver/ses.py → digest.deliver.ses_relay"}
"""Imports that stand in a function, as what they load is heavy and hardly anybody needs it: boto3."""


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


@cache
@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imports_in(node: ast.AST) -> Iterator[str]:
    """Modules that a piece of source imports, those hidden in functions and under TYPE_CHECKING among them."""
    for found in ast.walk(node):
        if isinstance(found, ast.Import):
            yield from (alias.name for alias in found.names)
        elif isinstance(found, ast.ImportFrom):
            assert found.level == 0, "relative imports hide where things come from"
            for alias in found.names:
                submodule = f"{found.module}.{alias.name}"
                yield submodule if submodule in MODULES else str(found.module)


def own_imports(file: Path) -> set[str]:
    return {name for name in imports_in(tree_of(file)) if name.partition(".")[0] == PACKAGE.name}


def named(file: Path) -> str:
    return str(file.relative_to(PACKAGE.parent))


def test_every_room_has_its_floor():
    assert {room_of(file) for file in FILES} <= FLOOR_OF.keys() | SHIPPED_FAKES


def may_import(room: str, target: str) -> bool:
    """Rooms of floors 2 and 3 have no doors between them; those of 4 and 5 build on one another without circles."""
    floor = FLOOR_OF.get(room, max(FLOORS))
    has_inner_doors = floor not in (2, 3)
    return target == room or FLOOR_OF[target] < floor or (has_inner_doors and FLOOR_OF[target] == floor)


def test_imports_run_downward_only():
    upward = [
        f"{named(file)} → {imported}"
        for file in FILES
        for imported in own_imports(file)
        if not may_import(room_of(file), room_of(MODULES[imported]))
    ]
    assert not upward


def test_nothing_leans_on_what_is_made_for_tests():
    house = [file for file in FILES if room_of(file) not in SHIPPED_FAKES]
    assert not [named(file) for file in house for name in own_imports(file) if room_of(MODULES[name]) in SHIPPED_FAKES]


def test_there_are_no_circles_between_modules():
    """A package's own `__init__` hands names on, so importing a module of it also runs that."""
    graph = {module: own_imports(file) - {module} for module, file in MODULES.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' → '.join(error.args[1])}")
    assert set(order) == set(MODULES)


def test_there_are_no_circles_between_rooms():
    graph: dict[str, set[str]] = {}
    for file in FILES:
        targets = {room_of(MODULES[module]) for module in own_imports(file)}
        graph.setdefault(room_of(file), set()).update(targets - {room_of(file)})
    list(TopologicalSorter(graph).static_order())


def test_only_commands_import_inside_functions_or_for_types_only():
    """There it makes `--help` fast; anywhere else, but for what is known to be heavy, it would hide a circle."""
    hidden = [
        f"{named(file)} → {name}"
        for file in FILES
        if room_of(file) != "cli"
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If)
        for name in imports_in(node)
    ]
    assert set(hidden) == LOADED_LATE


def test_libraries_with_an_effect_stay_in_their_room():
    strays = [
        f"{named(file)} → {name}"
        for file in FILES
        for name in imports_in(tree_of(file))
        if room_of(file) not in ONLY_IN.get(name.partition(".")[0], {room_of(file)})
    ]
    assert not strays


@cache
def calls_in(file: Path) -> set[str]:
    """Names of functions that a file calls, as written: "print", "datetime.now"."""
    return {ast.unparse(node.func) for node in ast.walk(tree_of(file)) if isinstance(node, ast.Call)}


def test_only_commands_print():
    assert not [named(file) for file in FILES if "print" in calls_in(file) and room_of(file) != "cli"]


CLOCK_READING = re.compile(r"(.*\.)?(date(time)?\.(now|today|utcnow)|time\.(time|time_ns|localtime|gmtime|clock_\w+))")


def test_only_the_clock_reads_the_clock():
    """`now` is an argument everywhere else; `time.monotonic` measures how long something takes and is no clock."""
    readings = [
        f"{named(file)}: {call}"
        for file in FILES
        if room_of(file) != "clock"
        for call in calls_in(file)
        if CLOCK_READING.fullmatch(call)
    ]
    assert not readings


def hands_names_on(node: ast.stmt) -> bool:
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    is_constant = isinstance(node, ast.Assign) and re.fullmatch(r"__\w+__", ast.unparse(node.targets[0]))
    return is_docstring or bool(is_constant) or isinstance(node, ast.Import | ast.ImportFrom)


def test_package_files_only_hand_names_on():
    packages = [file for file in FILES if file.name == "__init__.py"]
    assert not [named(file) for file in packages if not all(map(hands_names_on, tree_of(file).body))]


def test_every_module_says_what_it_is_for():
    assert not [named(file) for file in FILES if not ast.get_docstring(tree_of(file))]


def test_a_file_is_one_idea_of_at_most_400_lines():
    lines = {named(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert not {file: count for file, count in lines.items() if count > MAX_LINES}, "split them by idea"


def test_no_room_is_a_catch_all():
    assert not [named(file) for file in FILES if re.search(r"util|helper|misc|common", file.name)]
