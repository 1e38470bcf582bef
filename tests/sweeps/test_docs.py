"""The docs say what the code does: settings, commands, codes, packages, words, and links between pages."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from callcab.cli import COMMANDS
from callcab.config import Settings, environment_name
from callcab.web import texts

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# A checklist whose example names files that need not exist.
CHECKLIST = DOCS / "adding-an-entity.md"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
FAMILIES = {"DomainError", "Invalid", "NotFound", "Forbidden", "Conflict", "LimitReached", "Unavailable"}
PROVIDERS = ROOT / "callcab" / "providers"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def setting_names() -> set[str]:
    return {environment_name(item.name) for item in fields(Settings)}


def test_every_setting_is_explained_and_no_other() -> None:
    explained = re.findall(r"^\| `(CALLCAB_[A-Z_]+)` \|", read("docs/configuration.md"), re.MULTILINE)
    assert sorted(explained) == sorted(setting_names())


def test_the_example_file_names_every_setting_and_no_other() -> None:
    named = re.findall(r"^#?(CALLCAB_[A-Z_]+)=", read(".env.example"), re.MULTILINE)
    assert sorted(named) == sorted(setting_names())


@pytest.mark.parametrize("item", fields(Settings), ids=lambda item: item.name)
def test_the_default_of_a_plain_setting_is_the_one_explained(item: object) -> None:
    default, name = item.default, environment_name(item.name)  # type: ignore[attr-defined]
    if default is None or default == ():
        return
    shown = str(int(default)) if isinstance(default, bool) else str(default)
    row = next(line for line in read("docs/configuration.md").splitlines() if line.startswith(f"| `{name}` |"))
    assert row.split("|")[2].strip().strip("`") == shown


def test_every_command_is_in_the_operations_page() -> None:
    page = read("docs/operations.md")
    table = page[page.index("## Commands") : page.index("## First steps")]
    assert set(re.findall(r"^\| `([a-z-]+)", table, re.MULTILINE)) == set(COMMANDS)


def test_every_package_has_a_reason_and_a_keeper() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(line for extra in extras for line in extra)]
    names = {re.split(r"[\[<>=~; ]", line, maxsplit=1)[0] for line in declared}
    rows = [line for line in read("docs/dependencies.md").splitlines() if re.match(r"\| [a-z]", line)]
    assert {row.split("|")[1].strip() for row in rows} == names
    assert all(all(cell.strip() for cell in row.split("|")[1:4]) for row in rows)


def refusals() -> Iterator[tuple[str, str]]:
    """Codes of refusals raised in the code, with their place; an f-string counts up to its first value."""
    for path in sorted((ROOT / "callcab").rglob("*.py")):
        if path.is_relative_to(PROVIDERS):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILIES):
                continue
            first = node.args[0] if node.args else None
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value, place
            elif isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                yield f"{first.values[0].value}*", place


def test_every_refusal_in_the_code_has_a_sentence() -> None:
    known = texts.load()
    missing = []
    for code, place in refusals():
        found = any(name.startswith(code[:-1]) for name in known) if code.endswith("*") else code in known
        if not found:
            missing.append(f"{code} ({place})")
    assert missing == []


def test_every_subject_of_a_code_is_in_the_errors_page() -> None:
    page = read("docs/errors.md")
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    listed = set(re.findall(r"`([a-z_]+)`", rows))
    raised = {code.rstrip("*").partition(".")[0] for code, _ in refusals()}
    assert raised - listed == set()


def test_the_glossary_has_the_words_of_the_sections() -> None:
    page = read("docs/glossary.md")
    words = (
        "invoice", "outgoing number", "shared number", "free number", "duty number", "rented number", "personal number",
        "promo code", "payment", "blacklist", "IP allow list", "campaign", "operation", "ledger entry", "reservation",
        "rental; lease", "decision", "tariff", "receipt link", "audit log", "Access denied", "Nothing found",
    )  # fmt: skip
    assert [word for word in words if word not in page] == []


def test_every_abuse_case_has_an_answer() -> None:
    rows = re.findall(r"^\| (AC-\d\d) \|(.+)\|$", read("docs/threats.md"), re.MULTILINE)
    assert [name for name, _ in rows] == [f"AC-{number:02}" for number in range(1, 61)]
    assert all(len(cells.split("|")) == 3 and all(cell.strip() for cell in cells.split("|")) for _, cells in rows)


@pytest.mark.parametrize("page", [page for page in PAGES if page != CHECKLIST], ids=lambda page: page.name)
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"\]\(([^)#:\s]+)\)", text)
    named += re.findall(r"(?<![\w/<{.])((?:docs|tests|callcab|templates|migrations)/[\w./-]*\w/?)(?![\w*{<…])", text)
    assert [name for name in named if not any((base / name).exists() for base in (ROOT, page.parent))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_place_of_somebodys_machine(page: Path) -> None:
    assert re.findall(r"(?:/home/|/root/|/work/|/Users/|C:\\\\)\S*", page.read_text(encoding="utf-8")) == []


def test_every_decision_has_its_four_parts() -> None:
    for page in sorted((DOCS / "adr").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for part in ("**Context.**", "**Decision.**", "**Price.**", "**Reopen when**"):
            assert part in text, (page.name, part)


def test_the_api_page_lists_every_endpoint_with_its_scope() -> None:
    page = read("docs/api.md")
    listed = set(re.findall(r"^\| (GET|POST|PUT|PATCH|DELETE) (/api/v1/\S+) \| `(\S+)` \|", page, re.MULTILINE))
    found = set()
    for path in (ROOT / "callcab" / "api").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        for verb, place, scope in re.findall(
            r"@blueprint\.(get|post|put|patch|delete)\(\"(/[^\"]*)\"\)\n(?:@blueprint[^\n]*\n)*@needs\(\"([\w:]+)\"\)",
            source,
        ):
            found.add((verb.upper(), "/api/v1" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", place), scope))
    assert listed == found
