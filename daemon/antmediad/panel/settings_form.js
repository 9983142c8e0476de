// The form of all settings of a file: search, groups, checks while typing, saving.

import { debounced, fill, h, id, write } from "./dom.js";
import { field } from "./form.js";
import { count, figure, listed } from "./format.js";
import { announce, errorBox, notify, problemList } from "./notice.js";
import { askForFigures } from "./router.js";
import { settingRow } from "./setting_row.js";
import { settingsForm, SettingsModel } from "./settings_model.js";

const CHECK_MS = 400;

/**
 * Make the form.
 * @param {Object} options
 * @param {string} options.base "/apps/LiveApp" or "/server", below /rest/v2
 * @param {"application"|"server"} options.kind
 * @param {boolean} options.canEdit
 * @param {Object} options.status the STATUS of what the settings belong to
 * @param {AbortSignal} options.signal
 * @param {(row: (key: string, title?: string) => HTMLElement, model: SettingsModel) => {element: HTMLElement, keys: string[], update: () => void}} [options.card]
 *   shows some settings first, apart from their group
 * @returns {Promise<{nodes: *, refresh: (status: Object) => void, isDirty: () => boolean, stop: () => void}>}
 */
export async function makeSettingsForm({ base, kind, canEdit, status, signal, card }) {
  const groups = (await settingsForm())[kind];
  const model = new SettingsModel(base, groups);
  await model.load(signal);

  const rows = new Map();
  const check = debounced(checkEdits, CHECK_MS);
  const row = (key, title) => {
    if (!rows.has(key)) rows.set(key, settingRow(model, key, { title, canEdit, edited }));
    return rows.get(key);
  };
  const first = card?.(row, model);
  const sections = groups.map((group) => section(group, group.settings.filter(({ key }) => !first?.keys.includes(key)), model, row))
    .filter((each) => each.settings.length);
  const unknown = h("div");
  const filter = search(sections, first, model);
  const bar = saveBar(model, { save, discard });
  let seen = signature(status);
  let loading = false;

  function edited() {
    check();
    draw();
  }

  function draw() {
    for (const each of rows.values()) each.update();
    for (const each of sections) each.update();
    first?.update();
    bar.update();
    fill(unknown, unknownKeys(model));
  }

  async function checkEdits() {
    try {
      await model.check();
      draw();
    } catch (error) {
      // The check comes again with the next key stroke, and the save checks, too.
      if (error.name !== "AbortError") bar.errors.show(error);
    }
  }

  async function save() {
    check.cancel();
    bar.errors.clear();
    try {
      const { generation, changed } = await model.save();
      const keys = (changed ?? []).map((spelling) => model.keyOf(spelling));
      notify(`Saved${keys.length ? `: ${someOf(keys)}` : ""}. Generation ${figure(generation)} is in force.`);
      askForFigures();
      draw();
    } catch (error) {
      await notSaved(error);
    }
  }

  async function notSaved(error) {
    if (error.status === 412) {
      await reload();
      check();
      const both = [...model.conflicts];
      error.problems = [];
      error.message = both.length
        ? `The file was changed meanwhile. Nothing is saved yet, and what you typed is kept. Changed on both sides: ${listed(both)}. Look at them, and save again.`
        : "The file was changed meanwhile, elsewhere than here. Nothing is saved yet, and what you typed is kept. Save again.";
    } else if (error.problems?.length) {
      model.take(error.problems);
      // Told at the fields, and below if they belong to none.
      error.problems = [];
      error.message = "Nothing is saved: see what is wrong below, and at the fields.";
      draw();
      focusOn([...model.edits.keys()].find((key) => model.problemsOf(key).length));
    }
    bar.errors.show(error);
  }

  function focusOn(key) {
    if (!key) return;
    filter.clear();
    sections.find((each) => each.settings.some((setting) => setting.key === key))?.open();
    row(key).control.focus();
  }

  function discard() {
    model.discard();
    bar.errors.clear();
    draw();
    announce("The changes are discarded.");
  }

  async function reload() {
    const changed = await model.load(signal);
    draw();
    return changed;
  }

  async function refresh(latest) {
    if (signature(latest) === seen || loading) return;
    loading = true;
    try {
      const before = model.generation;
      const changed = await reload();
      seen = signature(latest);
      if (changed.length) notify(`Changed on disk: ${someOf(changed)}${model.generation === before ? "" : `; generation ${figure(model.generation)}`}.`);
      if (model.edits.size) check();
    } catch {
      // Tried again with the next figures.
    } finally {
      loading = false;
    }
  }

  draw();
  return {
    nodes: [
      canEdit ? null : h("p", { class: "note" }, "You may read these settings, not change them."),
      h("form", { novalidate: true, class: "stack", "aria-label": "Settings", onsubmit: bar.submit },
        first?.element, filter.element, h("div", { class: "groups" }, sections.map((each) => each.element), unknown), bar.element),
    ],
    refresh,
    isDirty: () => model.edits.size > 0,
    stop: check.cancel,
  };
}

function someOf(keys) {
  return keys.length > 5 ? `${keys.slice(0, 5).join(", ")} and ${keys.length - 5} more` : listed(keys);
}

function signature({ digest, generation, state, problems }) {
  return JSON.stringify([digest, generation, state, problems]);
}

