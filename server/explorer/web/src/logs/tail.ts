// Following a log query: what arrives after the newest row in sight.

import { rows } from "../api";
import { merge, type Row } from "./rows";

const every = 1000; // milliseconds
const most = 500; // rows a round

/**
 * follow asks every second for the rows after the given time and hands on
 * what is new, newest first; the answer stops it. An error ends nothing: the
 * next round asks again from the same time.
 */
export function follow(query: string, after: string | undefined, take: (rows: Row[]) => void): () => void {
  const stop = new AbortController();
  let last = BigInt(after ?? `${Date.now()}000000`);
  const round = async () => {
    while (!stop.signal.aborted) {
      try {
        const until = BigInt(Date.now() + 1000) * 1_000_000n;
        const fresh = merge(await rows(query, String(last + 1n), String(until), most, "forward", stop.signal));
        if (stop.signal.aborted) return;
        if (fresh.length > 0) {
          last = BigInt(fresh[0]!.time);
          take(fresh);
        }
      } catch {
        if (stop.signal.aborted) return;
      }
      await new Promise((wake) => setTimeout(wake, every));
    }
  };
  void round();
  return () => stop.abort();
}
