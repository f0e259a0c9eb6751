"""Runs examples/analytics/windows.sql twice, translated by sqlglot for DuckDB, and prints the rows of its table.

The arguments are the folder of the events' Delta table, the SQL of the orders' views for DuckDB, and the query.
"""

import json
import sys

import duckdb_views
import sqlglot
from sqlglot import exp


def in_duckdb(statement):
    # names of the dataset, and what DuckDB's tables do not have
    for table in statement.find_all(exp.Table):
        table.set("db", None)
    if isinstance(statement, exp.Create):
        statement.set("properties", None)
        for column in statement.find_all(exp.ColumnDef):
            column.set("constraints", [])
    return statement.sql("duckdb")


if __name__ == "__main__":
    path, views, query = sys.argv[1:]
    database = duckdb_views.connection(path)
    for name in (views, query):
        with open(name, encoding="utf-8") as file:
            text = file.read()
        if name == views:
            database.execute(text)
            continue
        statements = [in_duckdb(one) for one in sqlglot.parse(text, read="bigquery") if one]
        for statement in statements * 2:
            database.execute(statement)
    print(json.dumps(duckdb_views.rows(database, "select * from windows")))
