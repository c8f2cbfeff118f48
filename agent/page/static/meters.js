// The table of meters; a row opens to show all values of its meter.

import { el, keyed, setAttribute, setText } from "./dom.js";
import { age, errorsByKind, index, integer, NONE, reading } from "./format.js";
import { t, word } from "./i18n.js";

const POWERS = ["active_power", "primary_active_power"];
// One reading in a hundred may fail on a busy line without anybody noticing.
const OFTEN = 0.01;
const INDEX_UNITS = ["kWh", "GJ", "Nm3", "m3", "kg"];

/** Prepare the table `root`; returns update(snapshot). */
export function createMeters(root) {
  const titles = {
    name: t("meters.name"), bus: t("meters.bus"), map: t("meters.map"),
    quality: t("meters.quality"), age: t("meters.age"), power: t("meters.power"),
    index: t("meters.index"), transactions: t("meters.transactions"), errors: t("meters.errors"),
  };
  const heads = Object.entries(titles).map(([column, title]) => {
    const head = el("th", column, title);
    head.scope = "col";
    return head;
  });
  root.append(el("thead", "", el("tr", "", ...heads)));
  return (snapshot) => {
    keyed(root, snapshot.meters, (meter) => meter.id, () => createRow(titles), updateRow);
  };
}

function createRow(titles) {
  const cells = {};
  for (const [column, title] of Object.entries(titles)) {
    cells[column] = el("td", column);
    cells[column].dataset.title = title;
  }
  const parts = { name: el("span"), id: el("code"), quality: el("span", "state") };
  const button = el("button", "opener", parts.name, parts.id);
  button.type = "button";
  cells.name.append(button);
  cells.quality.append(parts.quality);
  const values = el("dl", "values");
  const inside = el("td", "", values);
  inside.colSpan = Object.keys(titles).length;
  const details = el("tr", "details", inside);
  details.hidden = true;
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    details.hidden = !details.hidden;
    button.setAttribute("aria-expanded", String(!details.hidden));
  });
  const node = el("tbody", "", el("tr", "", ...Object.values(cells)), details);
  return { node, cells, values, ...parts };
}

function updateRow(part, meter) {
  const { cells } = part;
  setText(part.name, meter.name || meter.id);
  setText(part.id, meter.name ? meter.id : "");
  setText(cells.bus, `${meter.bus} · ${meter.unit}`);
  setText(cells.map, meter.map);
  setAttribute(part.quality, "data-state", meter.quality === "measured" ? "good" : "bad");
  setText(part.quality, meter.state === "down" ? t("meters.down") : word("quality", meter.quality));
  setText(cells.age, age(meter.age_s));
  const power = meter.values.find(({ point }) => POWERS.includes(point));
  setText(cells.power, power ? reading(power.value, power.unit) : NONE);
  const counter = meter.values.find(({ unit }) => INDEX_UNITS.includes(unit));
  setText(cells.index, counter ? index(counter.value, counter.unit) : NONE);
  setText(cells.transactions, integer(meter.transactions));
  setText(cells.errors, errorsByKind(meter.errors));
  setAttribute(cells.errors, "data-state", isOften(meter) ? "bad" : null);
  keyed(part.values, meter.values, ({ point }) => point, createValue, updateValue);
}

function isOften({ errors, transactions }) {
  const count = Object.values(errors).reduce((sum, one) => sum + one, 0);
  return count > transactions * OFTEN;
}

function createValue({ point }) {
  const value = el("dd");
  return { node: el("div", "", el("dt", "", pointName(point)), value), value };
}

// "active_power_l1" is the word for active_power, then L1.
function pointName(point) {
  const [, base, phase] = point.match(/^(.*?)(?:_(l\dn?(?:l\d)?|n|avg|sum))?$/);
  const name = word("point", base);
  return phase ? `${name} ${phase.toUpperCase()}` : name;
}

function updateValue(part, { value, unit }) {
  setText(part.value, INDEX_UNITS.includes(unit) ? index(value, unit) : reading(value, unit));
}
