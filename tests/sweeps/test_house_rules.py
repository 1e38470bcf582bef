"""Rules of the house that a reader of one file does not see: who commits, who uses the system scope, file sizes."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "callcab").rglob("*.py"))
# Scope.system on behalf of a customer, each with its reason. A new use is a decision: add it here with the reason.
SYSTEM_SCOPE_IN_PAGES: dict[str, str] = {
    "web/auth.py: sign-in": "who asks is found out before anybody's rows may be read",
    "api/check.py: decision": "the decision reads the platform's list and the number pool",
    "views/call_why.py: decision": "«почему не позвонили» asks the decision; it shows the customer's own calls only",
    "views/campaign/lists.py: number leases": "starting takes a number of the pool, which no customer may write",
    "views/phone_number/cabinet.py: verification events": "limits are counted over all customers (AC-10)",
    "views/phone_number/renting.py: number rentals": "a rental is written on a row of the pool, which no customer may",
    "web/health.py: health": "whether the database answers; no rows are read",
    "web/health.py: metrics": "counts over all customers, behind the operator's key",
    "views/promo.py: promo activation": "codes are not readable by customers; the service works for one customer alone",
}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_only_the_unit_of_work_commits() -> None:
    places = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCES
        for call in calls(ast.parse(path.read_text()))
        if name_of(call).endswith((".commit", "._really_commit")) and path.name != "db.py"
    ]
    assert places == []


def test_a_blueprint_is_limited_where_its_name_is_known() -> None:
    """``limits.limit_all``: before the view nothing else is looked for limits."""
    places = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCES
        for call in calls(ast.parse(path.read_text()))
        if isinstance(call.func, ast.Call) and name_of(call.func) == "limiter.limit" and path.name != "limits.py"
    ]
    assert places == []


def test_services_open_no_unit_of_work() -> None:
    places = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "callcab" / "services")
        for call in calls(ast.parse(path.read_text()))
        if name_of(call).endswith("unit_of_work")
    ]
    assert places == []


def test_no_import_hides_inside_a_function() -> None:
    places = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = [child for child in ast.walk(node) if isinstance(child, ast.Import | ast.ImportFrom)]
                places += [f"{path.relative_to(ROOT)}:{child.lineno}" for child in inner]
    assert places == []


def test_no_test_wants_a_loop_in_the_thread_where_a_browser_may_have_left_its_own() -> None:
    """``tests.loop`` gives it one elsewhere; alone such a test passes, behind a browser's it fails."""
    places = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for call in calls(ast.parse(path.read_text()))
        if name_of(call) == "asyncio.run"
    ]
    assert places == []


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in [*SOURCES, *(ROOT / "tests").rglob("*.py")]
        if (count := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_every_use_of_the_system_scope_in_pages_is_listed_with_its_reason() -> None:
    used = set()
    for path in SOURCES:
        if path.relative_to(ROOT / "callcab").parts[0] not in ("views", "api", "web"):
            continue
        for call in calls(ast.parse(path.read_text())):
            if name_of(call) == "Scope.system":
                used.add(f"{path.relative_to(ROOT / 'callcab')}: {ast.literal_eval(call.args[0])}")
    assert used == set(SYSTEM_SCOPE_IN_PAGES)


def test_the_product_imports_only_what_its_own_lock_installs() -> None:
    """The development lock holds more; a package of it that the product needs would be missing after ./run up.

    What is an extra, one module imports, and only when the settings ask for it.
    """
    lock = (ROOT / "requirements.lock").read_text()
    locked = {line.partition("==")[0].lower().replace("_", "-") for line in lock.splitlines() if "==" in line}
    known = packages_distributions()
    missing = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                owners = {owner.lower().replace("_", "-") for owner in known.get(top, [])}
                if top != "callcab" and top not in sys.stdlib_module_names and not owners & locked:
                    missing.add(f"{path.relative_to(ROOT)}: {top}")
    assert missing == {"callcab/providers/telephony/sip.py: baresip"}