/** A group: its rows are made when it is opened. */
function section(group, settings, model, row) {
  const counts = h("span", { class: "counts" });
  const list = h("div", { class: "settings" });
  const element = h("details", { class: "group", ontoggle: () => element.open && make() },
    h("summary", null, h("h2", null, group.title), counts), list);
  let made = false;
  let wasOpen = null; // before a search opened it

  function make() {
    if (made) return;
    made = true;
    fill(list, settings.map(({ key }) => row(key)));
  }

  return {
    element,
    settings,
    open: () => {
      element.hidden = false;
      make();
      element.open = true;
    },
    /** Show only these keys; null shows all. */
    only: (keys) => {
      element.hidden = keys !== null && !settings.some(({ key }) => keys.has(key));
      if (keys === null) {
        element.open = wasOpen ?? element.open;
        wasOpen = null;
      } else if (!element.hidden) {
        wasOpen ??= element.open;
        make();
        element.open = true;
      }
      if (made) for (const { key } of settings) row(key).hidden = keys !== null && !keys.has(key);
    },
    update: () => {
      const unsaved = settings.filter(({ key }) => model.isEdited(key)).length;
      const changed = settings.filter(({ key }) => !model.values.get(key)?.isDefault).length;
      write(counts, [count(settings.length, "setting"), changed ? `${figure(changed)} changed` : "", unsaved ? `${figure(unsaved)} unsaved` : ""]
        .filter(Boolean).join(" · "));
    },
  };
}

const SHOWN = {
  all: ["all", () => true],
  changed: ["that differ from their default", ({ key }, model) => !(model.values.get(key)?.isDefault ?? true)],
  set: ["that are in the file", ({ key }, model) => model.values.get(key)?.isSet],
  unsaved: ["with unsaved changes", ({ key }, model) => model.isEdited(key)],
  effective: ["that work in antmediad", ({ effective }) => effective],
};

function search(sections, first, model) {
  const find = field("Find a setting", { name: "search", type: "search", attributes: { placeholder: "key, older spelling or word" } });
  const which = field("Show", { name: "shown", type: "select", choices: Object.entries(SHOWN).map(([key, [text]]) => [key, text]) });
  const found = h("p", { class: "dim", role: "status" });

  function apply() {
    const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const [, fits] = SHOWN[which.value];
    const isAll = !words.length && which.value === "all";
    let number = 0;
    if (first) first.element.hidden = words.length > 0 && !first.keys.some((key) => matches(model.setting(key), words));
    for (const each of sections) {
      const keys = new Set(each.settings.filter((setting) => fits(setting, model) && matches(setting, words)).map(({ key }) => key));
      number += keys.size;
      each.only(isAll ? null : keys);
    }
    write(found, isAll ? "" : number ? `${count(number, "setting")} below${first && !first.element.hidden ? ", apart from the card above" : ""}` : first && !first.element.hidden && words.length ? "Found in the card above" : "No setting fits. Try a part of its key, such as jwt or hls.");
  }

  const later = debounced(apply, 150);
  find.control.addEventListener("input", later);
  // Enter in a field saves; here it only looks for something.
  find.control.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  which.control.addEventListener("change", apply);
  return {
    element: h("div", { class: "finder" }, h("div", { role: "search", "aria-label": "Settings", class: "bar" }, find, which), found,
      h("p", { class: "help" }, "“Carried only” settings are checked, kept and served as Ant Media Server has them, but change nothing in antmediad: it has no media engine.")),
    clear: () => {
      find.value = "";
      which.value = "all";
      apply();
    },
  };
}

function matches(setting, words) {
  const text = [setting.key, ...setting.legacy, setting.description].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function unknownKeys({ unknown }) {
  if (!unknown?.length) return null;
  return h("details", { class: "group" },
    h("summary", null, h("h2", null, "Other keys in the file"), h("span", { class: "counts" }, count(unknown.length, "key"))),
    h("p", { class: "help" }, "No setting has these names. They are kept as they are, and do nothing here."),
    h("dl", { class: "pairs" }, unknown.map(({ key, text }) => h("div", null, h("dt", null, h("code", null, key)), h("dd", null, h("code", null, text || "empty"))))));
}

function saveBar(model, { save, discard }) {
  const label = id("unsaved");
  const text = h("p", { id: label, role: "status" });
  const elsewhere = h("div");
  const errors = errorBox();
  const button = h("button", { type: "submit", class: "primary" }, "Save");
  const element = h("div", { class: "save-bar", role: "region", "aria-labelledby": label, hidden: true },
    errors, elsewhere, h("div", { class: "line" }, text, h("div", { class: "buttons" },
      h("button", { type: "button", onclick: discard }, "Discard"), button)));

  async function submit(event) {
    event.preventDefault();
    if (button.disabled || !model.edits.size) return;
    button.disabled = true;
    write(button, "Saving…");
    await save();
    button.disabled = false;
    write(button, "Save");
  }

  return {
    element,
    errors,
    submit,
    update: () => {
      const edits = model.edits.size;
      const wrong = model.found.filter((problem) => problem.severity === "error").length;
      element.hidden = edits === 0;
      write(text, edits ? `${count(edits, "unsaved change")}${wrong ? `, ${count(wrong, "error")}` : ""}` : "");
      fill(elsewhere, problemList(model.problemsElsewhere));
      if (!edits) errors.clear();
    },
  };
}
