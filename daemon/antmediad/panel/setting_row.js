// One setting: what it is, its value to edit, where it comes from, what is wrong with it.

import { fill, h, id, write } from "./dom.js";
import { copy, randomSecret, say } from "./form.js";
import { notify } from "./notice.js";

const LONG = new Set(["object", "ladder", "json"]);
const WHOLE = new Set(["int", "long"]);

/**
 * Make the row of a setting.
 * @param {import("./settings_model.js").SettingsModel} model
 * @param {string} key
 * @param {Object} options
 * @param {string} [options.title] shown before the key
 * @param {boolean} options.canEdit
 * @param {() => void} options.edited called after each edit
 * @returns {HTMLElement & {update: () => void}} `update` shows what the model has, and leaves what is being typed alone
 */
export function settingRow(model, key, { title, canEdit, edited }) {
  const setting = model.setting(key);
  const own = id("setting");
  const message = h("p", { class: "message", id: `${own}-message` });
  const help = h("p", { class: "help", id: `${own}-help` }, setting.description, limits(setting));
  const tags = h("span", { class: "tags" });
  const origin = h("span");
  const conflict = h("div", { class: "note warning conflict", role: "status", hidden: true });
  const reset = h("button", { type: "button", class: "link", hidden: true, "aria-label": `Use the default of ${key}`, onclick: useDefault }, "Use the default");
  const undo = h("button", { type: "button", class: "link", hidden: true, "aria-label": `Undo the change of ${key}`, onclick: undoEdit }, "Undo");
  const common = { id: own, name: key, disabled: !canEdit, "aria-describedby": `${own}-help ${own}-message` };
  const part = (setting.secret ? secretPart : plainPart)(model, setting, common, take);
  const { control } = part;

  const element = h("div", { class: "setting" },
    h("div", { class: "what" },
      h("p", { class: "key" }, h("label", { for: own }, title ? [title, " "] : null, h("code", null, key)), " ", tags),
      help),
    h("div", { class: "value" }, part.element, message, conflict,
      h("p", { class: "origin" }, defaultOf(setting), origin, reset, undo)));

  function take(text) {
    if (text === undefined) model.undo(key);
    else model.edit(key, text);
    element.update();
    edited();
  }

  function useDefault() {
    model.edit(key, null);
    part.show();
    element.update();
    edited();
    control.focus();
  }

  function undoEdit() {
    model.undo(key);
    part.show();
    element.update();
    edited();
    control.focus();
  }

  element.update = () => {
    const isEdited = model.isEdited(key);
    const value = model.values.get(key) ?? { text: "", isDefault: true, isSet: false, origin: null };
    if (!isEdited) part.show();
    element.classList.toggle("edited", isEdited);
    fill(tags,
      isEdited ? h("span", { class: "tag accent" }, "unsaved") : value.isDefault ? null : h("span", { class: "tag accent" }, "changed"),
      setting.required ? h("span", { class: "tag" }, "required") : null,
      setting.effective ? null : h("span", { class: "tag" }, "carried only"));
    fill(origin, whence(value, key));
    reset.hidden = !canEdit || !value.isSet || model.edits.get(key) === null;
    undo.hidden = !isEdited;
    const problems = model.problemsOf(key);
    const worst = problems.find((problem) => problem.severity === "error") ?? problems[0];
    say(control, message, worst?.message ?? "", worst?.severity);
    showConflict(value);
  };

  function showConflict(value) {
    const is = model.conflicts.has(key);
    if (!is) {
      conflict.hidden = true;
      fill(conflict);
    } else if (conflict.dataset.text !== value.text || conflict.hidden) {
      conflict.hidden = false;
      conflict.dataset.text = value.text;
      fill(conflict, h("span", null, "Changed on disk meanwhile", setting.secret ? "" : [": ", h("code", null, value.text || "empty")], ". Yours is saved over it. "),
        h("button", { type: "button", class: "small", onclick: undoEdit }, "Take the one on disk"));
    }
  }

  element.control = control;
  element.update();
  return element;
}

function plainPart(model, { key, kind, choices }, common, take) {
  const current = () => model.text(key);
  if (kind === "bool") {
    const control = h("input", { ...common, type: "checkbox", role: "switch", onchange: () => take(String(control.checked)) });
    const word = h("span", { class: "on-off", "aria-hidden": "true" });
    const show = () => {
      control.checked = current().trim().toLowerCase() === "true";
      write(word, control.checked ? "on" : "off");
    };
    control.addEventListener("change", () => write(word, control.checked ? "on" : "off"));
    return { control, show, element: h("div", { class: "switch" }, control, word) };
  }
  if (choices.length && kind !== "list") {
    const control = h("select", { ...common, onchange: () => take(control.value) });
    const show = () => {
      const text = current();
      // A value beyond the choices stays visible: it is what the file has.
      const all = [...new Set([...choices, text])];
      fill(control, all.map((choice) => h("option", { value: choice }, choice || "not set")));
      control.value = choices.find((choice) => choice === text) ?? choices.find((choice) => kind === "level" && choice.toLowerCase() === text.toLowerCase()) ?? text;
    };
    return { control, show, element: control };
  }
  const isLong = LONG.has(kind);
  const control = h(isLong ? "textarea" : "input", {
    ...common, disabled: false, readOnly: common.disabled, autocomplete: "off", spellcheck: "false", autocapitalize: "none",
    type: isLong ? null : "text", inputmode: WHOLE.has(kind) ? "numeric" : null, class: WHOLE.has(kind) || kind === "float" ? "short mono" : "mono",
    oninput: () => take(control.value),
  });
  const show = () => {
    if (control.value !== current()) control.value = current();
  };
  return { control, show, element: control };
}

