-- How an order is carried out: decided once, by whichever function sees it first.
create table fulfilments (
  order_id text primary key,
  saga text not null check (saga in ('choreography', 'orchestration'))
);

-- charging: the gateway may have charged, or may yet. refunding: it may have paid back.
create table payments (
  order_id text primary key,
  state text not null check (state in ('charging', 'charged', 'declined', 'refunding', 'refunded')),
  -- of what was, or would have been, charged
  amount bigint check (amount >= 0),
  currency text not null,
  payment_id text,
  refunded bigint not null default 0 check (refunded >= 0)
);

create table stock (
  product_id text primary key,
  available integer not null check (available >= 0)
);

-- One row for each order that the stock knows: locked by whoever reserves or releases for it.
create table stock_orders (
  order_id text primary key,
  items jsonb,
  -- nothing can be reserved for it any more
  is_released boolean not null default false
);

-- Every change of the stock for an order: positive reserves, negative releases.
create table stock_moves (
  move bigint generated always as identity primary key,
  order_id text not null,
  product_id text not null references stock,
  quantity integer not null check (quantity <> 0)
);

create index stock_moves_of on stock_moves (order_id);

create table sagas (
  order_id text primary key,
  -- what its commands need to know of the order
  order_data jsonb not null,
  state jsonb not null,
  -- of the state, for the sweep
  deadline timestamptz,
  -- the event that moved it last: commands that are sent again belong to the same chain
  cause jsonb not null
);

create index sagas_due on sagas (deadline) where deadline is not null;

-- Types of events that have run, by consumer and subject: the row is locked while one runs.
create table ordered_subjects (
  consumer text not null,
  subject text not null,
  seen text[] not null default '{}',
  primary key (consumer, subject)
);

-- Events that wait for their predecessors.
create table parked_events (
  consumer text not null,
  event_id text not null,
  subject text not null,
  type text not null,
  event jsonb not null,
  -- what the function was given: for a dead letter
  input jsonb not null,
  expires_at timestamptz not null,
  -- its time has passed: it does not run any more, even if its predecessors come
  is_given_up boolean not null default false,
  primary key (consumer, event_id)
);

create index parked_events_of on parked_events (consumer, subject);
create index parked_events_due on parked_events (expires_at);

create table order_tracking (
  order_id text primary key,
  status text not null,
  total bigint not null,
  currency text not null,
  -- time of each event, by its type
  steps jsonb not null
);
