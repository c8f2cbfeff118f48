// The figures at a glance.

import { el, keyed, setAttribute, setText } from "./dom.js";
import { integer, NONE, percent, quantity } from "./format.js";
import { t } from "./i18n.js";

/** Prepare the tiles in `root`; returns update(snapshot, view, clock). */
export function createSummary(root) {
  return (snapshot, view, clock) => {
    const tiles = [
      minuteTile(snapshot, view, clock),
      todayTile(snapshot, view),
      powerTile(snapshot.places),
      metersTile(snapshot.meters),
      busTile(snapshot.buses),
      backlogTile(snapshot),
    ];
    keyed(root, tiles, (tile) => tile.key, create, update);
  };
}

function create() {
  const parts = {
    label: el("p", "label"), value: el("span", "value"), unit: el("span", "unit"), note: el("p", "note"),
  };
  const figure = el("p", "figure", parts.value, parts.unit);
  return { node: el("div", "tile", parts.label, figure, parts.note), ...parts };
}

function update(part, tile) {
  setText(part.label, tile.label);
  setText(part.value, tile.value);
  setText(part.unit, tile.unit ?? "");
  setText(part.note, tile.note ?? "");
  setAttribute(part.node, "data-state", tile.isBad ? "bad" : null);
}

// The number large, its unit small.
function split(text) {
  const [value, unit = ""] = text.split("\u202f");
  return { value, unit };
}

function minuteTile({ windows, accounting }, view, clock) {
  const last = windows.at(-1);
  const base = { key: "minute", label: t("summary.minute") };
  if (!last) return { ...base, value: NONE, note: t("summary.no-window") };
  const kg = last.emissions_kg[view];
  const perHour = kg === null ? null : (kg * 3600) / last.length_s;
  const notes = [clock.minute(last.start_ms), quantity(perHour, "kg/h")];
  // By how much it may be off, 95 %, where meters and factors state it.
  const error = accounting.uncertainty[view].percent;
  if (error !== null) notes.push(`± ${percent(error / 100)}`);
  return { ...base, ...split(quantity(kg, "kg")), note: notes.join(" · ") };
}

function todayTile({ windows, totals_today: totals }, view) {
  const base = { key: "today", label: t("summary.today") };
  if (!windows.length) return { ...base, value: NONE, note: t("summary.no-window") };
  return { ...base, ...split(quantity(totals.emissions_kg[view], "kg")) };
}

function powerTile(places) {
  const sources = places.filter(({ id, rate_unit }) => id.startsWith("source.") && rate_unit === "kW");
  const known = sources.map((place) => place.rate).filter((rate) => rate !== null);
  const total = known.length ? known.reduce((sum, rate) => sum + rate, 0) : null;
  const shares = sources.map((place) => `${place.id.slice("source.".length)} ${quantity(place.rate, "kW")}`);
  return { key: "power", label: t("summary.power"), ...split(quantity(total, "kW")), note: shares.join(" · ") };
}

function metersTile(meters) {
  const good = meters.filter((meter) => meter.quality === "measured").length;
  const isBad = good < meters.length;
  const note = isBad ? t("summary.meters-missing", { n: integer(meters.length - good) }) : t("summary.meters-fine");
  return { key: "meters", label: t("summary.meters"), value: `${good}/${meters.length}`, note, isBad };
}

function busTile(buses) {
  const closed = buses.filter((bus) => bus.state !== "open").length;
  const used = buses.map((bus) => bus.utilisation).filter((share) => share !== null);
  const full = buses.filter((bus) => bus.overloaded).length;
  const note = closed ? t("summary.buses-closed", { n: integer(closed) })
    : full ? t("summary.buses-overloaded", { n: integer(full) }) : t("summary.buses-fine", { n: integer(buses.length) });
  const most = used.length ? Math.max(...used) : null;
  return { key: "bus", label: t("summary.bus"), ...split(percent(most)), note, isBad: closed + full > 0 };
}

function backlogTile({ uplinks, journal }) {
  const waiting = uplinks.reduce((sum, uplink) => sum + (uplink.backlog ?? 0), 0);
  const failing = uplinks.some((uplink) => uplink.last_error !== null);
  const note = journal.error ? t("summary.journal-error") : failing ? t("summary.uplink-error") : t("summary.backlog-fine");
  const label = t("summary.backlog");
  return { key: "backlog", label, value: integer(waiting), unit: t("unit.batches"), note, isBad: failing || Boolean(journal.error) };
}
