"""Prints the rows of a Delta table, as delta-rs reads it, as one line of JSON."""

import json
import sys

import pyarrow as pa
from deltalake import DeltaTable
from plain_rows import plain

if __name__ == "__main__":
    print(json.dumps(plain(pa.table(DeltaTable(sys.argv[1]).to_pyarrow_table()).to_pylist())))
