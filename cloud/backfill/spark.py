"""A file's rows judged by Spark: on this machine, or on the cluster that `spark-submit` names.

    file --texts--> rows --SQL--> results --placed--> made --sorted by object--> objects of the lake
          one task         many            many                  many

One task reads the file: lines are counted and quoted fields may go over several. All else is shared
out. An object is written whole by the task that holds its rows; a task that is tried again writes
the same bytes over it.

Words of Spark 3.5 and later, which EMR has, and none that want pandas. Sources: Spark 3.5 and 4.1,
"RDD Programming Guide", "ANSI Compliance".
"""

import os
import shutil
import sys
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import Row as SparkRow
from pyspark.sql import functions as F

from cloud.backfill.clock import offsets
from cloud.backfill.job import DROPPED, Counts, Told, placed, text
from cloud.backfill.rows import names, texts
from cloud.backfill.sources import Row, Source
from cloud.lake.store import Store

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # Spark 3 leaves it out, and casts in silence then
    "spark.ui.showConsoleProgress": "false",
}
HERE = {
    "spark.master": "local[*]",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "8",  # each is a task of Python's too: of 200, most are empty
}
"""Where no `spark-submit` has said."""

Key = tuple[str, int, int]
"""An object, the line of the row that it is of, and which of that row's."""


def has_java() -> bool:
    """Whether Spark would find one: by JAVA_HOME, or on the path."""
    return bool(os.environ.get("JAVA_HOME") or shutil.which("java"))


@contextmanager
def session() -> Iterator[SparkSession]:
    """Spark, until the block is left. It needs Java: see `has_java`."""
    settings = SETTINGS
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # spark-submit has a Java for us
        settings = SETTINGS | HERE
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName("lotkeeper-backfill")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()


def judge(spark: SparkSession, source: Source, file: str, zone: str) -> "SparkJudged":
    """An `Engine`, once it has its session. Raises BadFile, OSError."""
    next(texts(file, source.columns))  # a file that is none of the source is told here
    line, *others = names(source.columns)
    shape = ", ".join([f"{line} bigint", *(f"{each} string" for each in others)])
    found = spark.sparkContext.parallelize([file], 1).flatMap(
        partial(texts, columns=source.columns)
    )
    rows = spark.createDataFrame(found, shape, verifySchema=False).persist(StorageLevel.DISK_ONLY)
    rows.createOrReplaceTempView("rows")
    spans = [tuple(each.values()) for each in offsets(zone).to_pylist()]
    table = "begin_s bigint, end_s bigint, offset_s bigint, twice boolean"
    F.broadcast(spark.createDataFrame(spans, table)).createOrReplaceTempView("offsets")
    results = spark.sql(text(source.name, "spark")).persist(StorageLevel.DISK_ONLY)
    return SparkJudged(source, rows, results)


@dataclass(frozen=True, slots=True)
class SparkJudged:
    """See `Judged`: `results` hold a row for each of `rows`."""

    source: Source
    rows: DataFrame
    results: DataFrame

    def counts(self) -> Counts:
        """See `Judged`."""
        sums = [F.sum(F.col(word).cast("bigint")).alias(word) for word in self.source.noted]
        row = self._kept().agg(F.count("*").alias("kept"), *sums).first()
        noted = {word: row[word] or 0 for word in self.source.noted}
        return Counts(self.rows.count(), row["kept"], noted)

    def dropped(self) -> pa.Table:
        """See `Judged`. They come to this machine: a file is mostly good."""
        bad = self.results.where("reason IS NOT NULL").select("line", "reason")
        found = self.rows.join(bad, "line").orderBy("line").select(*DROPPED.names)
        return pa.Table.from_pylist([row.asDict() for row in found.collect()], DROPPED)

    def write(self, store: Store, name: str, told: Told) -> Collection[str]:
        """See `Judged`; `told` hears of the end alone."""
        made = self._kept().rdd.flatMap(partial(_placed, self.source, name))
        shared = made.repartitionAndSortWithinPartitions(partitionFunc=_of_object)
        objects = set(shared.mapPartitions(partial(_write, store, self.source.schema)).collect())
        told(len(objects), len(objects))
        return objects

    def _kept(self) -> DataFrame:
        return self.results.where("reason IS NULL")


def _placed(source: Source, name: str, kept: SparkRow) -> Iterator[tuple[Key, Row]]:
    row = kept.asDict()
    for nth, (place, said) in enumerate(placed(source, row, name)):
        yield (place, row["line"], nth), said


def _of_object(key: Key) -> int:
    """The rows of an object come to one task. Not by hash(), which each process has its own of."""
    return zlib.crc32(key[0].encode())


def _write(store: Store, shape: pa.Schema, made: Iterable[tuple[Key, Row]]) -> Iterator[str]:
    for place, found in groupby(made, lambda each: each[0][0]):
        store.put_table(place, pa.Table.from_pylist([row for _, row in found], shape))
        yield place
