// The flow picture for narrow screens: what comes into and goes out of each pool and
// process.

import { colour } from "./carbon.js";
import { el, keyed, setText } from "./dom.js";
import { factor, quantity } from "./format.js";
import { nameOf } from "./flowbox.js";
import { buildGraph, storagesOf } from "./graph.js";
import { t } from "./i18n.js";

/** Prepare the lists in `root`; returns update(snapshot, view). */
export function createBalance(root) {
  return (snapshot, view) => {
    const { nodes, links } = buildGraph(snapshot, view);
    const storages = storagesOf(snapshot, view);
    const middle = ["pool", "process"].flatMap((kind) =>
      [...nodes.values()].filter((node) => node.kind === kind));
    const sections = middle.map((node) => {
      const parts = partsOf(node, nodes, links, storages);
      return { ...node, parts, most: Math.max(1e-9, ...parts.map((part) => part.kw)) };
    });
    keyed(root, sections, (node) => node.id, createSection, updateSection);
  };
}

function partsOf(node, nodes, links, storages) {
  const incoming = links.filter((link) => link.to === node.id);
  const outgoing = links.filter((link) => link.from === node.id);
  const stored = storages.filter((storage) => storage.pool === node.id);
  return [
    ...incoming.map((link) => ({ ...link, side: t("pools.inflow"), name: nameOf(nodes.get(link.from)) })),
    ...stored.map((storage) => ({ ...storage, side: storageSide(storage) })),
    ...outgoing.map((link) => ({ ...link, side: t("pools.outflow"), name: nameOf(nodes.get(link.to)) })),
  ];
}

function storageSide({ rate }) {
  return rate < 0 ? t("pools.inflow") : t("pools.outflow");
}

function createSection(node) {
  const amount = el("span");
  const parts = el("div");
  const title = el("h3", "", nameOf(node), amount);
  return { node: el("section", "", title, parts), amount, parts };
}

function updateSection(section, node) {
  if (node.kind === "pool") setText(section.amount, through(node));
  keyed(section.parts, node.parts, (part) => part.id, createPart, (made, part) => {
    setText(made.side, part.side);
    setText(made.amount, quantity(part.rate === null ? null : Math.abs(part.rate), part.unit));
    made.bar.style.width = `${(part.kw / node.most) * 100}%`;
    made.bar.style.background = colour(part.intensity);
  });
}

function through(pool) {
  return `${quantity(pool.rate, pool.unit)} · ${factor(pool.factor, pool.factorUnit)}`;
}

function createPart(part) {
  const [side, amount, bar] = [el("span"), el("b"), el("i")];
  const node = el("div", "part", side, el("span", "", part.name), amount, el("div", "", bar));
  return { node, side, amount, bar };
}
