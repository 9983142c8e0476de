// Messages: what was done, in the corner and read out; what failed, beside what was tried.

import { fill, h, write } from "./dom.js";
import { ApiError } from "./api.js";

const SHOWN_MS = 8000;

const messages = document.getElementById("messages");
// Both are there from the start: a live region that comes with its text is not read out.
const said = h("p", { class: "unseen", role: "status" });
const box = h("div", { class: "toasts" });
messages.append(said, box);

/** Say that something was done. */
export function notify(text) {
  write(said, "");
  setTimeout(() => write(said, text), 50);
  const toast = h("div", { class: "toast" }, h("span", null, text),
    h("button", { type: "button", class: "icon", "aria-label": "Dismiss the message", onclick: () => toast.remove() }, "✕"));
  fill(box, toast);
  let timer = setTimeout(() => toast.remove(), SHOWN_MS);
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("focusin", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => (timer = setTimeout(() => toast.remove(), SHOWN_MS)));
}

/** Read something out that is on the screen already. */
export function announce(text) {
  write(said, text);
}

/**
 * Make a place for an error: `.show(error)`, `.show("text")`, `.clear()`.  It stays until then.
 * @returns {HTMLElement & {show: (error: *) => void, clear: () => void}}
 */
export function errorBox() {
  const element = h("div", { class: "error-box", role: "alert", hidden: true });
  element.show = (error) => {
    element.hidden = false;
    fill(element, icon("failed"), h("div", null, h("p", null, textOf(error)), problemList(error.problems)));
  };
  element.clear = () => {
    element.hidden = true;
    fill(element);
  };
  return element;
}

function textOf(error) {
  if (typeof error === "string") return error;
  if (!(error instanceof ApiError)) console.error(error);
  return error.message || String(error);
}

const BEFORE_MORE = 3;

/**
 * List problems of settings, the first three and the others on demand: severity, place, key, message.
 * @param {?Object[]} problems errors come before warnings
 * @param {string} path of the file, said with the line
 */
export function problemList(problems, path = "") {
  if (!problems?.length) return null;
  const sorted = [...problems].sort((one, other) => (one.severity === "error" ? 0 : 1) - (other.severity === "error" ? 0 : 1));
  const rest = sorted.slice(BEFORE_MORE);
  if (rest.length < 2) return items(sorted, path);
  return [items(sorted.slice(0, BEFORE_MORE), path),
    h("details", { class: "more" }, h("summary", null, `${rest.length} more`), items(rest, path))];
}

function items(problems, path) {
  return h("ul", { class: "problems" }, problems.map((problem) =>
    h("li", { class: problem.severity },
      icon(problem.severity), h("span", null,
        h("b", null, problem.severity === "error" ? "Error" : "Warning"),
        problem.line ? [" in ", h("span", { class: "nobreak" }, `line ${problem.line}`)] : null,
        path ? [" of ", h("code", { class: "path" }, path)] : null,
        ": ", problem.key ? [h("code", null, problem.key), " · "] : null, problem.message))));
}

const ICONS = {
  active: ["●", "ok"], stale: ["▲", "warning"], failed: ["✕", "error"], warning: ["▲", "warning"], error: ["✕", "error"],
  passed: ["✓", "ok"], skipped: ["–", "dim"], on: ["●", "ok"], off: ["○", "dim"],
};

/** Make the sign of a state, an outcome or a severity; its word stands beside it. */
export function icon(name) {
  const [sign, kind] = ICONS[name] ?? ICONS.off;
  return h("span", { class: `sign ${kind}`, "aria-hidden": "true" }, sign);
}

/** Make a word with its sign: a state, a filter. */
export function badge(name, word = name) {
  const kind = (ICONS[name] ?? ICONS.off)[1];
  return h("span", { class: `badge ${kind}` }, icon(name), word);
}
