"""Runs the views of `pipeline lake views --engine duckdb` as they are, and answers queries as JSON lines.

The arguments are the folder of the Delta table, a file of SQL and the queries. Without DuckDB's extension for Delta, which
has to be downloaded, delta-rs reads the table, and a macro stands in for delta_scan.
"""

import json
import sys

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from plain_rows import plain


def connection(path):
    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")
    events = pa.table(DeltaTable(path).to_pyarrow_table())
    database.register("arrow_events", events)
    database.execute("create table stored_events as select * from arrow_events")
    database.execute("create macro delta_scan(path) as table select * from stored_events")
    return database


def rows(database, query):
    relation = database.sql(query)
    kinds = dict(zip(relation.columns, map(str, relation.types)))
    return [{name: value(one, kinds[name]) for name, one in row.items()} for row in relation.to_arrow_table().to_pylist()]


def value(one, kind):
    """JSON arrives as text."""
    if one is None or not kind.startswith("JSON"):
        return plain(one)
    return {"json": json.loads(one)} if kind == "JSON" else [value(each, "JSON") for each in one]


if __name__ == "__main__":
    path, script, *queries = sys.argv[1:]
    database = connection(path)
    with open(script, encoding="utf-8") as file:
        database.execute(file.read())
    for query in queries:
        print(json.dumps(rows(database, query)))
