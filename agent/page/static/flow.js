// The flow picture: boxes are HTML, ribbons an SVG behind them.

import { colour, TOP } from "./carbon.js";
import { el, keyed, setAttribute, svg } from "./dom.js";
import { number } from "./format.js";
import { buildGraph, storagesOf } from "./graph.js";
import { layOut } from "./layout.js";
import { createBox, heightOf, updateBox } from "./flowbox.js";
import { ribbon, stem } from "./ribbon.js";

const BOX_WIDTH = 176;
const NARROWEST = 940;
const STEM = 30;
// The widest flow, in pixels; more when many uses share it.
const WIDEST = 190;
const WIDTH_PER_END = 13;
// More ends than this get boxes of one line.
const ROOMY_ENDS = 14;

/** Prepare the picture in `root`; returns update(snapshot, view). */
export function createFlow(root) {
  const ribbons = svg("svg", { "aria-hidden": "true" });
  const boxes = el("div", "boxes");
  root.append(ribbons, boxes);
  const reserves = new Map();
  let shown = null;
  new ResizeObserver(() => shown && draw(...shown)).observe(root);

  function draw(snapshot, view) {
    shown = [snapshot, view];
    const { nodes, links } = buildGraph(snapshot, view);
    const storages = storagesOf(snapshot, view);
    for (const flow of [...links, ...storages]) flow.reserve = reserveFor(flow, reserves);
    const ends = countEnds(nodes, links);
    const scale = Math.max(WIDEST, WIDTH_PER_END * ends) / widest(nodes, links);
    const isDense = ends > ROOMY_ENDS;
    root.classList.toggle("dense", isDense);
    for (const link of links) link.lane = Math.max(3, link.reserve * scale);
    const width = Math.max(NARROWEST, root.clientWidth);
    const cells = [...nodes.values()].map((node) => cellOf(node, links, storages, isDense));
    const plan = layOut(cells, links, width, BOX_WIDTH);
    boxes.style.width = `${width}px`;
    boxes.style.height = `${plan.height}px`;
    for (const [name, value] of Object.entries({ width, height: plan.height })) {
      setAttribute(ribbons, name, value);
    }
    const placed = [...nodes.values()].map((node) => ({ ...node, ...frame(plan, node.id) }));
    const hung = hang(storages, plan);
    drawRibbons(ribbons, links, plan, hung, scale);
    keyed(boxes, [...placed, ...hung], (node) => node.id, createBox, (part, node) => {
      updateBox(part, node, links);
    });
  }
  return draw;
}

// The room kept for a flow only grows, in steps, so that the picture stays calm.
function reserveFor(flow, reserves) {
  const before = reserves.get(flow.id) ?? 0;
  const reserve = flow.kw <= before ? before : niceAbove(flow.kw);
  reserves.set(flow.id, reserve);
  return reserve;
}

function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 5, 7, 10].find((step) => step * power >= value) * power;
}

function widest(nodes, links) {
  const through = (id, end) =>
    links.reduce((sum, link) => sum + (link[end] === id ? link.reserve : 0), 0);
  const widths = [...nodes.keys()].map((id) => Math.max(through(id, "from"), through(id, "to")));
  return Math.max(1e-9, ...widths);
}

function countEnds(nodes, links) {
  const starts = new Set(links.map((link) => link.from));
  return [...nodes.keys()].filter((id) => !starts.has(id)).length;
}

function cellOf(node, links, storages, isDense) {
  const lanes = (end) =>
    links.reduce((sum, link) => sum + (link[end] === node.id ? link.lane : 0), 0);
  const hanging = storages.filter((storage) => storage.pool === node.id);
  const below = hanging.reduce((sum, storage) => sum + STEM + heightOf(storage), 0);
  const height = Math.max(heightOf(node, isDense), lanes("from"), lanes("to"));
  return { id: node.id, height, below };
}

function frame(plan, id) {
  const { x, y, height } = plan.boxes.get(id);
  return { x, y, height, width: BOX_WIDTH };
}

// Storages hang below their pool, one under the other.
function hang(storages, plan) {
  const bottoms = new Map();
  return storages.map((storage) => {
    const pool = frame(plan, storage.pool);
    const from = bottoms.get(storage.pool) ?? pool.y + pool.height;
    const height = heightOf(storage);
    bottoms.set(storage.pool, from + STEM + height);
    return { ...storage, ...pool, y: from + STEM, height, poolBottom: from };
  });
}

function drawRibbons(root, links, plan, hung, scale) {
  const shapes = links.map((link) => ({
    id: link.id, isIdle: link.kw === 0, intensity: link.intensity,
    path: ribbon(plan.routes.get(link.id), Math.max(1.5, link.kw * scale)),
  }));
  for (const storage of hung) {
    const width = Math.min(BOX_WIDTH - 24, Math.max(3, storage.kw * scale));
    shapes.push({
      id: storage.id, isIdle: storage.kw === 0, intensity: storage.intensity,
      path: stem(storage.x + BOX_WIDTH / 2, storage.poolBottom, storage.y, width, storage.rate),
    });
  }
  const create = () => ({ node: svg("path") });
  keyed(root, shapes, (shape) => shape.id, create, ({ node }, shape) => {
    setAttribute(node, "d", shape.path);
    setAttribute(node, "class", shape.isIdle ? "ribbon idle" : "ribbon");
    node.style.fill = colour(shape.intensity);
  });
}

/** Draw the scale of the colours in `root`. */
export function createScale(root) {
  const steps = 20;
  const strip = el("span", "strip");
  for (let i = 0; i < steps; i += 1) {
    const step = el("i");
    step.style.background = colour(((i + 0.5) / steps) * TOP);
    strip.append(step);
  }
  root.append(el("span", "", "0"), strip, el("span", "", `≥ ${number(TOP)} kg/kWh`));
}
