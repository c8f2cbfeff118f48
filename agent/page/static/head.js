// The bar on top: which site, what time it is there, and how old the data is.

import { setText } from "./dom.js";
import { age, integer } from "./format.js";
import { t } from "./i18n.js";

const CLOCK_TOLERANCE_S = 30;

/** Returns {update(snapshot, clock), tell(ageS, isStale)}. */
export function createHead() {
  const byId = (id) => document.getElementById(id);
  let skewS = 0;

  function update(snapshot, clock) {
    const { site } = snapshot;
    document.title = `${site.name || site.id} · Zerometer`;
    setText(byId("site-name"), site.name || site.id);
    setText(byId("site-line"), `${clock.full(snapshot.time_ms)} ${site.timezone}`);
    setText(byId("footer"), `Zerometer ${snapshot.version} · ${site.id}`);
    skewS = (Date.now() - snapshot.time_ms) / 1000;
  }

  function tell(ageS, isStale) {
    const pulse = byId("pulse");
    pulse.dataset.state = isStale ? "stale" : "live";
    setText(byId("pulse-text"), isStale ? t("stream.stale") : t("stream.live", { age: age(Math.floor(ageS)) }));
    document.body.classList.toggle("stale", isStale && ageS !== null);
    const message = isStale ? silence(ageS) : skew();
    byId("banner").hidden = message === "";
    byId("banner").dataset.level = isStale ? "alarm" : "notice";
    setText(byId("banner"), message);
  }

  function silence(ageS) {
    return ageS === null ? t("stream.unreachable") : t("stream.broken", { age: age(Math.floor(ageS)) });
  }

  function skew() {
    if (Math.abs(skewS) < CLOCK_TOLERANCE_S) return "";
    return t("clock.skew", { n: integer(Math.abs(skewS)) });
  }

  return { update, tell };
}
