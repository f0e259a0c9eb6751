/**
 * `work` on each item, several at a time, results in the order of the items. Items are taken as long as those
 * under way weigh less than `limit` together.
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
  weigh: (item: T) => number = () => 1,
): AsyncGenerator<R> {
  const source = items[Symbol.asyncIterator]();
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
        // a failure is thrown when its turn comes; until then nobody listens
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
    await source.return?.();
  }
}

function take<T>(source: AsyncIterator<T>): Promise<IteratorResult<T>> {
  const item = source.next();
  item.catch(() => {});
  return item;
}

/** Whichever comes first; a failure counts as having come. */
function isItemFirst(item: Promise<unknown> | undefined, result: Promise<unknown>): Promise<boolean> {
  const come = (promise: Promise<unknown> | undefined, value: boolean): Promise<boolean> =>
    Promise.resolve(promise).then(
      () => value,
      () => value,
    );
  return Promise.race([come(item, true), come(result, false)]);
}
