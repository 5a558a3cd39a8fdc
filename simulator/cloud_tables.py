"""Writes docs/cloud-tables.md from the migrations, by an embedded Postgres.

python -m simulator.cloud_tables
"""

import tempfile
from pathlib import Path

from cloud.postgres import connect, migrate
from cloud.tables import page
from simulator import embedded

PAGE = Path(__file__).parents[1] / "docs/cloud-tables.md"


def main() -> None:
    """Write it."""
    with (
        tempfile.TemporaryDirectory(prefix="lotkeeper-postgres-") as folder,
        embedded.postgres(Path(folder)) as uri,
        connect(uri) as conn,
    ):
        migrate(conn)
        PAGE.write_text(page(conn))


if __name__ == "__main__":
    main()
