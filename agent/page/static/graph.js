// The snapshot as a graph to draw: nodes, links with a width, storages at their pool.
//
// Widths are powers in kW. A flow whose unit is no power (air, gas) is as wide as
// what its process turns it into or makes it from: a converter's sides are equal.

import { isTransient } from "./steady.js";

const KW = { kW: 1, W: 1e-3, MW: 1e3, "GJ/h": 1e3 / 3.6, "MJ/h": 1 / 3.6 };

// What a storage held before we looked: it comes out of the storage, not from outside.
const UNSEEN = "unknown-start.";

/** Build the graph of `snapshot` with the emissions of `view`. */
export function buildGraph(snapshot, view) {
  const nodes = new Map();
  for (const pool of snapshot.pools) nodes.set(`pool.${pool.id}`, poolNode(pool, view));
  for (const place of snapshot.places) {
    if (place.kind !== "storage" && !place.id.startsWith(UNSEEN)) nodes.set(place.id, placeNode(place, view));
  }
  const links = snapshot.links
    .filter((link) => !isStored(link) && nodes.has(link.from) && nodes.has(link.to))
    .map((link) => ({ ...link, id: `${link.from}>${link.to}`, kw: widthOf(link) }));
  widenByProcesses(nodes, links);
  widenTheRest(links);
  for (const link of links) {
    const isGiven = nodes.get(link.from).kind === "process";
    const emission = isGiven ? burdenOf(link, links, view) : link.emission_kg_per_h?.[view];
    link.intensity = !link.kw || !Number.isFinite(emission) ? null : emission / link.kw;
  }
  return { nodes, links };
}

function isStored(link) {
  return link.from.startsWith("storage.") || link.to.startsWith("storage.");
}

function poolNode(pool, view) {
  return {
    id: `pool.${pool.id}`, kind: "pool", name: pool.id, carrier: pool.carrier,
    rate: pool.inflow, unit: pool.rate_unit, factor: pool.factor[view],
    factorUnit: pool.unit,
  };
}

function placeNode(place, view) {
  return {
    id: place.id, kind: isTransient(place.id) ? "unmeasured" : place.kind,
    name: nameOf(place.id), rate: place.rate, unit: place.rate_unit,
    emission: place.emission_kg_per_h?.[view],
  };
}

function nameOf(id) {
  return id.slice(id.indexOf(".") + 1);
}

function widthOf(link) {
  if (!link.rate) return 0;
  return link.unit in KW ? Math.abs(link.rate) * KW[link.unit] : null;
}

// Give links beside a process the width of its other side, then the whole pool.
function widenByProcesses(nodes, links) {
  const processes = [...nodes.values()].filter((node) => node.kind === "process");
  for (let round = 0; round < processes.length; round += 1) {
    for (const { id } of processes) {
      const taken = links.filter((link) => link.to === id);
      const given = links.filter((link) => link.from === id);
      balance(taken, given, links);
      balance(given, taken, links);
    }
  }
}

function balance(known, other, links) {
  const open = other.filter((link) => link.kw === null);
  const isKnown = known.length > 0 && known.every((link) => link.kw !== null);
  if (open.length === 0 || !isKnown) return;
  const total = sum(known);
  const rest = total - sum(other);
  for (const link of open) {
    const kwPerRate = (rest > 0 ? rest : total) / open.length / Math.abs(link.rate);
    const pool = [link.from, link.to].find((id) => id.startsWith("pool."));
    for (const same of links) {
      const isSame = same === link || (pool && (same.from === pool || same.to === pool));
      if (isSame && same.kw === null) same.kw = Math.abs(same.rate) * kwPerRate;
    }
  }
}

// What no process explains is drawn a third as wide as the widest known flow.
function widenTheRest(links) {
  const widest = Math.max(1, ...links.map((link) => link.kw ?? 0));
  const open = links.filter((link) => link.kw === null);
  for (const link of open) {
    const same = open.filter((other) => other.unit === link.unit);
    const most = Math.max(...same.map((other) => Math.abs(other.rate)));
    link.kwLater = (Math.abs(link.rate) / most) * (widest / 3);
  }
  for (const link of open) link.kw = link.kwLater;
}

function sum(links) {
  return links.reduce((total, link) => total + (link.kw ?? 0), 0);
}

// What a process gives carries what it took, divided by energy; unknown if that is not seen.
function burdenOf(given, links, view) {
  const taken = links.filter((link) => link.to === given.from);
  if (taken.some((link) => link.rate === null)) return null;
  const total = taken.reduce((all, link) => all + (link.emission_kg_per_h?.[view] ?? 0), 0);
  const energy = sum(links.filter((link) => link.from === given.from));
  return taken.length === 0 || energy === 0 ? null : (total * given.kw) / energy;
}

/** The storages of the snapshot, as nodes that hang at their pool. */
export function storagesOf(snapshot, view) {
  return snapshot.places
    .filter((place) => place.kind === "storage")
    .map((place) => {
      const pool = snapshot.pools.find(({ id }) => id === place.pool);
      const kwPerRate = KW[pool.rate_unit] ?? 0;
      const factor = place.factor[view];
      const given = factor ?? unseenFactor(snapshot, nameOf(place.id), view);
      const flowing = place.rate > 0 ? pool.factor[view] : given;
      return {
        id: place.id, kind: "storage", name: nameOf(place.id), pool: `pool.${pool.id}`,
        rate: place.rate, unit: pool.rate_unit, content: place.content,
        factor, factorUnit: pool.unit, kw: Math.abs(place.rate ?? 0) * kwPerRate,
        intensity: flowing === null || kwPerRate === 0 ? null : flowing / kwPerRate,
      };
    });
}

function unseenFactor(snapshot, storage, view) {
  const unseen = snapshot.places.find(({ id }) => id === UNSEEN + storage);
  return unseen?.rate ? unseen.emission_kg_per_h[view] / unseen.rate : null;
}
