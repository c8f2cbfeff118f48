// The flow picture for narrow screens: each pool with what comes in and goes out.

import { colour } from "./carbon.js";
import { el, keyed, setText } from "./dom.js";
import { factor, quantity } from "./format.js";
import { buildGraph, storagesOf } from "./graph.js";
import { t, word } from "./i18n.js";

/** Prepare the lists in `root`; returns update(snapshot, view). */
export function createBalance(root) {
  return (snapshot, view) => {
    const { nodes, links } = buildGraph(snapshot, view);
    const storages = storagesOf(snapshot, view);
    const pools = [...nodes.values()].filter((node) => node.kind === "pool");
    const sections = pools.map((pool) => {
      const parts = partsOf(pool, nodes, links, storages);
      return { ...pool, parts, most: Math.max(1e-9, ...parts.map((part) => part.kw)) };
    });
    keyed(root, sections, (pool) => pool.id, createSection, updateSection);
  };
}

function partsOf(pool, nodes, links, storages) {
  const incoming = links.filter((link) => link.to === pool.id);
  const outgoing = links.filter((link) => link.from === pool.id);
  const stored = storages.filter((storage) => storage.pool === pool.id);
  return [
    ...incoming.map((link) => ({ ...link, side: t("pools.inflow"), name: nodes.get(link.from).name })),
    ...stored.map((storage) => ({ ...storage, side: storageSide(storage) })),
    ...outgoing.map((link) => ({ ...link, side: t("pools.outflow"), name: nodes.get(link.to).name })),
  ];
}

function storageSide({ rate }) {
  return rate < 0 ? t("pools.inflow") : t("pools.outflow");
}

function createSection(pool) {
  const amount = el("span");
  const parts = el("div");
  const title = el("h3", "", word("carrier", pool.carrier), amount);
  return { node: el("section", "", title, parts), amount, parts };
}

function updateSection(section, pool) {
  const { rate, unit, factorUnit } = pool;
  setText(section.amount, `${quantity(rate, unit)} · ${factor(pool.factor, factorUnit)}`);
  keyed(section.parts, pool.parts, (part) => part.id, createPart, (made, part) => {
    setText(made.side, part.side);
    setText(made.amount, quantity(part.rate === null ? null : Math.abs(part.rate), part.unit));
    made.bar.style.width = `${(part.kw / pool.most) * 100}%`;
    made.bar.style.background = colour(part.intensity);
  });
}

function createPart(part) {
  const [side, amount, bar] = [el("span"), el("b"), el("i")];
  const node = el("div", "part", side, el("span", "", part.name), amount, el("div", "", bar));
  return { node, side, amount, bar };
}
