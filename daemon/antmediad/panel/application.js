// One application: its state on top, and a tab for each thing that it has.

import { fill, h, write } from "./dom.js";
import { at, get } from "./api.js";
import { filterBadges } from "./applications.js";
import { chart, shown } from "./chart.js";
import { figure, time } from "./format.js";
import { badge, problemList } from "./notice.js";
import { to } from "./router.js";
import { rates } from "./traffic.js";
import * as broadcasts from "./broadcasts.js";
import * as history from "./history.js";
import * as keySets from "./key_sets.js";
import * as settings from "./settings.js";
import * as settingsFile from "./settings_file.js";
import * as tokens from "./tokens.js";
import * as vods from "./vods.js";

/**
 * A tab's `show` gets a Context with these as well, and returns a View without `title` and `section`, whose
 * `refresh` gets a status. Its nodes begin with an h2, seen or not.
 * @typedef {Object} TabContext
 * @property {string} application its name
 * @property {Object} status the latest STATUS of it
 */

const TABS = {
  settings: ["Settings", settings],
  file: ["File", settingsFile],
  history: ["History", history],
  "key-sets": ["Key sets", keySets],
  tokens: ["Tokens", tokens],
  broadcasts: ["Broadcasts", broadcasts],
  vods: ["VoDs", vods],
};

export async function show(context) {
  const name = context.params.name;
  const current = Object.hasOwn(TABS, context.params.tab ?? "") ? context.params.tab : "settings";
  const status = await get(at`/apps/${name}`, { signal: context.signal });
  const [title, tab] = TABS[current];
  const head = header(name);
  head.update(status);
  const links = tabs(name, current, status);
  const view = await tab.show({ ...context, application: name, status });
  const panel = h("section", { class: "tab" }, view.nodes);
  const heading = view.focus ?? panel.querySelector("h2");

  let gone = false;
  function refresh({ applications }) {
    const latest = applications.find((application) => application.name === name);
    if (!latest) {
      if (!gone) fill(head.gone, "This application is no longer there.");
      gone = true;
      return;
    }
    if (gone) fill(head.gone);
    gone = false;
    head.update(latest);
    links.querySelector("[data-tab=key-sets]").hidden = latest.jwtFilter !== "jwks" && current !== "key-sets";
    view.refresh?.(latest);
  }

  return {
    title: `${title} · ${name}`,
    section: "applications",
    // Coming from the list, the name is news; from another tab, only the tab is.
    focus: document.querySelector("nav.tabs")?.dataset.of === name ? heading : null,
    nodes: [head.element, links, panel],
    refresh,
    isDirty: view.isDirty,
    stop: view.stop,
  };
}

function tabs(name, current, status) {
  const links = h("nav", { class: "tabs", "aria-label": `Of ${name}`, "data-of": name }, Object.entries(TABS).map(([key, [title]]) =>
    h("a", { href: to("applications", name, key), "data-tab": key, "aria-current": key === current ? "page" : null }, title)));
  links.querySelector("[data-tab=key-sets]").hidden = status.jwtFilter !== "jwks" && current !== "key-sets";
  return links;
}

function header(name) {
  const state = h("span");
  const filters = h("div", { class: "filters" });
  const since = h("p", { class: "dim since" });
  const problems = h("div");
  const passed = h("b");
  const refused = h("b");
  const rate = h("span", { class: "dim" });
  const picture = chart();
  const gone = h("p", { role: "status" });
  let last = "";
  const element = h("div", { class: "app-head" },
    h("p", { class: "crumb" }, h("a", { href: to("applications") }, "Applications")),
    h("div", { class: "title" }, h("h1", null, name), state, filters),
    h("div", { class: "traffic" }, picture, h("div", null,
      h("p", { class: "totals" }, h("span", { class: "passed" }, passed, " passed"), " ", h("span", { class: "refused" }, refused, " refused")), rate)),
    since, problems, gone);

  function update(status) {
    write(passed, figure(status.requests?.passed));
    write(refused, figure(status.requests?.refused));
    const points = rates(name);
    const latest = points.at(-1);
    write(rate, latest ? `${shown(latest.passed + latest.refused)} a second` : "measuring…");
    picture.update(points);
    const { requests: _, ...rest } = status;
    const now = JSON.stringify(rest);
    if (now === last) return;
    last = now;
    fill(state, badge(status.state));
    fill(filters, filterBadges(status));
    fill(since, status.generation ? [`Generation ${figure(status.generation)}, in force since `, time(status.takenAt)] : "It never had good settings.");
    fill(problems, explain(status), problemList(status.problems, status.path));
  }

  return { element, update, gone };
}

function explain({ state }) {
  if (state === "stale") return h("p", null, "The file on disk cannot be used. Its last good settings stay in force until it is mended.");
  if (state === "failed") return h("p", null, "The file on disk cannot be used, and never could. Every request is answered 503 until it is mended.");
  return null;
}
