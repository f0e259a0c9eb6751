"""Other engines' view of a Delta table: one command per call, answered with one line of JSON.

The tables have the columns id (string), n (long), at (timestamp), note (string); others are left out of the
hash. The hash is the SHA-256 of one line per row, `id|n|microseconds|note`, sorted, nulls empty.
"""

import hashlib
import json
import os
import sys

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake

# reading zstd, the default, takes Node 22.15
SNAPPY = WriterProperties(compression="SNAPPY")


def summary(rows):
    lines = []
    for identity, n, micros, note in rows:
        cells = [identity, n, micros, note]
        lines.append("|".join("" if cell is None else str(cell) for cell in cells))
    lines.sort()
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return {"rows": len(lines), "ids": len({line.split("|")[0] for line in lines}), "hash": digest}


def arrow_summary(table):
    columns = [
        table["id"].to_pylist(),
        table["n"].to_pylist(),
        table["at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist(),
        table["note"].to_pylist(),
    ]
    return summary(zip(*columns))


def facts(path, version=None):
    table = DeltaTable(path, version=version)
    return {"version": table.version(), **arrow_summary(pa.table(table.to_pyarrow_table()))}


def history(path):
    return [
        {"version": entry["version"], "operation": entry["operation"]} for entry in DeltaTable(path).history()
    ]


def stats(path):
    actions = pa.table(DeltaTable(path).get_add_actions(flatten=True))
    return [{key: str(value) for key, value in row.items()} for row in actions.to_pylist()]


def matching(path, column, value):
    """Ids of the rows that delta-rs finds, by its statistics and its filter."""
    import pyarrow.dataset as ds

    typed = pa.scalar(int(value), pa.timestamp("us", "UTC")) if column == "at" else value
    found = DeltaTable(path).to_pyarrow_dataset().to_table(filter=ds.field(column) == typed)
    return {"ids": sorted(found["id"].to_pylist())}


def duck(*files):
    query = "select id, n, epoch_us(\"at\"), note from read_parquet(?, union_by_name = true)"
    return summary(duckdb.execute(query, [list(files)]).fetchall())


def duck_find(identity, *files):
    """Row groups that DuckDB's bloom filter probe does not exclude for the id."""
    query = "select file_name, row_group_id, bloom_filter_excludes from parquet_bloom_probe(?, 'id', ?)"
    groups = duckdb.execute(query, [list(files), identity]).fetchall()
    found = duckdb.execute("select count(*) from read_parquet(?) where id = ?", [list(files), identity])
    return {
        "groups": len(groups),
        "excluded": sum(1 for group in groups if group[2]),
        "found": found.fetchone()[0],
    }


def cells(path, identity, name):
    """One column of any table, read by delta-rs, keyed by the rows' ids."""
    table = pa.table(DeltaTable(path).to_pyarrow_table())
    return dict(zip(table[identity].to_pylist(), table[name].to_pylist()))


def duck_cells(identity, name, *files):
    query = f'select "{identity}", "{name}" from read_parquet(?, union_by_name = true)'
    return dict(duckdb.execute(query, [list(files)]).fetchall())


def rows_of(prefix, count):
    return pa.table(
        {
            "id": [f"{prefix}{index}" for index in range(count)],
            "n": pa.array([index * 1_000_000_000_000_001 for index in range(count)], pa.int64()),
            "at": pa.array([1_700_000_000_000_001 + index for index in range(count)], pa.timestamp("us", "UTC")),
            "note": [None if index % 3 == 0 else f"{prefix} \U0001f600 {index}" for index in range(count)],
        }
    )


def append(path, prefix, count):
    write_deltalake(path, rows_of(prefix, int(count)), mode="append", writer_properties=SNAPPY)
    return facts(path)


def create(path, prefix, count, partition=None):
    partitions = [partition] if partition else None
    rows = rows_of(prefix, int(count))
    if partition:
        column = [["a b", "ü/%", None][index % 3] for index in range(int(count))]
        rows = rows.append_column(partition, pa.array(column, pa.string()))
    write_deltalake(path, rows, partition_by=partitions, writer_properties=SNAPPY)
    return facts(path)


def delete(path, predicate):
    DeltaTable(path).delete(predicate, writer_properties=SNAPPY)
    return facts(path)


def overwrite(path, prefix, count):
    write_deltalake(path, rows_of(prefix, int(count)), mode="overwrite", writer_properties=SNAPPY)
    return facts(path)


def optimize(path):
    metrics = DeltaTable(path).optimize.compact(writer_properties=SNAPPY)
    return {**facts(path), "removed": metrics["numFilesRemoved"]}


def restore(path, version):
    DeltaTable(path).restore(int(version))
    return facts(path)


def checkpoint(path):
    DeltaTable(path).create_checkpoint()
    return facts(path)


def vacuum(path):
    return {"files": len(DeltaTable(path).vacuum(retention_hours=169, dry_run=True, full=True))}


def add_column(path, name):
    table = rows_of("evolved", 2).append_column(name, pa.array(["x", "y"]))
    write_deltalake(path, table, mode="append", schema_mode="merge", writer_properties=SNAPPY)
    return facts(path)


def transact(path, app, version):
    from deltalake import Transaction

    properties = CommitProperties(app_transactions=[Transaction(app, int(version))])
    write_deltalake(path, rows_of(app, 1), mode="append", commit_properties=properties, writer_properties=SNAPPY)
    return {"version": DeltaTable(path).transaction_version(app)}


def transaction(path, app):
    return {"version": DeltaTable(path).transaction_version(app)}


COMMANDS = {
    function.__name__: function
    for function in [
        facts, history, stats, matching, duck, duck_find, append, create, delete, overwrite, optimize, restore, checkpoint,
        vacuum, add_column, transact, transaction, cells, duck_cells,
    ]
}

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    if name == "facts" and len(arguments) > 1:
        arguments[1] = int(arguments[1])
    print(json.dumps(COMMANDS[name](*arguments)), flush=True)
    # The engines' threads can abort the interpreter during shutdown, after the answer was written.
    os._exit(0)
