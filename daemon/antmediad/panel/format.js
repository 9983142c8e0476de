// Figures, sizes and times as people read them.

import { h } from "./dom.js";

const FIGURE = new Intl.NumberFormat();
const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** Write a whole number with its thousands apart. */
export function figure(number) {
  return FIGURE.format(number ?? 0);
}

/** Write "1 stream", "2 streams". */
export function count(number, one, many = `${one}s`) {
  return `${figure(number)} ${number === 1 ? one : many}`;
}

/** Write a number of bytes, in units of 1000. */
export function size(bytes) {
  if (!(bytes >= 0)) return "unknown";
  let unit = 0;
  while (bytes >= 1000 && unit < UNITS.length - 1) [bytes, unit] = [bytes / 1000, unit + 1];
  return `${bytes.toFixed(unit && bytes < 100 ? 1 : 0)} ${UNITS[unit]}`;
}

/**
 * Make a time: local, with UTC as its title.
 * @param {?number} seconds since 1970; null or 0 for none
 * @param {string} none what to say instead
 */
export function time(seconds, none = "never") {
  if (!seconds) return h("span", { class: "dim" }, none);
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return h("span", { class: "dim" }, none);
  const utc = date.toISOString();
  return h("time", { datetime: utc, title: `${utc.slice(0, 19).replace("T", " ")} UTC` }, WHEN.format(date));
}

/** Make a time of milliseconds, as the applications' REST API has them. */
export function timeOfMs(milliseconds, none) {
  return time(milliseconds ? milliseconds / 1000 : 0, none);
}

/** Write a number of seconds: "2 h 5 min". */
export function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.round((seconds % 86400) / 3600)} h`;
}

/** Join words: "a, b and c". */
export function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
