// Starts the page: language, panels, connection.

import { createBalance } from "./balance.js";
import { createEvents } from "./events.js";
import { createFactors } from "./factors.js";
import { createFlags } from "./flags.js";
import { createFlow, createScale } from "./flow.js";
import { clockOf } from "./format.js";
import { createHead } from "./head.js";
import { language, load, switchLanguage, t, word } from "./i18n.js";
import { createBuses, createJournal, createUplinks } from "./lists.js";
import { createMeters } from "./meters.js";
import { createMinutes } from "./minutes.js";
import { createPools } from "./pools.js";
import { createProduction } from "./production.js";
import { createRecent } from "./recent.js";
import { createSteady } from "./steady.js";
import { follow } from "./stream.js";
import { createSummary } from "./summary.js";
import { el } from "./dom.js";

const STORED_VIEW = "zerometer.view";
const PANELS = {
  summary: createSummary, flow: createFlow, balance: createBalance, flags: createFlags, pools: createPools,
  minutes: createMinutes, factors: createFactors, production: createProduction, meters: createMeters, buses: createBuses, journal: createJournal,
  uplinks: createUplinks, events: createEvents,
};

function start() {
  const head = createHead();
  const updates = Object.entries(PANELS).map(([id, create]) => create(byId(id)));
  createScale(byId("scale"));
  const steady = createSteady();
  const recent = createRecent();
  let snapshot = null;
  let view = null;

  function show() {
    const clock = clockOf(snapshot.site.timezone);
    for (const update of updates) update(snapshot, view, clock);
  }

  function choose(name) {
    view = name;
    localStorage.setItem(STORED_VIEW, name);
    for (const button of byId("views").children) {
      button.setAttribute("aria-pressed", String(button.dataset.view === name));
    }
  }

  function offerViews(names) {
    const buttons = names.map((name) => {
      const button = el("button", "plain", word("view", name));
      button.type = "button";
      button.dataset.view = name;
      button.addEventListener("click", () => (choose(name), show()));
      return button;
    });
    byId("views").replaceChildren(...buttons);
    const stored = localStorage.getItem(STORED_VIEW);
    choose(names.includes(stored) ? stored : names[0]);
  }

  follow((next) => {
    snapshot = recent(steady(next));
    if (view === null) offerViews(next.views);
    byId("main").hidden = false;
    head.update(next, clockOf(next.site.timezone));
    show();
  }, head.tell);
}

function byId(id) {
  return document.getElementById(id);
}

await load();
byId("language").textContent = language === "zh" ? "English" : "中文";
byId("language").lang = language === "zh" ? "en" : "zh-CN";
byId("language").setAttribute("aria-label", t("language.switch"));
byId("language").addEventListener("click", switchLanguage);
start();
