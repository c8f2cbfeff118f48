// What buses did lately: the agent counts since its start, a reader asks about now.

const SPAN_S = 60;
// Less was seen of a bus that has just come into sight: then it is since its start.
const LEAST_S = 5;

/** Returns recent(snapshot): its buses with `utilisation` and `per_second` of the last minute seen. */
export function createRecent() {
  const seen = new Map();
  return (snapshot) => ({ ...snapshot, buses: snapshot.buses.map((bus) => ({ ...bus, ...lately(seen, bus) })) });
}

function lately(seen, bus) {
  if (bus.elapsed_s === null) return { per_second: null };
  let past = seen.get(bus.id) ?? [];
  // A clock that went back is another run of the agent.
  past = past.filter((then) => then.elapsed_s > bus.elapsed_s - SPAN_S && then.elapsed_s < bus.elapsed_s);
  seen.set(bus.id, [...past, bus]);
  const isLong = past.length && bus.elapsed_s - past[0].elapsed_s >= LEAST_S;
  const then = isLong ? past[0] : { elapsed_s: 0, busy_s: 0, transactions: 0 };
  const span_s = bus.elapsed_s - then.elapsed_s;
  if (!span_s) return { per_second: null };
  return {
    utilisation: Math.min(1, (bus.busy_s - then.busy_s) / span_s),
    per_second: (bus.transactions - then.transactions) / span_s,
  };
}
