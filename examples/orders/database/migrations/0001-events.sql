-- Streams of events. The row of a stream holds its version, and is locked by whoever appends to it.
create table streams (
  stream text primary key,
  version integer not null check (version > 0)
);

create table events (
  stream text not null references streams,
  version integer not null check (version > 0),
  type text not null,
  data jsonb not null,
  time timestamptz(3) not null default clock_timestamp(),
  -- Readers of all streams go on from the last (xid, position) they saw: positions alone do not follow the order in
  -- which transactions commit.
  xid xid8 not null default pg_current_xact_id(),
  position bigint generated always as identity,
  primary key (stream, version)
);

create index events_in_order on events (xid, position);

-- Can be thrown away at any time.
create table snapshots (
  stream text primary key references streams,
  version integer not null,
  -- of the state's shape: snapshots of another one are not read
  shape integer not null,
  state jsonb not null
);

-- Messages to publish, written in the transaction of the change that they announce.
create table outbox (
  position bigint generated always as identity primary key,
  id text not null unique,
  -- its messages are published in the order of their positions
  stream text not null,
  topic text not null,
  type text not null,
  data text not null,
  attributes jsonb not null,
  ordering_key text,
  created_at timestamptz not null default clock_timestamp(),
  claimed_until timestamptz,
  published_at timestamptz
);

create index outbox_waiting on outbox (stream, position) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;

-- Events that a consumer has handled, marked in the transaction of its effect.
create table inbox (
  consumer text not null,
  event_id text not null,
  handled_at timestamptz not null default clock_timestamp(),
  primary key (consumer, event_id)
);
