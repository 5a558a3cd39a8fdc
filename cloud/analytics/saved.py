"""The named queries as Athena saves them: for the last days, whenever somebody runs one.

    python -m cloud.analytics.saved      writes cloud/terraform/modules/athena/queries again

What is written is a template of Terraform's, which puts the lots' time zone in. A test says whether
the files are as this would write them.
"""

from collections.abc import Iterator
from pathlib import Path

from cloud.analytics.job import KEPT, WINDOWS
from cloud.analytics.queries import query, recent

FOLDER = Path(__file__).parents[1] / "terraform/modules/athena/queries"
TIME_ZONE = "${time_zone}"


def files() -> Iterator[tuple[str, str]]:
    """(file's name, text) of each, over the window for which `analyse` keeps it."""
    for window, names in KEPT.items():
        for name in names:
            yield f"{name}.sql", recent(query(name), WINDOWS[window].days, TIME_ZONE) + "\n"


def main() -> None:
    """Write them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
