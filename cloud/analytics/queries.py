"""The named queries: read, put together with the parts they read, and written in an engine's words.

The texts are Athena's (Trino's) SQL. What DuckDB would silently reckon otherwise is refused by
`faults`, which a test runs over every text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import sqlglot
import yaml
from pydantic import BaseModel, ConfigDict, Field
from sqlglot import exp

Engine = Literal["athena", "duckdb"]

_FOLDER = files("cloud.analytics")
_READ = "trino"
_WHOLE = {"MILLISECOND"}


class About(BaseModel):
    """A query's `.yml`: what it says, its columns with their units, how far it looks back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str
    looks_back_days: int = Field(ge=0, le=366)
    columns: dict[str, str]


@dataclass(frozen=True, slots=True)
class Query:
    """A named query."""

    name: str
    sql: str
    about: About

    def since(self, begin: datetime) -> datetime:
        """From when on its records matter, for a period that begins at `begin`."""
        return begin - timedelta(days=self.about.looks_back_days)


class UnknownQuery(KeyError):
    """There is no query of this name; the text names those there are."""

    def __str__(self) -> str:
        return str(self.args[0])


@cache
def queries() -> dict[str, Query]:
    """All, by name."""
    found = {}
    for each in sorted(_FOLDER.iterdir(), key=lambda path: path.name):
        name, _, ending = each.name.partition(".")
        if ending == "sql" and not name.startswith("_"):
            about = yaml.safe_load(_FOLDER.joinpath(f"{name}.yml").read_text())
            found[name] = Query(name, each.read_text(), About.model_validate(about))
    return found


@cache
def parts() -> dict[str, str]:
    """What queries read like tables, by name."""
    return {
        each.name[1:-4]: each.read_text()
        for each in _FOLDER.iterdir()
        if each.name.startswith("_") and each.name.endswith(".sql")
    }


def query(name: str) -> Query:
    """Raises UnknownQuery."""
    try:
        return queries()[name]
    except KeyError:
        raise UnknownQuery(f"no query {name!r}: there are {', '.join(queries())}") from None


def text(of: Query, engine: Engine, begin: datetime, end: datetime, zone: str) -> str:
    """`of` for the period [begin, end) and lots in `zone`, as `engine` reads it."""
    since = of.since(begin)
    words = {"begin": _moment(begin), "end": _moment(end), "since": _moment(since)}
    return written(of, engine, words | {"hours": _hours(since, end)}, zone)


def recent(of: Query, days: int, zone: str) -> str:
    """`of` for the `days` up to when Athena is asked: for a query that is saved there."""
    now = "CAST(at_timezone(current_timestamp, 'UTC') AS timestamp)"
    begin = f"date_add('day', -{days}, {now})"
    since = f"date_add('day', -{days + of.about.looks_back_days}, {now})"
    first, last = (f"date_format({each}, '%Y%m%d')" for each in (since, now))
    said = {"begin": begin, "end": now, "since": since}
    said["hours"] = f"(concat(year, month, day) BETWEEN {first} AND {last})"
    words = {key: sqlglot.parse_one(each, read=_READ) for key, each in said.items()}
    return written(of, "athena", words, zone)


def written(of: Query, engine: Engine, words: dict[str, exp.Expr], zone: str) -> str:
    """`of` as `engine` reads it, with `words` in the places of :begin, :end, :since and :hours."""

    def put(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder):
            return words[node.this].copy()
        if isinstance(node, exp.Anonymous) and node.name.lower() == "local_time":
            return _local(node.expressions[0], engine, zone)
        return node

    dialect = "duckdb" if engine == "duckdb" else "athena"
    return str(whole(of.sql).transform(put).sql(dialect=dialect, pretty=True, comments=False))


