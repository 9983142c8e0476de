// Texts that are there to be copied.

import { h, svg } from "./dom.js";
import { copy } from "./form.js";

/** Make a text with a button that copies it. *what* is said: "Copy the id". */
export function copyable(text, what) {
  return h("span", { class: "copyable" }, h("code", null, text),
    h("button", { type: "button", class: "icon copy", "aria-label": `Copy ${what} ${text}`, title: `Copy ${what}`, onclick: () => copy(text) }, sheets()));
}

function sheets() {
  return svg("svg", { viewBox: "0 0 16 16", class: "sheets", "aria-hidden": "true" },
    svg("rect", { x: 5.5, y: 5.5, width: 8, height: 8, rx: 1.5 }), svg("path", { d: "M10.5 3.5v-.5a1 1 0 0 0-1-1H3.5a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1H4" }));
}

/** Make a box of a long text, with a button that copies it. */
export function copyBox(label, text, what) {
  return h("div", { class: "copy-box" },
    h("p", { class: "label" }, label),
    h("div", null, h("pre", { tabindex: "0", role: "group", "aria-label": label }, h("code", null, text)),
      h("button", { type: "button", "aria-label": `Copy ${what}`, onclick: () => copy(text) }, "Copy")));
}