/** A secret is a mask until it is asked for; what is typed replaces it. */
function secretPart(model, { key }, common, take) {
  let revealed = null;
  let revealedOf = 0; // the generation
  const control = h("input", {
    ...common, type: "password", class: "mono", autocomplete: "new-password", spellcheck: "false", autocapitalize: "none",
    oninput: () => {
      // Nothing typed any more, and nothing shown before: it is as it was.
      if (control.value === "" && revealed === null) take(undefined);
      else take(control.value);
      allowCopy();
    },
  });
  const button = (text, label, onclick) => h("button", { type: "button", class: "small", "aria-label": `${label} ${key}`, onclick }, text);
  const toggle = button("Reveal", "Reveal", async () => {
    if (control.type === "text") return hide();
    if (!model.isEdited(key) && model.values.get(key)?.text) {
      const value = await ask();
      if (value === null) return;
      [revealed, revealedOf] = [value, model.generation];
      control.value = value;
    }
    control.type = "text";
    label();
  });
  const copying = button("Copy", "Copy", async () => {
    const text = model.isEdited(key) || revealed !== null ? control.value : await ask();
    if (text === null) return;
    if (text === "") notify("It is empty: there is nothing to copy.");
    else await copy(text, `${key} is on the clipboard.`);
  });
  const generate = button("Generate", "Generate", () => {
    control.value = randomSecret();
    control.type = "text";
    label();
    take(control.value);
    allowCopy();
  });

  function allowCopy() {
    copying.disabled = !(model.isEdited(key) ? model.edits.get(key) : model.values.get(key)?.text);
  }

  async function ask() {
    try {
      return await model.reveal(key);
    } catch (error) {
      notify(`${key} could not be read: ${error.message}`);
      return null;
    }
  }

  function hide() {
    control.type = "password";
    if (!model.isEdited(key)) {
      revealed = null;
      control.value = "";
    }
    label();
  }

  function label() {
    const shown = control.type === "text";
    write(toggle, shown ? "Hide" : "Reveal");
    toggle.setAttribute("aria-label", `${shown ? "Hide" : "Reveal"} ${key}`);
  }

  const show = () => {
    const isSet = Boolean(model.values.get(key)?.text);
    const edit = model.edits.get(key);
    control.placeholder = edit === null || !isSet ? "not set" : "set, hidden";
    if (edit === undefined && revealed !== null && revealedOf !== model.generation) hide();
    // What was typed in clear is saved or undone: masked again.
    if (edit === undefined && revealed === null && control.type === "text") hide();
    if (edit === null) control.value = "";
    else if (edit === undefined && control.value !== (revealed ?? "")) control.value = revealed ?? "";
    allowCopy();
  };
  return { control, show, element: h("div", { class: "secret" }, control, common.disabled ? null : h("div", { class: "buttons" }, toggle, copying, generate)) };
}

function limits({ expected, minimum, maximum, choices }) {
  const parts = [];
  if (expected) parts.push(`Expected: ${expected}.`);
  else if (minimum !== null && maximum !== null) parts.push(`From ${minimum} to ${maximum}.`);
  else if (minimum !== null) parts.push(`${minimum} or more.`);
  else if (maximum !== null) parts.push(`${maximum} at most.`);
  if (choices.length > 0 && !expected) parts.push(`Of: ${choices.join(", ")}.`);
  return parts.length ? ` ${parts.join(" ")}` : "";
}

function defaultOf({ default: text, kind, secret }) {
  if (secret) return null;
  if (text === null || text === "") return h("span", null, "Default: ", text === null ? "not set" : "empty");
  return h("span", null, "Default: ", kind === "bool" ? (text === "true" ? "on" : "off") : h("code", null, text));
}

function whence({ isSet, origin }, key) {
  if (!origin) return isSet ? "set" : "not in the file";
  return [
    origin.line ? `line ${origin.line}` : null,
    origin.spelling && origin.spelling !== key ? [origin.line ? " as " : "as ", h("code", null, origin.spelling)] : null,
    origin.source && origin.source !== "file" ? ` from ${origin.source}` : null,
  ];
}
