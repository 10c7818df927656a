"""Parts of pages are what the source says; `make docs` renews them."""

from pathlib import Path

from proxy.config.schema import Document
from tests.docs.made import MAKERS, part_names, renewed
from tests.docs.options import default_of, kind_of, parts
from tests.docs.pages import PAGES, ROOT, each_page, read, words


@each_page
def test_each_page_is_as_it_would_be_made_now(page: Path) -> None:
    """By `make docs`."""
    assert read(page) == renewed(read(page))


def test_each_part_stands_in_one_page() -> None:
    """And each is in one."""
    assert sorted(name for page in PAGES for name in part_names(page)) == sorted(MAKERS)


def test_the_reference_has_each_option_of_each_part() -> None:
    """Type and default, as in a file."""
    text = read(ROOT / "docs" / "configuration.md")
    for place, model in parts(Document):
        _, _, section = text.partition(f"### {place or 'the file itself'}\n")
        rows = [line for line in section.split("\n#")[0].splitlines() if line.startswith("| `")]
        assert sorted(words(row)[0] for row in rows) == sorted(model.model_fields)


def test_values_are_shown_as_the_file_has_them() -> None:
    """Not as read."""
    shown = {
        name: (kind_of(field.annotation, field.metadata), default_of(field))
        for _, model in parts(Document)
        for name, field in model.model_fields.items()
    }
    assert {
        name: shown[name] for name in ("max_body", "spool", "idle_timeout", "per_sender", "csrf", "reuse_port")
    } == {
        "max_body": ("size", "`40MiB`"),
        "spool": ("size", "`0`"),
        "idle_timeout": ("duration", "`75s`"),
        "per_sender": ("`N/s`, `N/m`, `N/h`", "`PydanticUndefined`"),
        "csrf": ("`auto`, `off`", "`auto`"),
        "reuse_port": ("`true`, `false`", "`false`"),
    }
