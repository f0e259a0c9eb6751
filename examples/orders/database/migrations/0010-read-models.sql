-- How far each projection has come. Its row is locked by the projector that is at work.
create table projections (
  name text primary key,
  xid xid8 not null,
  position bigint not null
);

insert into projections (name, xid, position) values ('read_models', '0', 0);

-- Everything in this schema follows from the events: a rebuild fills another schema and takes its place.
create schema read_models;

create table read_models.orders (
  order_id text primary key,
  customer_id text not null,
  status text not null,
  version integer not null,
  currency text not null,
  -- in minor units
  total bigint not null,
  items jsonb not null,
  channel text,
  -- why it was cancelled
  reason text,
  tracking_id text,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);

create table read_models.customer_orders (
  customer_id text not null,
  created_at timestamptz(3) not null,
  order_id text not null,
  status text not null,
  currency text not null,
  total bigint not null,
  primary key (customer_id, created_at, order_id)
);

create index on read_models.customer_orders (order_id);

-- Confirmed orders by the day of their confirmation, in UTC.
create table read_models.daily_sales (
  day date not null,
  currency text not null,
  orders bigint not null,
  total bigint not null,
  primary key (day, currency)
);
