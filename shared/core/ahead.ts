/**
 * Runs `work` on several items at a time and yields the results in the order of the items. Takes another item as
 * long as the items in progress weigh less than `limit` together.
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
  weigh: (item: T) => number = () => 1,
): AsyncGenerator<R> {
  const source = each(items);
  const running: { result: Promise<R>; weight: number }[] = [];
  let weight = 0;
  let next: Promise<IteratorResult<T>> | undefined = take(source);
  try {
    while (next !== undefined || running.length > 0) {
      const [first] = running;
      const mayTake = next !== undefined && weight < limit;
      if (first === undefined || (mayTake && (await isItemFirst(next, first.result)))) {
        const item: IteratorResult<T> = await (next as Promise<IteratorResult<T>>);
        if (item.done) {
          next = undefined;
          continue;
        }
        const result = work(item.value);
        // a failure is thrown in its item's turn; until then it must not count as unhandled
        result.catch(() => {});
        running.push({ result, weight: weigh(item.value) });
        weight += weigh(item.value);
        next = take(source);
        continue;
      }
      running.shift();
      weight -= first.weight;
      yield await first.result;
    }
  } finally {
    await Promise.allSettled([...running.map(({ result }) => result), next]);
    await source.return(undefined);
  }
}

async function* each<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

function take<T>(source: AsyncIterator<T>): Promise<IteratorResult<T>> {
  const item = source.next();
  item.catch(() => {});
  return item;
}

/** True if the item settles before the result; a failure counts as settled. */
function isItemFirst(item: Promise<unknown> | undefined, result: Promise<unknown>): Promise<boolean> {
  const come = (promise: Promise<unknown> | undefined, value: boolean): Promise<boolean> =>
    Promise.resolve(promise).then(
      () => value,
      () => value,
    );
  return Promise.race([come(item, true), come(result, false)]);
}
