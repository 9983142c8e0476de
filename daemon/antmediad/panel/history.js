// The versions of a file that were in force: who, when, what; compare them, and restore one.

import { fill, h } from "./dom.js";
import { at, get, post, query } from "./api.js";
import { ask } from "./dialog.js";
import { field } from "./form.js";
import { figure, time } from "./format.js";
import { badge, errorBox, notify } from "./notice.js";
import { askForFigures } from "./router.js";
import { isAdmin } from "./session.js";
import { empty, table } from "./table.js";

const KEYS_SHOWN = 6;
const ON_DISK = "disk";

export function show({ application, signal, status }) {
  return showHistory({ base: at`/apps/${application}`, canEdit: isAdmin(application), ofApplication: true, signal, status });
}

/**
 * Show the history of an application's file, or of the server's.
 * @param {{base: string, canEdit: boolean, signal: AbortSignal, status: Object}} options base: below /rest/v2
 */
export async function showHistory({ base, canEdit, ofApplication = false, signal, status }) {
  const place = h("div");
  const compare = comparison(base, signal);
  let versions = [];
  let generation = status.generation;

  async function draw() {
    versions = await get(`${base}/history`, { signal });
    compare.update(versions);
    fill(place, versions.length ? list(versions, { canEdit, ofApplication }, restore) : empty("No version was in force yet.", "The first is kept as soon as the file is right."));
  }

  async function restore(version) {
    const number = figure(version.generation);
    const [diff, file] = await Promise.all([
      get(query(`${base}/diff`, { from: version.generation }), { signal }),
      get(`${base}/file`, { signal }),
    ]).catch((error) => {
      notify(`The versions could not be compared: ${error.message}`);
      return [];
    });
    if (!diff) return;
    const lines = turned(diff.lines);
    if (!lines.some((line) => line.kind === "added" || line.kind === "removed")) {
      notify(`Nothing to restore: the file is the same as in generation ${number}.`);
      return;
    }
    const done = await ask({
      title: `Restore generation ${number}?`, action: "Restore", wide: true,
      body: [h("p", null, "The file on disk is replaced by that version, and is in force at once, as a new generation. What it changes:"), diffView(lines)],
      run: () => post(`${base}/rollback`, { generation: version.generation }, { digest: file.digest }),
    });
    if (!done) return;
    notify(`Generation ${number} is restored.`);
    askForFigures();
    await draw();
  }

  await draw();
  return {
    nodes: h("div", { class: "stack" }, h("h2", null, "History"), place, versions.length ? compare.element : null),
    refresh: async (latest) => {
      if (latest.generation === generation) return;
      generation = latest.generation;
      await draw().catch(() => (generation = -1));
    },
  };
}

function list(versions, { canEdit, ofApplication }, restore) {
  const columns = ["Generation", "In force since", "By", ...(ofApplication ? ["JWT filter"] : []), "Changed", ...(canEdit ? [""] : [])];
  return table("Versions that were in force, newest first", columns, versions.map((version, index) => [
    h("span", { class: "nobreak" }, figure(version.generation), index === 0 ? [" ", h("span", { class: "tag accent" }, "latest")] : null),
    time(version.takenAt),
    by(version),
    ...(ofApplication ? [version.jwtFilter === null || version.jwtFilter === undefined ? h("span", { class: "dim" }, "–") : badge(version.jwtFilter ? "on" : "off")] : []),
    keys(version.changed),
    ...(canEdit ? [h("div", { class: "buttons" },
      h("button", { type: "button", class: "small", "aria-label": `Restore generation ${version.generation}`, onclick: () => restore(version) }, "Restore…"))] : []),
  ]));
}

function by({ actor, source, generation }) {
  if (!actor) return source === "file" ? (generation === 1 ? "the file was found" : "the file was edited") : source || h("span", { class: "dim" }, "unknown");
  return [h("span", null, actor), source ? h("span", { class: "dim" }, ` by ${source}`) : null];
}

function keys(changed) {
  if (!changed?.length) return h("span", { class: "dim" }, "nothing");
  const rest = changed.slice(KEYS_SHOWN);
  return [changed.slice(0, KEYS_SHOWN).map((key, index) => [index ? ", " : "", h("code", null, key)]),
    rest.length ? h("span", { class: "dim", title: rest.join(", ") }, ` and ${rest.length} more`) : null];
}

function comparison(base, signal) {
  const from = field("Compare", { type: "select", name: "from", choices: [] });
  const to = field("with", { type: "select", name: "to", choices: [] });
  const errors = errorBox();
  const result = h("div", { role: "region", "aria-label": "Difference", "aria-live": "polite" });
  const element = h("form", { class: "card stack", onsubmit: show }, h("h3", null, "Compare versions"),
    h("div", { class: "bar" }, from, to, h("button", { type: "submit" }, "Compare")), errors, result);

  async function show(event) {
    event.preventDefault();
    errors.clear();
    try {
      const { lines } = await get(query(`${base}/diff`, { from: from.value, to: to.value === ON_DISK ? null : to.value }), { signal });
      fill(result, lines.some((line) => line.kind !== "same") ? diffView(lines) : h("p", { class: "dim" }, "There is no difference."));
    } catch (error) {
      fill(result);
      errors.show(error);
    }
  }

  return {
    element,
    update: (versions) => {
      const [chosenFrom, chosenTo] = [from.value, to.value];
      const numbers = versions.map((version) => String(version.generation));
      const options = (extra) => [...extra, ...numbers.map((number) => h("option", { value: number }, `generation ${figure(Number(number))}`))];
      fill(from.control, options([]));
      fill(to.control, options([h("option", { value: ON_DISK }, "the file on disk")]));
      from.value = numbers.includes(chosenFrom) ? chosenFrom : numbers[1] ?? numbers[0] ?? "";
      to.value = numbers.includes(chosenTo) ? chosenTo : ON_DISK;
    },
  };
}

/** A difference the other way round; of each change, what goes stands before what comes. */
function turned(lines) {
  const result = [];
  let coming = [];
  for (const { kind, text } of [...lines, { kind: "end", text: "" }]) {
    if (kind === "removed") coming.push({ kind: "added", text });
    else if (kind === "added") result.push({ kind: "removed", text });
    else {
      result.push(...coming, { kind, text: kind === "place" ? turnedPlace(text) : text });
      coming = [];
    }
  }
  return result.slice(0, -1);
}

/** "@@ -1,4 +1,5 @@" says the lines before and after. */
function turnedPlace(text) {
  return text.replace(/^(@@+) -(\S+) \+(\S+)/, "$1 -$3 +$2");
}

const SIGNS = { added: ["+", "Added"], removed: ["−", "Removed"], same: [" ", ""], place: ["", ""] };

/** Show the lines of a difference. */
export function diffView(lines) {
  return h("div", { class: "diff", role: "region", "aria-label": "Changed lines", tabindex: "0" }, h("ul", null, lines.map(({ kind, text }) => {
    const [sign, word] = SIGNS[kind] ?? SIGNS.same;
    return h("li", { class: kind }, h("span", { class: "line-number", "aria-hidden": "true" }, sign), word ? h("span", { class: "unseen" }, `${word}: `) : null, h("code", null, text || "\u00a0"));
  })));
}
