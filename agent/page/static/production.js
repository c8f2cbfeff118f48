// Products with the carbon in each, and the demand of what is bought.

import { el, keyed, setText, showFacts } from "./dom.js";
import { factor, quantity } from "./format.js";
import { t } from "./i18n.js";

/** Prepare the list in `root`; returns update(snapshot, view, clock). */
export function createProduction(root) {
  const panel = root.closest(".panel");
  return (snapshot, view, clock) => {
    const entries = [
      ...snapshot.products.map((product) => productEntry(product, view)),
      ...snapshot.demand.map((demand) => demandEntry(demand, clock)),
    ];
    panel.hidden = entries.length === 0;
    keyed(root, entries, (entry) => entry.key, create, update);
  };
}

function productEntry(product, view) {
  return {
    key: `product.${product.id}`, title: product.name || product.id,
    main: factor(product.kg_per_unit[view], product.unit),
    facts: [[t("products.good"), quantity(product.good, product.unit)]],
  };
}

function demandEntry(demand, clock) {
  const until = demand.ends_ms === null ? "" : clock.minute(demand.ends_ms);
  return {
    key: `demand.${demand.source}`, title: t("demand.title", { source: demand.source }),
    main: "",
    facts: [
      [t("demand.last"), quantity(demand.last_kw, "kW")],
      [t("demand.predicted", { until }), quantity(demand.predicted_kw, "kW")],
      [t("demand.peak"), quantity(demand.peak_kw, "kW")],
    ],
  };
}

function create() {
  const parts = { title: el("h3"), main: el("b"), facts: el("dl", "facts") };
  const head = el("div", "entry-head", parts.title, parts.main);
  return { node: el("article", "entry", head, parts.facts), ...parts };
}

function update(part, entry) {
  setText(part.title, entry.title);
  setText(part.main, entry.main);
  showFacts(part.facts, entry.facts);
}
