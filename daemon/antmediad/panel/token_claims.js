// What is in a token, read in the browser: nobody is asked.

import { h } from "./dom.js";
import { time } from "./format.js";

const TIMES = { iat: "Issued", nbf: "Valid from", exp: "Valid until" };

/**
 * Read a token without checking its signature (RFC 7515, section 3.1).
 * @returns {{header: Object, claims: Object}}
 * @throws {Error} with a message for people
 */
export function decode(token) {
  const parts = token.split(".");
  if (parts.length !== 3) throw new Error(`A token has three parts with dots between them; this has ${parts.length}.`);
  return { header: part(parts[0], "header"), claims: part(parts[1], "claims") };
}

function part(text, name) {
  let value;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Error(`The ${name} cannot be read: it is not JSON in base64url.`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error(`The ${name} is no JSON object.`);
  return value;
}

/** Take away what is copied along with a token: the header's name, "Bearer", quotes, line breaks. */
export function bare(text) {
  return text.trim().replace(/^['"]?(authorization\s*:)?\s*(bearer\s+)?/i, "").replace(/['"]$/, "").replace(/\s+/g, "");
}

/** Show header and claims of a token, or why they cannot be read. */
export function claimsBox(token) {
  let read;
  try {
    read = decode(token);
  } catch (error) {
    return h("p", { class: "message error" }, error.message);
  }
  const { header, claims } = read;
  const times = Object.entries(TIMES).filter(([name]) => Number.isFinite(claims[name]));
  return h("div", { class: "stack claims" },
    h("dl", { class: "facts" },
      times.map(([name, title]) => h("div", null, h("dt", null, title), h("dd", null, time(claims[name]), " ", h("span", { class: "dim" }, away(claims[name]))))),
      Object.hasOwn(claims, "exp") ? null : h("div", null, h("dt", null, "Valid until"), h("dd", null, "permanent: it has no ", h("code", null, "exp")))),
    json("Header", header), json("Claims", claims));
}

function json(title, value) {
  return h("div", null, h("p", { class: "label" }, title),
    h("pre", { tabindex: "0", role: "group", "aria-label": title }, h("code", null, JSON.stringify(value, null, 2))));
}

const AWAY = new Intl.RelativeTimeFormat(undefined, { numeric: "always" });
const UNITS = [["year", 31_557_600], ["month", 2_629_800], ["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

function away(seconds) {
  const from = seconds - Date.now() / 1000;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(from) >= each) ?? UNITS.at(-1);
  return Math.abs(from) < 1e11 ? `(${AWAY.format(Math.trunc(from / length), unit)})` : "";
}
