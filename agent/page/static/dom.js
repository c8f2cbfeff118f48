// Small helpers to build and change elements. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** A new element of a class with children: nodes, or strings that become text. */
export function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** A new SVG element with attributes. */
export function svg(tag, attributes = {}) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, value);
  }
  return node;
}

/** Set the text of a node, only when it changes. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute, only when it changes; null removes it. */
export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

const partsOf = new WeakMap();

/**
 * Make `parent` hold one element per item, in order, and keep those that stay. They
 * come after what else `parent` holds.
 * `create(item)` returns a part with a `node`; `update(part, item)` fills it.
 */
export function keyed(parent, items, keyOf, create, update) {
  const old = partsOf.get(parent) ?? new Map();
  const now = new Map();
  let next = old.values().next().value?.node ?? null;
  for (const item of items) {
    const key = keyOf(item);
    const part = old.get(key) ?? create(item);
    old.delete(key);
    now.set(key, part);
    if (part.node === next) next = next.nextSibling;
    else parent.insertBefore(part.node, next);
    update(part, item);
  }
  for (const part of old.values()) part.node.remove();
  partsOf.set(parent, now);
}

/** Make `list` (a dl) hold these pairs of a label and its text. */
export function showFacts(list, pairs) {
  const create = ([label]) => {
    const value = el("dd");
    return { node: el("div", "", el("dt", "", label), value), value };
  };
  keyed(list, pairs, ([label]) => label, create, ({ value }, [, text]) => setText(value, text));
}
