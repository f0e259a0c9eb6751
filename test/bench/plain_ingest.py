"""The naive way to get events into a Delta table: one merge, compaction and vacuum per event, with delta-rs.

Arguments: table URI, seconds, storage options as JSON. Writes one line of JSON.
"""

import json
import sys
import time

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

uri, seconds, options = sys.argv[1], float(sys.argv[2]), json.loads(sys.argv[3])
columns = [
    "event_id", "ce_id", "type", "source", "subject", "dataschema",
    "correlation_id", "causation_id", "ordering_key", "message_id", "data",
]
schema = pa.schema([(name, pa.string()) for name in columns])


def event(number):
    return pa.table({name: [f"{name}-{number}"] for name in columns}, schema=schema)


write_deltalake(uri, event("first"), storage_options=options)
number = 0
started = time.monotonic()
while time.monotonic() - started < seconds:
    table = DeltaTable(uri, storage_options=options)
    (
        table.merge(event(number), predicate="t.event_id = s.event_id", source_alias="s", target_alias="t")
        .when_not_matched_insert_all()
        .execute()
    )
    table.optimize.compact()
    table.vacuum(retention_hours=168, dry_run=False)
    number += 1
elapsed = time.monotonic() - started
print(json.dumps({"events": number, "perSecond": number / elapsed}))
