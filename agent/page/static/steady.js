// Keeps inflows that come and go in the picture, so that it does not jump.

/** Whether a place is in the snapshot only while something flows from it. */
export function isTransient(id) {
  return id.startsWith("unmeasured.");
}

/** Returns steady(snapshot): the same with the transient inflows seen before, at 0. */
export function createSteady() {
  const places = new Map();
  const links = new Map();
  return (snapshot) => ({
    ...snapshot,
    places: keep(snapshot.places, places, (place) => place.id, (place) => place.id),
    links: keep(snapshot.links, links, (link) => `${link.from}>${link.to}`, (link) => link.from),
  });
}

function keep(items, seen, keyOf, originOf) {
  const present = new Set(items.map(keyOf));
  for (const item of items) {
    if (isTransient(originOf(item))) seen.set(keyOf(item), { ...item, rate: 0, emission_kg_per_h: null });
  }
  const gone = [...seen].filter(([key]) => !present.has(key));
  return [...items, ...gone.map(([, item]) => item)];
}
