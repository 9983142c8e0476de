// The applications: state, problems, filters, and requests as they come.

import { fill, h, write } from "./dom.js";
import { at, get, post, query, remove } from "./api.js";
import { chart, shown } from "./chart.js";
import { ask } from "./dialog.js";
import { checkbox, field } from "./form.js";
import { count, figure, time } from "./format.js";
import { badge, notify, problemList } from "./notice.js";
import { askForFigures, to } from "./router.js";
import { isAdmin } from "./session.js";
import { empty } from "./table.js";
import { rates } from "./traffic.js";

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export async function show(context) {
  let names = null;
  const rows = new Map();
  const list = h("ul", { class: "apps" });
  const summary = h("p", { class: "dim" });
  const create = isAdmin("system")
    ? h("button", { type: "button", class: "primary", onclick: () => createApplication([...rows.keys()]) }, "New application")
    : null;

  function refresh({ applications }) {
    const now = applications.map((application) => application.name).join("\n");
    if (now !== names) {
      names = now;
      for (const name of rows.keys()) if (!applications.some((application) => application.name === name)) rows.delete(name);
      for (const { name } of applications) if (!rows.has(name)) rows.set(name, row(name));
      fill(list, applications.map(({ name }) => rows.get(name).element));
      if (!applications.length) fill(list, h("li", null, noApplications()));
    }
    for (const application of applications) rows.get(application.name).update(application);
    write(summary, summarise(applications));
  }

  refresh(context.apps ?? (await get("/apps", { signal: context.signal })));
  return {
    title: "Applications",
    section: "applications",
    nodes: [h("div", { class: "head" }, h("div", null, h("h1", null, "Applications"), summary), create), list],
    refresh,
  };
}

function noApplications() {
  return isAdmin("system")
    ? empty("No applications yet.", "Make the first with “New application”, or put a directory below webapps/.")
    : empty("There is no application that you may see.", "Ask an administrator for a right to one.");
}

function summarise(applications) {
  const troubled = applications.filter((application) => application.state !== "active").length;
  return `${count(applications.length, "application")}${troubled ? `, ${figure(troubled)} with wrong settings` : ""}`;
}

function row(name) {
  const state = h("span", { class: "state" });
  const filters = h("div", { class: "filters" });
  const problems = h("div", { class: "row-problems" });
  const since = h("span", { class: "since dim" });
  const picture = chart();
  const passed = h("b");
  const refused = h("b");
  const rate = h("span", { class: "dim" });
  let last = "";
  const element = h("li", { class: "app" },
    h("div", { class: "name" }, h("h2", null, h("a", { href: to("applications", name) }, name)), state, since),
    filters,
    h("div", { class: "traffic" }, picture, h("div", null,
      h("p", { class: "totals" }, h("span", { class: "passed" }, passed, " passed"), " ", h("span", { class: "refused" }, refused, " refused")),
      rate)),
    isAdmin("system")
      ? h("button", { type: "button", class: "quiet", "aria-label": `Delete ${name}`, onclick: () => deleteApplication(name) }, "Delete")
      : null,
    problems);

  function update(application) {
    const requests = application.requests ?? {};
    write(passed, figure(requests.passed));
    write(refused, figure(requests.refused));
    const points = rates(name);
    const latest = points.at(-1);
    write(rate, latest ? `${shown(latest.passed + latest.refused)} a second` : "measuring…");
    picture.update(points);
    // What is below hardly ever changes; it is left alone then, so that a selection in it stays.
    const { requests: _, ...rest } = application;
    const now = JSON.stringify(rest);
    if (now === last) return;
    last = now;
    fill(state, badge(application.state));
    fill(since, application.generation ? [`generation ${figure(application.generation)}, `, time(application.takenAt)] : "never had good settings");
    fill(filters, filterBadges(application));
    fill(problems, problemList(application.problems, application.path));
    element.className = `app ${application.state}`;
  }

  return { element, update };
}

const JWT = { off: ["off", "JWT off"], secret: ["on", "JWT by secret"], jwks: ["on", "JWT by key set"] };

/** Make the badges of an application's two filters. */
export function filterBadges({ ipFilter, jwtFilter }) {
  if (ipFilter === null || jwtFilter === null) return [badge("error", "closed: no settings")];
  const open = !ipFilter && jwtFilter === "off";
  return [
    badge(ipFilter ? "on" : "off", ipFilter ? "IP filter on" : "IP filter off"),
    badge(...(JWT[jwtFilter] ?? ["off", jwtFilter])),
    open ? badge("warning", "open to everybody") : null,
  ];
}

async function createApplication(taken) {
  const name = field("Name", {
    name: "name",
    help: "Letters, digits, hyphen and underscore; 64 at most. It is the first part of the application's addresses.",
    attributes: { maxlength: "200", autocapitalize: "none" },
    rule: (value) => {
      if (!NAME.test(value)) return value === "" ? "Enter a name." : "Use A-Z, a-z, 0-9, - and _ only, 64 at most.";
      return taken.includes(value) ? "There is an application of this name." : "";
    },
  });
  const made = await ask({
    title: "New application", action: "Create", body: name,
    run: () => post(at`/applications/${name.value}`, undefined, { timeoutMs: 60_000 }),
  });
  if (!made) return;
  notify(`${name.value} is created.`);
  askForFigures();
  location.hash = to("applications", name.value);
}

async function deleteApplication(name) {
  const typed = field("Type its name to confirm", {
    name: "confirm", attributes: { autocapitalize: "none" },
    rule: (value) => (value === name ? "" : `Type ${name}, exactly so.`),
  });
  const data = checkbox("Delete its data, too", { name: "deleteDB", help: "The broadcasts, tokens and VoD records in its database. There is no way back." });
  const done = await ask({
    title: `Delete ${name}?`, action: "Delete the application", danger: true,
    body: [h("p", null, "Its directory goes, with settings and recordings, and its REST API answers 404 from then on."), typed, data],
    run: () => remove(query(at`/applications/${name}`, { deleteDB: data.control.checked }), { timeoutMs: 60_000 }),
  });
  if (!done) return;
  notify(`${name} is deleted.`);
  askForFigures();
}