def whole(sql: str) -> exp.Expr:
    """`sql` with the parts that it reads before it."""
    tree = sqlglot.parse_one(sql, read=_READ)
    needed: dict[str, exp.Expr] = {}
    _gather(tree, needed)
    own = tree.args.get("with_")
    kept = list(own.expressions) if own else []
    before = [_cte(name, part) for name, part in needed.items()]
    tree.set("with_", exp.With(expressions=[*before, *kept]) if before or kept else None)
    return tree


def _gather(tree: exp.Expr, needed: dict[str, exp.Expr]) -> None:
    for table in tree.find_all(exp.Table):
        if table.name in parts() and table.name not in needed:
            part = sqlglot.parse_one(parts()[table.name], read=_READ)
            _gather(part, needed)
            needed[table.name] = part


def _cte(name: str, part: exp.Expr) -> exp.Expr:
    return exp.CTE(this=part, alias=exp.TableAlias(this=exp.to_identifier(name)))


def _moment(moment: datetime) -> exp.Expr:
    said = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return exp.cast(exp.Literal.string(said), "timestamp")


def _local(moment: exp.Expr, engine: Engine, zone: str) -> exp.Expr:
    """On the wall clock of `zone`: a moment without a zone, as the lake's are of UTC."""
    if engine == "duckdb":
        utc = exp.func("timezone", exp.Literal.string("UTC"), moment.copy())
        return exp.func("timezone", exp.Literal.string(zone), utc)
    inner = moment.sql(dialect=_READ)
    said = f"CAST(with_timezone({inner}, 'UTC') AT TIME ZONE '{zone}' AS timestamp)"
    return sqlglot.parse_one(said, read=_READ)


def _hours(since: datetime, end: datetime) -> exp.Expr:
    """Which partitions [since, end) touches: whole days, month by month."""
    first, last = since.astimezone(UTC).date(), end.astimezone(UTC).date()
    spans = []
    at = first
    while at <= last:
        behind = (at.replace(day=1) + timedelta(days=32)).replace(day=1)
        until = min(last, behind - timedelta(days=1))
        spans.append(
            f"(year = '{at:%Y}' AND month = '{at:%m}' AND day BETWEEN '{at:%d}' AND '{until:%d}')"
        )
        at = behind
    return sqlglot.parse_one(f"({' OR '.join(spans)})", read=_READ)


def faults(sql: str) -> Iterator[str]:
    """What Athena and DuckDB reckon differently without a word."""
    tree = sqlglot.parse_one(sql, read=_READ)
    for div in tree.find_all(exp.Div):
        if not any(map(_is_fraction, (div.this, div.expression))):
            yield f"{div.sql()}: a quotient of integers is cut in Athena; CAST one to double"
    for diff in tree.find_all(exp.DateDiff, exp.TimestampDiff):
        unit: Any = diff.args.get("unit")
        if str(unit.name if unit else "").upper() not in _WHOLE:
            yield f"{diff.sql()}: DuckDB counts the boundaries between; take milliseconds"
    for total in tree.find_all(exp.Sum, exp.Avg):
        if _is_fraction(total.this):
            yield f"{total.sql()}: depends on the order of rows; add integers, and divide the sum"
    for cast in tree.find_all(exp.Cast):
        if cast.to.is_type(*exp.DataType.INTEGER_TYPES):
            yield f"{cast.sql()}: Athena rounds where DuckDB may not; say floor or round"
    for number in tree.find_all(exp.Literal):
        if not number.is_string and "." in number.name and "E" not in number.name.upper():
            yield f"{number.name}: Athena reckons in decimals and cuts them; write {number.name}E0"
    for name in ("approx_percentile", "approx_distinct", "count_if"):
        if name in sql.lower():
            yield f"{name}: is reckoned otherwise by each engine"


def _is_fraction(node: exp.Expr) -> bool:
    """Whether `node` is a double by its own text, or reckoned of one."""
    return any(
        (isinstance(each, exp.Literal) and not each.is_string and "E" in each.name.upper())
        or (isinstance(each, exp.Cast) and each.to.is_type("double"))
        for each in node.find_all(exp.Literal, exp.Cast)
    )
