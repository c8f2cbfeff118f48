// Buses, journal and uplinks: each as a short list of facts with a state.

import { el, keyed, setAttribute, setText } from "./dom.js";
import { age, bytes, errorsByKind, integer, percent } from "./format.js";
import { t, word } from "./i18n.js";

/** Prepare the buses in `root`; returns update(snapshot). */
export function createBuses(root) {
  return (snapshot) => show(root, snapshot.buses.map(busEntry));
}

/** Prepare the journal in `root`; returns update(snapshot). */
export function createJournal(root) {
  return (snapshot) => show(root, [journalEntry(snapshot.journal)]);
}

/** Prepare the uplinks in `root`; returns update(snapshot). */
export function createUplinks(root) {
  return (snapshot) => show(root, snapshot.uplinks.map(uplinkEntry));
}

function busEntry(bus) {
  return {
    key: bus.id, title: bus.id, detail: bus.port, share: bus.utilisation,
    state: word("bus-state", bus.state), isBad: bus.state !== "open",
    facts: [
      [t("buses.utilisation"), percent(bus.utilisation)],
      [t("meters.transactions"), integer(bus.transactions)],
      [t("meters.errors"), errorsByKind(bus.errors)],
    ],
  };
}

function journalEntry(journal) {
  return {
    key: "journal", title: t("journal.title"), detail: "",
    state: journal.error ? t("journal.failing") : t("journal.fine"),
    isBad: Boolean(journal.error), error: journal.error,
    facts: [
      [t("journal.size"), bytes(journal.bytes)],
      [t("journal.batches"), integer(journal.batches)],
      [t("journal.commit"), age(journal.last_commit_age_s)],
    ],
  };
}

function uplinkEntry(uplink) {
  return {
    key: uplink.id, title: uplink.id, detail: uplink.url,
    state: word("uplink-state", uplink.state), isBad: uplink.last_error !== null,
    error: uplink.last_error,
    facts: [
      [t("uplinks.backlog"), `${integer(uplink.backlog)} ${t("unit.batches")}`],
      [t("uplinks.ack"), age(uplink.last_ack_age_s)],
    ],
  };
}

function show(root, entries) {
  keyed(root, entries, (entry) => entry.key, create, update);
}

function create(entry) {
  const parts = {
    title: el("h3"), state: el("span", "state"), detail: el("p", "detail"),
    meter: el("div", "gauge", el("i")), facts: el("dl", "facts"), error: el("p", "error"),
  };
  parts.meter.hidden = entry.share === undefined;
  const head = el("div", "entry-head", parts.title, parts.state);
  return { node: el("article", "entry", head, parts.detail, parts.meter, parts.facts, parts.error), ...parts };
}

function update(part, entry) {
  setText(part.title, entry.title);
  setText(part.state, entry.state);
  setAttribute(part.state, "data-state", entry.isBad ? "bad" : "good");
  setText(part.detail, entry.detail);
  setText(part.error, entry.error ?? "");
  part.meter.firstChild.style.width = `${Math.min(1, entry.share ?? 0) * 100}%`;
  const create = ([label]) => {
    const value = el("dd");
    return { node: el("div", "", el("dt", "", label), value), value };
  };
  keyed(part.facts, entry.facts, ([label]) => label, create, ({ value }, [, text]) => setText(value, text));
}
