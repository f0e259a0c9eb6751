import { describe, isJsonObject } from '../../../shared/core/json-value.ts';
import type { Fault } from '../../../shared/invocation/problem.ts';
import type { OrderCreated2 } from '../schemas/types.ts';
import { Faults } from './faults.ts';

/** An order as its customer sends it. */
export type NewOrder = Omit<OrderCreated2, 'orderId'>;

export type ParsedOrder = { kind: 'order'; order: NewOrder } | { kind: 'faults'; faults: readonly Fault[] };

export const CUSTOMER = { matches: /^cust-[0-9A-Za-z-]{1,60}$/, mustBe: 'an id such as cust-7' };
const PRODUCT = { matches: /^prod-[0-9A-Za-z-]{1,60}$/, mustBe: 'an id such as prod-7' };
const CURRENCY = { matches: /^[A-Z]{3}$/, mustBe: 'a code of ISO 4217 such as EUR' };
const CHANNEL = { matches: /^[a-z0-9-]{1,40}$/, mustBe: '1 to 40 of a to z, 0 to 9 and dashes' };

const MAX_ITEMS = 100;
const QUANTITY = { min: 1, max: 10_000 };
/** Minor units of the currency: sums of a million orders a day are exact, too. */
const MONEY = { min: 0, max: 1_000_000_000 };

/** All faults are listed. Amounts are integers of minor units, such as cents: `4999`, never `49.99`. */
export function parseOrder(body: unknown): ParsedOrder {
  const faults = new Faults();
  const order = isJsonObject(body) ? readOrder(body, faults) : undefined;
  if (!isJsonObject(body)) faults.add('#', `must be an object, got ${describe(body)}`);
  if (order === undefined || faults.all.length > 0) return { kind: 'faults', faults: faults.all };
  return { kind: 'order', order };
}

function readOrder(body: Readonly<Record<string, unknown>>, faults: Faults): NewOrder {
  faults.strangers(body, '#', ['customerId', 'currency', 'items', 'total', 'channel']);
  const customerId = faults.text(body['customerId'], '#/customerId', CUSTOMER);
  const currency = faults.text(body['currency'], '#/currency', CURRENCY);
  const items = readItems(body['items'], faults);
  const total = readTotal(body['total'], items, faults);
  if (body['channel'] === undefined) return { customerId, total, currency, items };
  const channel = faults.text(body['channel'], '#/channel', CHANNEL);
  return { customerId, total, currency, items, channel };
}

function readItems(value: unknown, faults: Faults): NewOrder['items'] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ITEMS) {
    faults.add('#/items', `must be an array of 1 to ${MAX_ITEMS}, got ${describe(value)}`);
    return [];
  }
  const seen = new Set<string>();
  return value.map((item: unknown, index) => {
    const at = `#/items/${index}`;
    if (!isJsonObject(item)) {
      faults.add(at, `must be an object, got ${describe(item)}`);
      return { productId: '', quantity: 0, unitPrice: 0 };
    }
    faults.strangers(item, at, ['productId', 'quantity', 'unitPrice']);
    const productId = faults.text(item['productId'], `${at}/productId`, PRODUCT);
    if (productId !== '' && seen.has(productId)) {
      faults.add(`${at}/productId`, 'must be in one item, got it in several');
    }
    seen.add(productId);
    const quantity = faults.integer(item['quantity'], `${at}/quantity`, QUANTITY);
    const unitPrice = faults.integer(item['unitPrice'], `${at}/unitPrice`, MONEY);
    return { productId, quantity, unitPrice };
  });
}

/** The sum. A client that states it gets to know if it shows its customer another one. */
function readTotal(stated: unknown, items: NewOrder['items'], faults: Faults): number {
  const hasFaults = faults.all.length > 0;
  const total = items.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
  if (total > MONEY.max) {
    faults.add('#/items', `must cost at most ${MONEY.max} minor units together, got ${total}`);
  }
  if (stated === undefined) return total;
  const given = faults.integer(stated, '#/total', MONEY);
  if (!hasFaults && given !== total && Number.isSafeInteger(stated)) {
    faults.add('#/total', `must be the sum of quantity times unitPrice, ${total}, got ${given}`);
  }
  return total;
}
