// The emission factors that count now: how high, and who says so.

import { el, keyed, setAttribute, setText } from "./dom.js";
import { factor } from "./format.js";
import { t, word } from "./i18n.js";

// What stands in for a series that has no value.
const FALLBACK = "fallback";

/** Prepare the list in `root`; returns update(snapshot, view). */
export function createFactors(root) {
  return (snapshot, view) => {
    const entries = snapshot.factors.map((entry) => ({ ...entry, ...entry.by_view[view] }));
    keyed(root, entries, (entry) => entry.id, create, update);
  };
}

function create(entry) {
  const [kind, ...rest] = entry.id.split(".");
  const parts = { value: el("b"), from: el("p", "detail"), status: el("span", "state") };
  const name = kind === "fuel" ? word("carrier", rest.at(-1)) : rest.join(".");
  const head = el("div", "entry-head", el("h3", "", name), parts.value);
  const foot = el("div", "entry-head", parts.from, parts.status);
  return { node: el("article", "entry", head, foot), ...parts };
}

function update(part, entry) {
  setText(part.value, factor(entry.kg, entry.unit));
  // A life cycle, and what is biogenic, has no scope.
  const scope = entry.category.scope ? ` · ${t("factors.scope", { n: entry.category.scope })}` : "";
  setText(part.from, (entry.from || t("factors.site-file")) + scope);
  setText(part.status, word("factor-status", entry.status));
  setAttribute(part.status, "data-state", entry.status === FALLBACK ? "bad" : "good");
}
