// Buses, journal and uplinks: each as a short list of facts with a state.

import { el, keyed, setAttribute, setText, showFacts } from "./dom.js";
import { age, brief, bytes, errorsByKind, integer, NONE, percent, perSecond } from "./format.js";
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
    key: bus.id, title: bus.id, detail: bus.port, share: bus.utilisation, isFull: bus.overloaded,
    state: word("bus-state", bus.state), isBad: bus.state !== "open",
    facts: [
      [t("buses.utilisation"), percent(bus.utilisation)],
      [t("buses.requests"), perSecond(bus.per_second)],
      [t("buses.lateness"), brief(bus.lateness_max_s)],
      [t("buses.skipped"), integer(bus.skipped_cycles)],
    ],
    note: t("buses.errors", { errors: errorsByKind(bus.errors) }),
    error: bus.overloaded ? t("buses.overloaded") : "",
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
    note: uplink.quarantined ? t("uplinks.quarantined", { number: integer(uplink.quarantined) }) : "",
    facts: [
      [t("uplinks.backlog"), `${integer(uplink.backlog)} ${t("unit.batches")}`],
      [t("uplinks.oldest"), uplink.oldest_age_s === null ? NONE : age(uplink.oldest_age_s)],
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
    meter: el("div", "gauge", el("i")), facts: el("dl", "facts"), note: el("p", "detail"),
    error: el("p", "error"),
  };
  parts.meter.hidden = entry.share === undefined;
  const head = el("div", "entry-head", parts.title, parts.state);
  return { node: el("article", "entry", head, parts.detail, parts.meter, parts.facts, parts.note, parts.error), ...parts };
}

function update(part, entry) {
  setText(part.title, entry.title);
  setText(part.state, entry.state);
  setAttribute(part.state, "data-state", entry.isBad ? "bad" : "good");
  setText(part.detail, entry.detail);
  setText(part.note, entry.note ?? "");
  setText(part.error, entry.error ?? "");
  setAttribute(part.meter, "data-state", entry.isFull ? "bad" : null);
  part.meter.firstChild.style.width = `${Math.min(1, entry.share ?? 0) * 100}%`;
  showFacts(part.facts, entry.facts);
}
