// A form on a card: checked, sent once at a time, with what went wrong beside its button.

import { h, id } from "./dom.js";
import { validate } from "./dialog.js";
import { errorBox } from "./notice.js";

/**
 * Make the card.
 * @param {Object} options
 * @param {string} options.title
 * @param {*} [options.intro]
 * @param {*} options.fields
 * @param {string} options.action what the button says: a verb
 * @param {() => Promise<*>} options.run what it throws is shown
 * @param {*} [options.more] further buttons
 * @returns {HTMLElement & {submit: () => Promise<void>}}
 */
export function cardForm({ title, intro, fields, action, run, more }) {
  const heading = id("card");
  const errors = errorBox();
  const button = h("button", { type: "submit", class: "primary" }, action);
  const form = h("form", { novalidate: true, class: "stack", "aria-labelledby": heading, onsubmit: (event) => {
    event.preventDefault();
    submit();
  } }, h("h3", { id: heading, tabindex: "-1" }, title), intro, fields, errors, h("div", { class: "buttons" }, button, more));

  async function submit() {
    if (button.disabled || !validate(form)) return;
    button.disabled = true;
    errors.clear();
    try {
      await run();
    } catch (error) {
      if (error.name !== "AbortError") errors.show(error);
    } finally {
      button.disabled = false;
    }
  }

  const element = h("section", { class: "card" }, form);
  element.submit = submit;
  return element;
}
