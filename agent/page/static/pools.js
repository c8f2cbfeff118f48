// Pools: what flows through each, and the factor of it in every view.

import { colour } from "./carbon.js";
import { el, keyed, setText } from "./dom.js";
import { factor, quantity } from "./format.js";
import { t, word } from "./i18n.js";

const KWH = { kWh: 1, GJ: 1e3 / 3.6 };

/** Prepare the cards in `root`; returns update(snapshot). */
export function createPools(root) {
  return (snapshot) => {
    const create = (pool) => createCard(pool, snapshot.views);
    keyed(root, snapshot.pools, (pool) => pool.id, create, updateCard);
  };
}

function createCard(pool, views) {
  const inflow = el("dd");
  const outflow = el("dd");
  const factors = views.map((view) => ({ view, text: el("span"), chip: el("i", "chip") }));
  const rows = el("dl", "pairs", el("dt", "", t("pools.inflow")), inflow, el("dt", "", t("pools.outflow")), outflow);
  for (const { view, text, chip } of factors) {
    rows.append(el("dt", "", word("view", view)), el("dd", "", chip, text));
  }
  const title = el("h3", "", word("carrier", pool.carrier), el("code", "", pool.id));
  return { node: el("article", "card", title, rows), inflow, outflow, factors };
}

function updateCard(part, pool) {
  setText(part.inflow, quantity(pool.inflow, pool.rate_unit));
  setText(part.outflow, quantity(pool.outflow, pool.rate_unit));
  for (const { view, text, chip } of part.factors) {
    const value = pool.factor[view];
    setText(text, factor(value, pool.unit));
    chip.hidden = value === null || !(pool.unit in KWH);
    if (!chip.hidden) chip.style.background = colour(value / KWH[pool.unit]);
  }
}
