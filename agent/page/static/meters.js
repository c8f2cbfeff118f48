// The table of meters; a row opens to show all values of its meter.

import { el, keyed, setAttribute, setText, showFacts } from "./dom.js";
import { age, brief, errorsByKind, index, integer, NONE, reading } from "./format.js";
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
    index: t("meters.index"), latency: t("meters.latency"), errors: t("meters.errors"),
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
  const parts = {
    name: el("span"), id: el("code"), quality: el("span", "state"), hint: el("p", "hint"),
    work: el("dl", "facts work"), refused: el("p", "detail"),
  };
  const button = el("button", "opener", parts.name, parts.id);
  button.type = "button";
  cells.name.append(button);
  cells.quality.append(parts.quality, parts.hint);
  const values = el("dl", "values");
  const inside = el("td", "", parts.refused, values, parts.work);
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
  setText(part.quality, stateOf(meter));
  setText(cells.age, age(meter.age_s));
  const power = meter.values.find(({ point }) => POWERS.includes(point));
  setText(cells.power, power ? reading(power.value, power.unit) : NONE);
  const counter = meter.values.find(({ unit }) => INDEX_UNITS.includes(unit));
  setText(cells.index, counter ? index(counter.value, counter.unit) : NONE);
  setText(cells.latency, brief(meter.latency_s));
  const refused = meter.refused.length;
  setText(part.hint, refused ? t("meters.refuses", { n: integer(refused) }) : "");
  setText(part.refused, refused ? t("meters.refused", { names: meter.refused.map(pointName).join(", ") }) : "");
  showFacts(part.work, workOf(meter));
  setText(cells.errors, errorsByKind(meter.errors));
  setAttribute(cells.errors, "data-state", isOften(meter) ? "bad" : null);
  keyed(part.values, meter.values, ({ point }) => point, createValue, updateValue);
}

// What reading the meter takes, for who looks closer.
function workOf(meter) {
  return [
    [t("meters.transactions"), integer(meter.transactions)],
    [t("meters.retries"), integer(meter.retries)],
    [t("meters.reads"), integer(meter.reads)],
    [t("meters.registers"), integer(meter.max_registers)],
    [t("meters.timeout"), brief(meter.timeout_s)],
    [t("meters.serial"), meter.serial ?? NONE],
    [t("meters.late"), brief(meter.lateness_s)],
    [t("buses.skipped"), integer(meter.skipped_cycles)],
  ];
}

function stateOf({ state, quality }) {
  if (state === "down") return t("meters.down");
  return state === "untrusted" ? t("meters.untrusted") : word("quality", quality);
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
