"""What a table of the analytics job means, kept with it: from the job to who shows the table.

    processed/analytics/{query}/{window}.parquet        the schema's metadata: {"about": JSON}

>>> about = TableAbout.model_validate_json(TableAbout.EXAMPLE)
>>> about.columns["occupancy"], (about.until - about.begin).days
('0 to 1, weighted by time', 7)
"""

from typing import ClassVar

from pydantic import AwareDatetime, BaseModel

RESULTS = "processed/analytics"
"""Where in the lake the tables lie."""
KEY = b"about"
"""Of the metadata of a table's schema."""


class TableAbout(BaseModel):
    """`says` is what the table answers, `columns` what stands in each and in which unit.

    Over [begin, until); days and hours are those of `time_zone`, moments UTC.
    """

    EXAMPLE: ClassVar[str] = """{
        "query": "peak_usage", "window": "week", "says": "The fullest hours, the fullest first.",
        "columns": {"hour": "0 to 23, local", "occupancy": "0 to 1, weighted by time"},
        "begin": "2024-03-20T10:00:00Z", "until": "2024-03-27T10:00:00Z",
        "time_zone": "Europe/Berlin"
    }"""

    query: str
    window: str
    says: str
    columns: dict[str, str]
    begin: AwareDatetime
    until: AwareDatetime
    time_zone: str
