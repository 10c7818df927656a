"""The source has the form that CONTRIBUTING.md describes, and the words of ARCHITECTURE.md."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "proxy").rglob("*.py"))
PAGES = [each for each in (ROOT / "proxy/console/static").rglob("*") if each.suffix in {".css", ".js"}]
STORES = {"proxy/outbox/postgres", "proxy/outbox/sqlite", "proxy/store/postgres"}
"Folders that have the same parts, so that these have the same names."


def test_modules_have_at_most_300_lines() -> None:
    """Python, scripts and style sheets, but not the library that is vendored."""
    ours = [each for each in [*MODULES, *PAGES] if "vendor" not in each.parts]
    assert len(ours) > 400
    assert [str(each) for each in ours if len(each.read_text().splitlines()) > 300] == []


def test_functions_have_at_most_60_lines() -> None:
    """Methods too, with their docstrings."""
    found = [(node.name, _lines(node)) for tree in _trees().values() for node in _functions(tree)]
    assert len(found) > 2000
    assert [(name, lines) for name, lines in found if lines > 60] == []


def test_a_type_has_its_name_for_itself() -> None:
    """Aliases count too; only the same part of two stores has the same name."""
    places = defaultdict(set)
    for module, tree in _trees().items():
        for name in _types(tree):
            places[name].add(module)
    shared = {name: modules for name, modules in places.items() if len(modules) > 1}
    assert {name: modules for name, modules in shared.items() if not _in_different_stores(modules)} == {}


def test_each_word_of_our_own_is_in_use() -> None:
    """A word that the source no longer has needs no explanation."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = text[text.index("| word |") : text.index("## Life of an exchange")]
    words = [word.strip() for row in table.splitlines()[2:] if row for word in row.split("|")[1].split(",")]
    source = " ".join(each.read_text() for each in MODULES).lower().replace("_", " ")
    assert len(words) > 30
    assert [word for word in words if not re.search(rf"\b{re.escape(word.lower())}", source)] == []


def test_each_test_is_in_a_part_of_make_test() -> None:
    """What one part leaves out is in another."""
    parts = re.findall(r"\(call part,(.*)\)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    words = set(" ".join(parts).split())
    folders = {f"tests/{each.relative_to(ROOT / 'tests').parts[0]}" for each in (ROOT / "tests").rglob("test_*.py")}
    left_out = {each.removeprefix("--ignore=") for each in words if each.startswith("--ignore=")}
    assert (folders | left_out) - words == set()


@cache
def _trees() -> Mapping[str, ast.Module]:
    return {str(each.relative_to(ROOT)): ast.parse(each.read_text()) for each in MODULES}


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _types(tree: ast.Module) -> Iterator[str]:
    """The names of classes, and of aliases, which are written like classes."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if re.fullmatch(r"_?[A-Z]\w*[a-z]\w*", name):
                yield name


def _in_different_stores(modules: set[str]) -> bool:
    folders = {str(Path(each).parent) for each in modules}
    return len(folders) == len(modules) and folders <= STORES
