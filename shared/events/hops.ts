/**
 * Number and names of the functions that led to an event: the extensions `hops` and `hopchain`. Any publisher can
 * write both, so they are bounded when read. A forged value can only get its own event refused, or let its author's
 * loop run up to the limit once more.
 */
export interface Hops {
  /** 0 for an event that no function of ours caused. */
  count: number;
  /** The last links, oldest first: each `function:type`. */
  chain: readonly string[];
}

const MAX_LINKS = 16;
/** Characters of a chain; must fit an attribute of a Pub/Sub message. */
const MAX_CHAIN = 1_000;
/** Characters of a type in the chain. */
const MAX_TYPE = 80;
const LINK = /^[A-Za-z0-9_-]{1,64}:[A-Za-z0-9._/?-]{1,80}$/;

/** Reads the extensions from untrusted values. Invalid values count as absent. */
export function readHops(hops: unknown, hopchain: unknown): Hops {
  const text = typeof hops === 'number' ? String(hops) : hops;
  const count = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : 0;
  const links = typeof hopchain === 'string' ? hopchain.slice(-MAX_CHAIN).split('>') : [];
  const chain = links.filter((link) => LINK.test(link)).slice(-MAX_LINKS);
  return { count: Math.max(count, chain.length), chain };
}

/** The hops of an event that a function publishes in response to another. */
export function nextHops({ count, chain }: Hops, functionName: string, type: string): Hops {
  const shown = type.slice(0, MAX_TYPE).replaceAll(/[^A-Za-z0-9._/?-]/g, '?');
  const next = [...chain, `${functionName}:${shown}`].slice(-MAX_LINKS);
  while (next.join('>').length > MAX_CHAIN) next.shift();
  return { count: count + 1, chain: next };
}

/** `… > charge:order.paid > mail:mail.sent`: the known part of the chain. */
export function describeChain({ count, chain }: Hops): string {
  return [...(chain.length < count ? ['…'] : []), ...chain].join(' > ');
}
