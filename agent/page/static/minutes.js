// Emissions of the last windows as bars.

import { el, keyed, setAttribute, setText, svg } from "./dom.js";
import { quantity } from "./format.js";
import { t } from "./i18n.js";

const SLOTS = 60;
const HEIGHT = 100;

/** Prepare the bars in `root`; returns update(snapshot, view, clock). */
export function createMinutes(root) {
  const bars = svg("svg", { viewBox: `0 0 ${SLOTS} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const top = el("span", "top");
  const first = el("span");
  const last = el("span");
  root.append(el("div", "plot", top, bars), el("p", "axis", first, last));
  const readingOf = document.getElementById("minutes-reading");
  let pointed = null;
  let shown = null;

  function draw(snapshot, view, clock) {
    shown = [snapshot, view, clock];
    const windows = snapshot.windows.slice(-SLOTS);
    const most = Math.max(0, ...windows.map((window) => window.emissions_kg[view] ?? 0));
    const slots = windows.map((window, i) => ({
      key: window.start_ms, x: SLOTS - windows.length + i, isPointed: i === pointed,
      height: ((window.emissions_kg[view] ?? 0) / (most || 1)) * HEIGHT,
    }));
    keyed(bars, slots, (slot) => slot.key, () => ({ node: svg("rect") }), placeBar);
    setText(top, most ? quantity(most, "kg") : "");
    // Few bars stand at the right, with no room for two times.
    setText(first, windows.length === SLOTS ? clock.minute(windows[0].start_ms) : "");
    setText(last, windows.length ? clock.minute(windows.at(-1).start_ms) : "");
    setText(readingOf, describe(windows[pointed] ?? windows.at(-1), view, clock));
  }

  function point(event) {
    const { left, width } = bars.getBoundingClientRect();
    const slot = Math.floor(((event.clientX - left) / width) * SLOTS);
    pointed = slot - SLOTS + shown[0].windows.slice(-SLOTS).length;
    draw(...shown);
  }

  bars.addEventListener("pointermove", point);
  bars.addEventListener("pointerleave", () => {
    pointed = null;
    draw(...shown);
  });
  return draw;
}

function placeBar({ node }, { x, height, isPointed }) {
  const box = { x: x + 0.12, width: 0.76, y: HEIGHT - height, height };
  for (const [name, value] of Object.entries(box)) setAttribute(node, name, value);
  setAttribute(node, "class", isPointed ? "pointed" : null);
}

function describe(window, view, clock) {
  if (!window) return t("summary.no-window");
  return `${clock.minute(window.start_ms)} · ${quantity(window.emissions_kg[view], "kg")}`;
}
