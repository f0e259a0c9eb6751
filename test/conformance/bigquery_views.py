"""Checks and runs the views of `pipeline lake views --engine bigquery` without BigQuery.

sqlglot, which has a parser of its own for GoogleSQL, parses every statement and resolves every column. DuckDB then runs
sqlglot's translation; the JSON functions, which it does not translate by their meaning, are macros that follow BigQuery's
documentation. The arguments are as those of duckdb_views.py.
"""

import json
import sys

import duckdb_views
import sqlglot
from deltalake import DeltaTable
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

MACROS = """
create macro bq_timestamp(x) as case when try_cast(x as timestamptz) < '10000-01-01 00:00:00+00' then try_cast(x as timestamptz) end;
create macro bq_parse(x) as try_cast(x as json);
create macro bq_type(j) as case json_type(j) when 'OBJECT' then 'object' when 'ARRAY' then 'array' when 'VARCHAR' then 'string'
  when 'BOOLEAN' then 'boolean' when 'NULL' then 'null' when null then null else case when j is null then null else 'number' end end;
create macro bq_member(j, k) as case when json_type(j) = 'OBJECT'
  then json_extract(j, '/' || replace(replace(k, '~', '~0'), '/', '~1')) end;
create macro bq_value(j) as case when json_type(j) not in ('OBJECT', 'ARRAY', 'NULL') then json_extract_string(j, '$') end;
create macro bq_elements(j) as case when json_type(j) = 'ARRAY'
  then [coalesce(e, 'null'::json) for e in try_cast(j as json[])] end;
"""


def call(name, *arguments):
    return exp.Anonymous(this=name, expressions=[argument.transform(as_duckdb) for argument in arguments])


def as_duckdb(node):
    """Replaces a JSON function of BigQuery by the macro that has its meaning."""
    if isinstance(node, exp.SafeFunc):
        return call("bq_parse", node.this.this)
    if isinstance(node, exp.Bracket):
        return call("bq_member", node.this, node.expressions[0])
    if isinstance(node, exp.TryCast) and node.to.is_type("DECIMAL") and not node.to.expressions:
        return exp.TryCast(this=node.this.transform(as_duckdb), to=exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb"))
    if isinstance(node, exp.TryCast) and node.to.is_type("TIMESTAMPTZ"):
        return call("bq_timestamp", node.this)
    if isinstance(node, exp.JSONType):
        return call("bq_type", node.this)
    if isinstance(node, exp.JSONExtractScalar):
        return call("bq_value", node.this)
    if isinstance(node, exp.JSONExtractArray):
        return call("bq_elements", node.this)
    return node


def columns():
    fields = DeltaTable(sys.argv[1]).schema().fields
    return {field.name: "TIMESTAMP" if "timestamp" in str(field.type) else "STRING" for field in fields}


def checked(script):
    """Every statement, parsed as GoogleSQL; an unknown column is an error."""
    schema = {"lake": {"events": columns()}}
    for statement in sqlglot.parse(script, read="bigquery"):
        if not isinstance(statement, exp.Create) or statement.args["kind"] != "VIEW":
            raise ValueError(f"statement must create a view, got {statement.sql()[:200]}")
        qualify(statement.expression.copy(), schema=schema, dialect="bigquery", validate_qualify_columns=True)
        yield statement


def in_duckdb(statement):
    name = statement.find(exp.Table).name
    query = statement.expression.transform(as_duckdb)
    for table in query.find_all(exp.Table):
        if table.name == "events" and table.db == "lake":
            table.replace(exp.to_table("stored_events"))
    return f'create view {name} as {query.sql("duckdb")}'


if __name__ == "__main__":
    path, script, *queries = sys.argv[1:]
    database = duckdb_views.connection(path)
    database.execute(MACROS)
    with open(script, encoding="utf-8") as file:
        for statement in checked(file.read()):
            database.execute(in_duckdb(statement))
    for query in queries:
        print(json.dumps(duckdb_views.rows(database, query)))
