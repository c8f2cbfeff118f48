// The page's two languages.

const LANGUAGES = ["zh", "en"];
const STORED = "zerometer.language";

let catalogue = {};

/** The language in use: the one chosen before, else the browser's first that we have. */
export const language = chosen() ?? preferred();

function chosen() {
  const stored = localStorage.getItem(STORED);
  return LANGUAGES.includes(stored) ? stored : null;
}

function preferred() {
  const codes = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return codes.find((code) => LANGUAGES.includes(code)) ?? "en";
}

/** The locale for numbers and dates. */
export const locale = language === "zh" ? "zh-CN" : "en-GB";

/** Load the catalogue and translate the document. */
export async function load() {
  catalogue = await (await fetch(`/static/i18n/${language}.json`)).json();
  document.documentElement.lang = locale;
  for (const node of document.querySelectorAll("[data-i18n]")) {
    node.textContent = t(node.dataset.i18n);
  }
  for (const node of document.querySelectorAll("[data-i18n-label]")) {
    node.setAttribute("aria-label", t(node.dataset.i18nLabel));
  }
}

/** Change to the other language; the page loads again. */
export function switchLanguage() {
  localStorage.setItem(STORED, language === "zh" ? "en" : "zh");
  location.reload();
}

/** The text of a key, with `{name}` replaced by the values given. */
export function t(key, values = {}) {
  return catalogue[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The text for a word of a family that may grow, or the word itself. */
export function word(family, name) {
  return catalogue[`${family}.${name}`] ?? name;
}
