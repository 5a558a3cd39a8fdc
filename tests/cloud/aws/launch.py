"""Run by the emulator's own Python: the emulator, whose Athena is told Athena's words.

Its Athena hands a query to DuckDB as it came; here sqlglot translates it first. The emulator finds
the tables and their files, and answers by Athena's API.
"""

MACROS = """\
CREATE MACRO with_timezone(moment, zone) AS timezone(zone, moment);
CREATE MACRO at_timezone(moment, zone) AS timezone(zone, moment);
SET TimeZone = 'UTC';
"""


def launch() -> None:
    import sqlglot
    from ministack.app import main
    from ministack.services import athena

    find_files = athena._rewrite_data_paths

    async def translated(query, database, catalog=None):
        said = sqlglot.transpile(query, read="athena", write="duckdb")[0]
        found, *rest = await find_files(said, database, catalog)
        return MACROS + found, *rest

    athena._rewrite_data_paths = translated
    main()


if __name__ == "__main__":
    launch()
