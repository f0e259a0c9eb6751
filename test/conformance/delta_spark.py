"""Spark's view of Delta tables: commands as JSON lines on stdin, one JSON line each as the answer.

Install: python3 -m venv <tmp>/delta-spark-venv && <tmp>/delta-spark-venv/bin/pip install pyspark==4.0.1 delta-spark==4.0.0
(Java 17 is needed; the first run fetches Delta's jars.) Rows are hashed as delta_engines.py does.
"""

import hashlib
import json
import sys

from delta import DeltaTable, configure_spark_with_delta_pip
from plain_rows import plain
from pyspark.sql import SparkSession

OPTIONS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.enabled": "false",
    "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    # otherwise vacuum lists one folder in 10,000 tasks
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.log.level": "OFF",
    # reading zstd, Delta's default, takes Node 22.15
    "spark.sql.parquet.compression.codec": "snappy",
}


def session():
    builder = SparkSession.builder.master("local[2]").appName("delta-conformance")
    for key, value in OPTIONS.items():
        builder = builder.config(key, value)
    return configure_spark_with_delta_pip(builder).getOrCreate()


def read(path, version=None):
    reader = spark.read.format("delta")
    return (reader if version is None else reader.option("versionAsOf", version)).load(path)


def facts(path, version=None):
    rows = read(path, version).selectExpr("id", "n", "unix_micros(at)", "note").collect()
    lines = sorted("|".join("" if cell is None else str(cell) for cell in row) for row in rows)
    newest = DeltaTable.forPath(spark, path).history(1).collect()[0]["version"]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    ids = len({line.split("|")[0] for line in lines})
    return {"version": newest if version is None else version, "rows": len(lines), "ids": ids, "hash": digest}


def history(path):
    entries = DeltaTable.forPath(spark, path).history().select("version", "operation").collect()
    return [{"version": entry["version"], "operation": entry["operation"]} for entry in entries]


def find(path, identity):
    return {"rows": read(path).where(f"id = '{identity}'").count()}


def rows_of(prefix, count):
    expressions = [
        f"concat('{prefix}', id) as id",
        "id * 1000000000000001 as n",
        "timestamp_micros(1700000000000001 + id) as at",
        f"if(id % 3 = 0, null, concat('{prefix}', ' \U0001f600 ', id)) as note",
    ]
    return spark.range(int(count)).selectExpr(*expressions)


def append(path, prefix, count):
    rows_of(prefix, count).write.format("delta").mode("append").save(path)
    return facts(path)


def sql(path, statement):
    spark.sql(statement.replace("TABLE", f"delta.`{path}`")).collect()
    return facts(path)


def vacuum(path):
    return {"files": spark.sql(f"vacuum delta.`{path}` retain 168 hours dry run").count()}


def run(*statements):
    for statement in statements:
        spark.sql(statement).collect()
    return {}


def rows(query):
    return plain(spark.sql(query).collect())


COMMANDS = {command.__name__: command for command in [facts, history, find, append, sql, vacuum, run, rows]}

if __name__ == "__main__":
    spark = session()
    print(json.dumps({"ready": spark.version}), flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = COMMANDS[name](*arguments)
        except Exception as error:  # the test shows it
            answer = {"error": str(error)[:2000]}
        print(json.dumps(answer), flush=True)
    spark.stop()
