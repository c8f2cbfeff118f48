// What the accounts of the last minute rest on beside meters: said, not hidden.

import { el, keyed } from "./dom.js";
import { percent } from "./format.js";
import { t, word } from "./i18n.js";

// What is shown as a hundred percent needs no word.
const NEARLY_ALL = 0.995;

/** Prepare the line `root`; returns update(snapshot). */
export function createFlags(root) {
  return ({ accounting }) => {
    const flags = accounting.flags.map((flag) => ({ ...flag, key: `${flag.kind} ${flag.subject}` }));
    const share = accounting.measured_share;
    if (share !== null && share < NEARLY_ALL) {
      flags.unshift({ key: "share", text: t("flags.measured", { share: percent(share) }) });
    }
    root.hidden = flags.length === 0;
    keyed(root, flags, (flag) => flag.key, create, update);
  };
}

function create(flag) {
  const parts = { text: el("span"), subject: el("code", "", flag.subject ?? "") };
  return { node: el("span", "flag", parts.text, parts.subject), ...parts };
}

function update(part, flag) {
  part.text.textContent = flag.text ?? word("flag", flag.kind);
}
