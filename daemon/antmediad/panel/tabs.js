// The links between the parts of a view.

import { h } from "./dom.js";
import { to } from "./router.js";

/**
 * Make the links.
 * @param {string} section the first part of their addresses
 * @param {string} label what they belong to, read out
 * @param {Array<[string, string]>} parts of the address, and title
 * @param {string} current
 */
export function tabs(section, label, parts, current) {
  return h("nav", { class: "tabs", "aria-label": label, "data-of": section }, parts.map(([part, title]) =>
    h("a", { href: to(section, part), "aria-current": part === current ? "page" : null }, title)));
}

/** Return what gets the focus on arrival: coming from another part, only the part is news. */
export function focusOf(section, part) {
  return document.querySelector("nav.tabs")?.dataset.of === section ? part.querySelector("h2") : null;
}
