"""`make docs`: pages anew from the source."""

import click

from tests.docs.made import renewed
from tests.docs.man import PAGE, man_page
from tests.docs.pages import PAGES, read


def main() -> None:
    """Those that change."""
    for page in PAGES:
        if (text := renewed(read(page))) != read(page):
            page.write_text(text, encoding="utf-8")
            click.echo(f"{page.name} is new.")
    PAGE.write_text(man_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
