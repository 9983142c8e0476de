// Form fields: a label, a control, help, and a message, tied together for everyone.

import { debounced, fill, h, id, write } from "./dom.js";
import { icon, notify } from "./notice.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SECRET_LENGTH = 40;

/**
 * A field: the element, with `control`, `value` (get, set), `check()` and `say(text, severity)`.
 * @typedef {HTMLElement & {control: HTMLElement, value: string, check: () => boolean, say: Function}} Field
 */

/**
 * Make a field.
 * @param {string} label
 * @param {Object} [options]
 * @param {string} [options.name]
 * @param {string} [options.type] of the input; "textarea" and "select" make those
 * @param {string} [options.value]
 * @param {*} [options.help] nodes below the label
 * @param {Array<string|[string, string]>} [options.choices] of a select: values, or value and text
 * @param {(value: string) => string} [options.rule] returns what is wrong with a value, "" for nothing; is
 *   applied a moment after typing, and by `check()`
 * @param {Object} [options.attributes] further ones of the control
 * @returns {Field}
 */
export function field(label, { name, type = "text", value = "", help, choices, rule, attributes = {} } = {}) {
  const own = id("field");
  const properties = { id: own, name, value, autocomplete: "off", spellcheck: "false", ...attributes };
  const control = type === "select"
    ? h("select", { ...properties, value: null }, choices.map((choice) => option(choice, value)))
    : h(type === "textarea" ? "textarea" : "input", { ...properties, type: type === "textarea" ? null : type });
  const message = h("p", { class: "message", id: `${own}-message` });
  const about = help ? h("p", { class: "help", id: `${own}-help` }, help) : null;
  control.setAttribute("aria-describedby", [about?.id, message.id].filter(Boolean).join(" "));
  const element = h("div", { class: "field", "data-field": name ?? "" },
    h("label", { for: own }, label), about, type === "password" ? withReveal(control) : control, message);
  element.control = control;
  element.say = (text, severity = "error") => say(control, message, text, severity);
  element.check = () => {
    const wrong = rule?.(control.value) ?? "";
    element.say(wrong);
    return wrong === "";
  };
  Object.defineProperty(element, "value", { get: () => control.value, set: (text) => (control.value = text) });
  if (rule) {
    const later = debounced(element.check, 400);
    control.addEventListener("input", () => (control.getAttribute("aria-invalid") === "true" ? element.check() : later()));
  }
  return element;
}

function option(choice, value) {
  const [own, text] = Array.isArray(choice) ? choice : [choice, choice];
  return h("option", { value: own, selected: own === value }, text);
}

/** Show a message at a control, and mark it; an empty text takes both away. */
export function say(control, message, text, severity = "error") {
  message.className = `message ${text ? severity : ""}`;
  if (!text) write(message, "");
  else if (message.dataset.text !== text) fill(message, icon(severity), h("span", null, text));
  message.dataset.text = text;
  if (text && severity === "error") control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

function withReveal(control) {
  const button = h("button", { type: "button", class: "quiet", onclick: () => turn(control.type === "password") });

  function turn(shown) {
    control.type = shown ? "text" : "password";
    button.setAttribute("aria-label", `${shown ? "Hide" : "Show"} what is typed`);
    write(button, shown ? "Hide" : "Show");
  }

  turn(false);
  return h("div", { class: "with-buttons" }, control, button);
}

/**
 * Make a check box with its label; `.control` is the box.
 * @param {string} label
 * @param {{name?: string, checked?: boolean, help?: *, attributes?: Object}} options
 */
export function checkbox(label, { name, checked = false, help, attributes = {} } = {}) {
  const own = id("field");
  const about = help ? h("span", { class: "help", id: `${own}-help` }, help) : null;
  const control = h("input", { type: "checkbox", id: own, name, checked, "aria-describedby": about?.id, ...attributes });
  const element = h("div", { class: "check" }, control, h("div", null, h("label", { for: own }, label), about));
  element.control = control;
  return element;
}

/** Make a secret of letters and digits, from the browser's source of randomness for keys. */
export function randomSecret(length = SECRET_LENGTH) {
  let text = "";
  while (text.length < length) {
    // Bytes from 248 on are passed over: with them some letters would come up more often.
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    text += Array.from(bytes).filter((byte) => byte < 248).map((byte) => LETTERS[byte % 62]).join("");
  }
  return text.slice(0, length);
}

/** Put a text on the clipboard, also where the page came over plain HTTP. */
export async function copy(text, what = "Copied.") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const host = document.querySelector("dialog[open]") ?? document.body;
    const focused = document.activeElement;
    const area = h("textarea", { value: text, class: "unseen", "aria-hidden": "true", tabindex: "-1" });
    host.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    if (!copied) {
      notify("The browser does not allow copying here: select the text, and copy it.");
      return;
    }
  }
  notify(what);
}
