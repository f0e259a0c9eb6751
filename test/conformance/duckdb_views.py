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
    is_json = {name for name, kind in zip(relation.columns, relation.types) if str(kind) == "JSON"}
    found = relation.to_arrow_table().to_pylist()
    return [
        {name: {"json": json.loads(one)} if name in is_json and one is not None else plain(one) for name, one in row.items()}
        for row in found
    ]


if __name__ == "__main__":
    path, script, *queries = sys.argv[1:]
    database = connection(path)
    with open(script, encoding="utf-8") as file:
        database.execute(file.read())
    for query in queries:
        print(json.dumps(rows(database, query)))
