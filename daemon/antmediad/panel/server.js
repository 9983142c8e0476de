// The server: its settings with file and history, its certificate, and what runs here.

import { fill, h } from "./dom.js";
import { get } from "./api.js";
import { show as showCertificate } from "./certificate.js";
import { time } from "./format.js";
import { showHistory } from "./history.js";
import { badge, problemList } from "./notice.js";
import { isAdmin, seesSystem, session } from "./session.js";
import { showFile } from "./settings_file.js";
import { makeSettingsForm } from "./settings_form.js";
import { focusOf, tabs } from "./tabs.js";

const BASE = "/server";

/** By the part of the address: title, who sees it, and what shows it; a View without title and section. */
const PARTS = {
  settings: ["Settings", () => true, showSettings],
  file: ["File", () => true, (options) => showFile({ ...options, base: BASE })],
  history: ["History", () => true, (options) => showHistory({ ...options, base: BASE, canEdit: isAdmin("system") })],
  certificate: ["Certificate", () => isAdmin("system"), showCertificate],
  about: ["About", () => true, showAbout],
};

export async function show(context) {
  if (!seesSystem()) {
    return { title: "Server", nodes: [h("h1", null, "Server"), h("p", null, "Only users with a right to everything see the server.")] };
  }
  const { server: status } = context.apps ?? (await get("/apps", { signal: context.signal }));
  const allowed = Object.entries(PARTS).filter(([, [, may]]) => may());
  const [current, [title, , showPart]] = allowed.find(([part]) => part === context.params.tab) ?? allowed[0];
  const head = header();
  head.update(status);
  const view = await showPart({ ...context, status });
  const part = h("section", { class: "tab" }, view.nodes);
  return {
    ...view,
    title: `${title} · Server`,
    section: "server",
    focus: focusOf("server", part),
    nodes: [head.element, tabs("server", "Server", allowed.map(([name, [text]]) => [name, text]), current), part],
    refresh: ({ server }) => {
      if (!server) return;
      head.update(server);
      view.refresh?.(server);
    },
  };
}

function header() {
  const state = h("span");
  const since = h("p", { class: "dim since" });
  const problems = h("div");
  let last = "";
  return {
    element: h("div", { class: "app-head" }, h("div", { class: "title" }, h("h1", null, "Server"), state), since, problems),
    update: (status) => {
      if (!status) return;
      const now = JSON.stringify([status.state, status.generation, status.takenAt, status.problems]);
      if (now === last) return;
      last = now;
      fill(state, badge(status.state));
      fill(since, status.generation ? [`Generation ${status.generation}, in force since `, time(status.takenAt)] : "Its defaults are in force.");
      fill(problems, problemList(status.problems, status.path));
    },
  };
}

async function showSettings({ status, signal }) {
  const form = await makeSettingsForm({ base: BASE, kind: "server", canEdit: isAdmin("system"), status, signal });
  return { ...form, nodes: h("div", { class: "stack" }, h("h2", { class: "unseen" }, "Settings"), form.nodes) };
}

async function showAbout({ signal }) {
  const version = await get("/version", { signal });
  const fact = (title, value) => (value ? h("div", null, h("dt", null, title), h("dd", null, value)) : null);
  return {
    nodes: h("div", { class: "stack" }, h("h2", null, "About"),
      h("div", { class: "card" }, h("dl", { class: "facts" },
        fact("antmediad", session.version),
        fact("Version told", [version.versionName, version.versionType].filter(Boolean).join(", ")),
        fact("Build", version.buildNumber),
        fact("This API", h("a", { href: "/rest/v2/openapi.json", target: "_blank", rel: "noopener" }, "/rest/v2/openapi.json"))))),
  };
}
