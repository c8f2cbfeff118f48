// One box of the flow picture: what it is, how much flows, with how much carbon.

import { el, setAttribute, setText } from "./dom.js";
import { factor, NONE, quantity } from "./format.js";
import { t, word } from "./i18n.js";

const HEIGHTS = { pool: 70, storage: 70, process: 66 };

/** The least height of a node's box; a dense picture has ends of one line. */
export function heightOf(node, isDense = false) {
  return HEIGHTS[node.kind] ?? (isDense ? 28 : 48);
}

/** A new box for a node. */
export function createBox(node) {
  const name = el("span", "name");
  const kind = el("span", "kind", kindOf(node));
  const main = el("span", "main");
  const side = el("span", "side");
  const box = el("div", "", el("p", "", name, kind), el("p", "", main, side));
  return { node: box, name, main, side };
}

// Inflows, uses and processes are known by where they stand.
function kindOf(node) {
  if (node.kind === "pool") return node.name;
  return ["source", "load", "process"].includes(node.kind) ? "" : word("kind", node.kind);
}

/** Place and fill a box. */
export function updateBox(part, node, links) {
  const { style } = part.node;
  const isUnknown = node.kind !== "process" && node.rate === null;
  setAttribute(part.node, "class", `box ${node.kind}${isUnknown ? " unknown" : ""}`);
  style.left = `${node.x}px`;
  style.top = `${node.y}px`;
  style.width = `${node.width}px`;
  style.height = `${node.height}px`;
  const [name, main, side] = isUnknown ? [nameOf(node), t("flow.none"), ""] : textsOf(node, links);
  setText(part.name, name);
  setAttribute(part.name, "title", name);
  setText(part.main, main);
  setText(part.side, side);
}

function textsOf(node, links) {
  if (node.kind === "pool") {
    return [nameOf(node), quantity(node.rate, node.unit), factor(node.factor, node.factorUnit)];
  }
  if (node.kind === "storage") {
    const content = `${quantity(node.content, node.factorUnit)} · ${factor(node.factor, node.factorUnit)}`;
    return [node.name, directed(node), content];
  }
  if (node.kind === "process") return [node.name, ...conversion(node, links)];
  return [nameOf(node), quantity(node.rate, node.unit), emission(node.emission)];
}

/** The name of a node for readers. */
export function nameOf(node) {
  const carrier = { pool: node.carrier, fuel: node.name.split(".").at(-1) }[node.kind];
  return carrier === undefined ? node.name : word("carrier", carrier);
}

function emission(value) {
  return value === null || value === undefined ? "" : quantity(value, "kg/h");
}

function directed(storage) {
  if (!storage.rate) return quantity(storage.rate, storage.unit);
  const amount = quantity(Math.abs(storage.rate), storage.unit);
  return storage.rate > 0 ? t("storage.charging", { amount }) : t("storage.discharging", { amount });
}

// "95 kW", "→ 808 Nm³/h": what goes in and what comes out.
function conversion(node, links) {
  const side = (end) =>
    links.filter((link) => link[end] === node.id).map((link) => quantity(link.rate, link.unit));
  const [taken, given] = [side("to"), side("from")].map((texts) => texts.join(" + ") || NONE);
  return [taken, `→ ${given}`];
}
