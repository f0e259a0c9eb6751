import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { FeedEvent } from '../api-types.ts';
import { getJson, listen } from './api.ts';

export interface Loaded<T> {
  value: T | undefined;
  problem: string | undefined;
  isLoading: boolean;
  reload(): void;
}

/** Loads JSON, and keeps what was shown while it is loaded again. */
export function useJson<T>(
  path: string,
  query: Readonly<Record<string, string | number | undefined>> = {},
): Loaded<T> {
  const key = JSON.stringify([path, query]);
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<{ key: string; value?: T; problem?: string; isLoading: boolean }>({
    key,
    isLoading: true,
  });
  useEffect(() => {
    const [wanted, parameters] = JSON.parse(key) as [string, Record<string, string>];
    const gone = new AbortController();
    setState((before) => (before.key === key ? { ...before, isLoading: true } : { key, isLoading: true }));
    getJson<T>(wanted, parameters, gone.signal).then(
      (value) => setState({ key, value, isLoading: false }),
      (error: Error) => {
        if (!gone.signal.aborted) setState({ key, problem: error.message, isLoading: false });
      },
    );
    return () => gone.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const shown: Omit<typeof state, 'key'> = state.key === key ? state : { isLoading: true };
  return { value: shown.value, problem: shown.problem, isLoading: shown.isLoading, reload };
}

const listeners = new Set<(event: FeedEvent) => void>();
let isListening = false;

/** Follows the local cloud, over one connection for the whole page. */
export function useFeed(listener: (event: FeedEvent) => void): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    const call = (event: FeedEvent): void => latest.current(event);
    listeners.add(call);
    if (!isListening) {
      listen((event) => {
        for (const each of [...listeners]) each(event);
      });
    }
    isListening = true;
    return () => void listeners.delete(call);
  }, []);
}

/** A function that calls `work` at most once in `ms`, however often it is called itself. */
export function useThrottled(work: () => void, ms: number): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, ms);
  }, [ms]);
}
