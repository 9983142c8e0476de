// Dialogs: modal, with the browser's own focus trap, Escape, and return of the focus.

import { h, id } from "./dom.js";
import { errorBox } from "./notice.js";

/**
 * Ask for something, and do it before the dialog closes.
 * @param {Object} options
 * @param {string} options.title
 * @param {*} options.body nodes; the first field that can take the focus gets it
 * @param {string} options.action what the button says: a verb
 * @param {boolean} [options.danger] the action destroys something
 * @param {boolean} [options.wide]
 * @param {() => Promise<*>} [options.run] does it; what it throws is shown, and the dialog stays open
 * @returns {Promise<boolean>} whether it was done
 */
export function ask({ title, body, action, danger = false, wide = false, run = async () => {} }) {
  return new Promise((resolve) => {
    const heading = id("dialog");
    const errors = errorBox();
    const button = h("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
    const cancel = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    let done = false;
    const form = h("form", { novalidate: true, onsubmit: submit },
      h("h2", { id: heading, tabindex: "-1" }, title), h("div", { class: "body" }, body), errors,
      h("div", { class: "buttons" }, button, cancel));
    const dialog = h("dialog", { "aria-labelledby": heading, class: wide ? "wide" : null, onclose: closed }, form);

    async function submit(event) {
      event.preventDefault();
      if (button.disabled || !validate(form)) return;
      button.disabled = true;
      errors.clear();
      try {
        await run();
        done = true;
        dialog.close();
      } catch (error) {
        errors.show(error);
      } finally {
        button.disabled = false;
      }
    }

    function closed() {
      dialog.remove();
      resolve(done);
    }

    document.body.append(dialog);
    dialog.showModal();
    (form.querySelector("input:not([hidden]), select, textarea") ?? (danger ? cancel : button)).focus();
  });
}

/**
 * Show something in a dialog that is only closed.
 * @returns {HTMLDialogElement} for `close()`
 */
export function tell({ title, body, wide = false, onclose = () => {} }) {
  const heading = id("dialog");
  const close = h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, "Close");
  const dialog = h("dialog", {
    "aria-labelledby": heading, class: wide ? "wide" : null,
    onclose: () => {
      dialog.remove();
      onclose();
    },
  }, h("h2", { id: heading }, title), h("div", { class: "body" }, body), h("div", { class: "buttons" }, close));
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
  return dialog;
}

/** Check every field of a form that has a rule; the first wrong one gets the focus. */
export function validate(form) {
  const wrong = [...form.querySelectorAll("[data-field]")].filter((element) => element.check && !element.check());
  wrong[0]?.querySelector("input, select, textarea")?.focus();
  return wrong.length === 0;
}
