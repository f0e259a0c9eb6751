"""Sales by minute and by customer, and failed payments, from the events of examples/orders: windows of 60 s of event time.

A Spark Structured Streaming job. It reads the Delta table of events from where it stopped, and keeps one row for each
window, measure, key and currency in another Delta table. An event counts if it is at most an hour late, compared to the
newest event of the batches before.

The sums are right whenever the job dies: the checkpoint names the versions of the events' table that each batch reads, a
batch that runs again has the same totals, and MERGE puts totals in place of totals.
"""

import argparse
import json

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, functions

WINDOW = "60 seconds"
LATE = "1 hour"

# An event cannot have happened after it was stored. Without this, one producer whose clock is ahead would make
# everybody else's events late.
EVENT_TIME = "least(coalesce(time, ingest_time), ingest_time)"

# By event type: measure, key, currency and amount, which is in minor units.
MEASURES = {
    "order.created": [
        ("sales", "''", "currency", "total"),
        ("customer", "customerId", "currency", "total"),
    ],
    "payment.failed": [("failed", "reason", None, None)],
}

KEYS = ["day", "window_start", "type", "measure", "key", "currency"]


def member(name: str, kind: str) -> str:
    return f"try_variant_get(json, '$.{name}', '{kind}')"


def measured(events: DataFrame) -> DataFrame:
    """One row for each measure of each event."""
    cases = []
    for event_type, measures in MEASURES.items():
        rows = []
        for measure, key, currency, amount in measures:
            key_sql = key if key.startswith("'") else f"coalesce({member(key, 'string')}, '')"
            currency_sql = "''" if currency is None else f"coalesce({member(currency, 'string')}, '')"
            amount_sql = "0L" if amount is None else f"coalesce({member(amount, 'bigint')}, 0L)"
            rows.append(
                f"named_struct('measure', '{measure}', 'key', {key_sql}, "
                f"'currency', {currency_sql}, 'amount', {amount_sql})"
            )
        cases.append(f"when type = '{event_type}' then array({', '.join(rows)})")
    return (
        events.where(functions.col("type").isin(list(MEASURES)))
        .selectExpr("type", f"{EVENT_TIME} as at", "try_parse_json(data) as json")
        .selectExpr("type", "at", f"explode(case {' '.join(cases)} end) as m")
        .select("type", "at", "m.*")
    )


def windowed(events: DataFrame) -> DataFrame:
    return (
        measured(events)
        .withWatermark("at", LATE)
        .groupBy(functions.window("at", WINDOW), "type", "measure", "key", "currency")
        .agg(
            functions.count(functions.lit(1)).alias("events"),
            functions.sum(functions.col("amount").cast("decimal(38,0)")).alias("amount"),
        )
        .selectExpr(
            "cast(window.start as date) as day",
            "window.start as window_start",
            "window.end as window_end",
            *KEYS[2:],
            "events",
            "amount",
        )
    )


def upsert(path: str):
    """Writes the totals of the windows that a batch has changed."""

    def write(batch: DataFrame, batch_id: int) -> None:
        target = DeltaTable.forPath(batch.sparkSession, path)
        same = " and ".join(f"old.{name} = new.{name}" for name in KEYS)
        merge = target.alias("old").merge(batch.alias("new"), same)
        merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
        print(json.dumps({"merged": batch_id}), flush=True)

    return write


def prepare(spark: SparkSession, path: str) -> None:
    (
        DeltaTable.createIfNotExists(spark)
        .location(path)
        .addColumn("day", "DATE", comment="of window_start, in UTC")
        .addColumn("window_start", "TIMESTAMP")
        .addColumn("window_end", "TIMESTAMP")
        .addColumn("type", "STRING", comment="of the events")
        .addColumn("measure", "STRING", comment="sales, customer or failed")
        .addColumn("key", "STRING", comment="customer, or reason of the failure; empty for sales")
        .addColumn("currency", "STRING", comment="ISO 4217; empty for failures")
        .addColumn("events", "BIGINT")
        .addColumn("amount", "DECIMAL(38,0)", comment="in minor units of the currency")
        .partitionedBy("day")
        .execute()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", required=True, help="folder of the events' table, such as gs://lake/events")
    parser.add_argument("--windows", required=True, help="folder of the table to write")
    parser.add_argument("--checkpoint", required=True, help="folder that keeps the job's place")
    parser.add_argument("--every", type=int, help="seconds between batches; without it, the job ends when it has caught up")
    options = parser.parse_args()

    spark = SparkSession.builder.appName("windows").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    prepare(spark, options.windows)
    events = (
        spark.readStream.format("delta")
        # Everything new is one batch: events of one batch are never late compared to each other. So the first batch,
        # which reads compacted files in any order of time, loses none.
        .option("maxFilesPerTrigger", 2**31 - 1)
        # erasure rewrites files: the events that stay have been counted, and so have those that go
        .option("skipChangeCommits", "true")
        .load(options.events)
    )
    trigger = {"processingTime": f"{options.every} seconds"} if options.every else {"availableNow": True}
    query = (
        windowed(events)
        .writeStream.outputMode("update")
        .foreachBatch(upsert(options.windows))
        .option("checkpointLocation", options.checkpoint)
        .trigger(**trigger)
        .start()
    )
    query.awaitTermination()
    late = sum(
        operator["numRowsDroppedByWatermark"]
        for progress in query.recentProgress
        for operator in progress["stateOperators"]
    )
    print(json.dumps({"late": late}), flush=True)


if __name__ == "__main__":
    main()
