"""The database's tables as a page: a diagram in Mermaid's words, and what each view says.

There are no foreign keys, for records come in any order; so a table leads to the things whose whole
keys it holds. Leases of the stream are the consumers' own and are not shown.
"""

from dataclasses import dataclass, field

import psycopg

THINGS = {"lots", "spots", "devices", "gateways"}
"""The others tell of these."""
OURS = {"schema_migrations", "stream_members", "stream_leases"}
"""They hold nothing of lots."""
_COLUMNS = """
SELECT c.relname, c.relkind = 'v', a.attname, format_type(a.atttypid, NULL),
    EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary
        AND a.attnum = ANY (i.indkey))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
    AND NOT c.relispartition
ORDER BY c.relname, a.attnum
"""
_SHORT = {
    "timestamp with time zone": "timestamptz",
    "double precision": "float8",
    "character varying": "varchar",
}
PAGE = """\
# The cloud's tables

Made from the migrations by `python -m simulator.cloud_tables`; a test says when it is stale. What
they hold is told in [the cloud](cloud.md). Times are UTC; `events` and `sessions` are partitioned
by month.

```mermaid
erDiagram
{diagram}
```

A line means that a table holds the key of a thing, not that the database insists on the thing:
records come in any order.

## Views

| view | columns |
|---|---|
{views}
"""


@dataclass(slots=True)
class Table:
    """A table or a view: its columns with their types, and those of its key."""

    name: str
    is_view: bool
    columns: dict[str, str] = field(default_factory=dict)
    key: list[str] = field(default_factory=list)


def tables(conn: psycopg.Connection) -> list[Table]:
    """Those that hold something of lots, by name. Raises psycopg.Error."""
    found: dict[str, Table] = {}
    rows: list[tuple[str, bool, str, str, bool]] = conn.execute(_COLUMNS).fetchall()
    for name, is_view, column, kind, in_key in rows:
        if name in OURS:
            continue
        table = found.setdefault(name, Table(name, is_view))
        table.columns[column] = _SHORT.get(kind, kind)
        if in_key:
            table.key.append(column)
    return list(found.values())


def page(conn: psycopg.Connection) -> str:
    """docs/cloud-tables.md. Raises psycopg.Error."""
    found = tables(conn)
    real = [each for each in found if not each.is_view]
    lines = [line for table in real for line in _entity(table)]
    lines += [line for table in real for line in _relations(table, real)]
    views = [
        f"| `{each.name}` | {', '.join(f'`{column}`' for column in each.columns)} |"
        for each in found
        if each.is_view
    ]
    return PAGE.format(diagram="\n".join(lines), views="\n".join(views))


def _entity(table: Table) -> list[str]:
    columns = [
        f"        {kind} {name}{' PK' if name in table.key else ''}"
        for name, kind in table.columns.items()
    ]
    return [f"    {table.name} {{", *columns, "    }"]


def _relations(table: Table, others: list[Table]) -> list[str]:
    """To the things whose keys stand in this table: to a spot, then not to its lot too."""
    held = [
        each
        for each in others
        if each.name in THINGS and each is not table and set(each.key) <= table.columns.keys()
    ]
    return [
        f'    {each.name} ||--o{{ {table.name} : "{", ".join(each.key)}"'
        for each in held
        if not any(set(each.key) < set(other.key) for other in held)
    ]
