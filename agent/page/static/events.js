// What happened lately, newest first.

import { el, keyed, setText } from "./dom.js";
import { t, word } from "./i18n.js";

/** Prepare the list `root`; returns update(snapshot, view, clock). */
export function createEvents(root) {
  const none = el("p", "quiet", t("events.none"));
  root.before(none);
  return (snapshot, view, clock) => {
    none.hidden = snapshot.events.length > 0;
    const newestFirst = numbered(snapshot.events).sort((a, b) => b.time_ms - a.time_ms);
    keyed(root, newestFirst, (event) => event.key, create, (part, event) => {
      setText(part.time, clock.second(event.time_ms));
    });
  };
}

// Two events may be equal in all they say: the key also counts them.
function numbered(events) {
  const seen = new Map();
  return events.map((event) => {
    const text = JSON.stringify(event);
    const count = (seen.get(text) ?? 0) + 1;
    seen.set(text, count);
    return { ...event, key: `${text}#${count}` };
  });
}

function create(event) {
  const time = el("time");
  const kind = el("b", "", word("event", event.kind));
  const subject = el("code", "", event.subject ?? "");
  return { node: el("li", "", time, kind, subject, el("span", "", event.text ?? "")), time };
}
