// Numbers with units, ages and times. A value that is null is a dash, never 0.

import { locale, t, word } from "./i18n.js";

export const NONE = "–";
const THIN = "\u202f";

const UNIT_SIGNS = { Nm3: "Nm³", m3: "m³", "Nm3/h": "Nm³/h", "m3/h": "m³/h", degC: "°C", deg: "°" };

/** A unit as it is printed. */
export function sign(unit) {
  return UNIT_SIGNS[unit] ?? unit;
}

const formats = new Map();

function fixed(value, digits) {
  if (!formats.has(digits)) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    formats.set(digits, new Intl.NumberFormat(locale, options));
  }
  // Adding 0 turns -0 into 0.
  return formats.get(digits).format(Number(value.toFixed(digits)) + 0);
}

/** A number with so many decimals that three or four digits can be told apart. */
export function number(value) {
  if (value === null || value === undefined) return NONE;
  const size = Math.abs(value);
  return fixed(value, size === 0 || size >= 1000 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** An integer, with its thousands apart. */
export function integer(value) {
  return value === null || value === undefined ? NONE : fixed(value, 0);
}

/** A number with its unit. */
export function quantity(value, unit) {
  const text = number(value);
  return text === NONE || !unit ? text : `${text}${THIN}${sign(unit)}`;
}

/** A reading of a meter: power in kW, all else in its own unit. */
export function reading(value, unit) {
  if (value === null || value === undefined) return NONE;
  if (unit === "W" || unit === "var" || unit === "VA") return quantity(value / 1000, `k${unit}`);
  return quantity(value, unit);
}

/** A counter's index, with decimals as meters print them. */
export function index(value, unit) {
  return value === null ? NONE : `${fixed(value, 1)}${THIN}${sign(unit)}`;
}

/** An emission factor; without throughput there is none. */
export function factor(value, unit) {
  if (value === null || value === undefined) return t("factor.none");
  return quantity(value, `kg/${sign(unit)}`);
}

/** A share as a percentage. */
export function percent(share) {
  return share === null ? NONE : `${fixed(share * 100, share < 0.1 ? 1 : 0)}${THIN}%`;
}

/** A size in bytes. */
export function bytes(size) {
  if (size === null) return NONE;
  const power = size < 1e3 ? 0 : size < 1e6 ? 1 : size < 1e9 ? 2 : 3;
  const digits = power === 0 ? 0 : 1;
  return `${fixed(size / 1000 ** power, digits)}${THIN}${["B", "kB", "MB", "GB"][power]}`;
}

/** The kinds of errors that happened, with their numbers, most first; "0" when there were none. */
export function errorsByKind(errors) {
  const happened = Object.entries(errors).filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a);
  return happened.map(([kind, count]) => `${word("error", kind)} ${integer(count)}`).join(", ") || integer(0);
}

/** A short time, in milliseconds; from a second on in seconds. */
export function brief(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds >= 1) return quantity(seconds, "s");
  return `${fixed(seconds * 1000, seconds < 0.01 ? 1 : 0)}${THIN}ms`;
}

/** How often something happens. */
export function perSecond(rate) {
  return rate === null || rate === undefined ? NONE : `${number(rate)}${THIN}/s`;
}

/** How old something is. */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return t("age.never");
  // A tenth matters for readings that come each second, not for what is older.
  if (seconds < 60) return t("age.seconds", { n: fixed(seconds, seconds < 3 && seconds % 1 ? 1 : 0) });
  if (seconds < 3600) return t("age.minutes", { n: fixed(Math.floor(seconds / 60), 0) });
  if (seconds < 172800) return t("age.hours", { n: fixed(Math.floor(seconds / 3600), 0) });
  return t("age.days", { n: fixed(Math.floor(seconds / 86400), 0) });
}

/** Formatters of instants in the site's time zone: 24-hour, dates as year-month-day. */
export function clockOf(timeZone) {
  const make = (options) => {
    const format = new Intl.DateTimeFormat("sv-SE", { timeZone, hourCycle: "h23", ...options });
    return (timeMs) => format.format(timeMs);
  };
  const time = { hour: "2-digit", minute: "2-digit" };
  const day = { year: "numeric", month: "2-digit", day: "2-digit" };
  return {
    minute: make(time),
    second: make({ ...time, second: "2-digit" }),
    full: make({ ...day, ...time, second: "2-digit" }),
  };
}
