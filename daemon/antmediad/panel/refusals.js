// The latest requests that were refused, as they come.

import { fill, h, write } from "./dom.js";
import { at, get } from "./api.js";
import { field } from "./form.js";
import { count, time } from "./format.js";
import { every } from "./live.js";
import { announce, errorBox } from "./notice.js";
import { seesSystem } from "./session.js";
import { empty, table } from "./table.js";

const POLL_MS = 2000;
const ALL = "";

export async function show({ apps, signal }) {
  const { applications } = apps ?? (await get("/apps", { signal }));
  const names = applications.map(({ name }) => name);
  const choices = [...(seesSystem() ? [[ALL, "all"]] : []), ...names];
  if (!choices.length) return { nodes: empty("There is no application that you may see.", "Ask an administrator for a right to one.") };
  const which = field("Application", { name: "application", type: "select", choices });
  const find = field("Only with", { name: "filter", type: "search", attributes: { placeholder: "address, path or reason" } });
  const said = h("p", { class: "dim" });
  const errors = errorBox();
  const place = h("div");
  let refusals = [];
  let drawn = null;

  async function read() {
    const name = which.value;
    try {
      const latest = await get(name === ALL ? "/refusals" : at`/apps/${name}/refusals`, { signal });
      if (name !== which.value) return;
      refusals = latest;
      errors.clear();
      draw();
    } catch (error) {
      if (error.name !== "AbortError") errors.show(error);
    }
  }

  function draw() {
    const words = find.value.trim().toLowerCase();
    const found = refusals.filter((one) => [one.client, one.path, one.reason, one.meaning, one.method].join(" ").toLowerCase().includes(words));
    // The same as before is left alone, so that a selection in it stays.
    const now = JSON.stringify([which.value, found]);
    if (now === drawn) return;
    drawn = now;
    write(said, found.length ? `${count(found.length, "refusal")}, newest first${reasonsOf(found)}` : "");
    fill(place, found.length ? list(found, which.value === ALL) : none(refusals.length));
  }

  const live = every(read, POLL_MS, signal);
  const pause = h("button", { type: "button", "aria-pressed": "false", onclick: () => {
    live.isPaused = !live.isPaused;
    pause.setAttribute("aria-pressed", String(live.isPaused));
    write(state, live.isPaused ? "Paused" : "Live");
    announce(live.isPaused ? "Paused." : "Live again.");
    if (!live.isPaused) live.now();
  } }, "Pause");
  const state = h("span", { class: "dim" }, "Live");
  which.control.addEventListener("change", live.now);
  find.control.addEventListener("input", draw);
  return {
    nodes: h("div", { class: "stack" }, h("h2", { class: "unseen" }, "Refusals"),
      h("div", { class: "bar" }, which, find, h("div", { class: "live" }, pause, state)), errors, said, place),
  };
}

function reasonsOf(refusals) {
  const counts = new Map();
  for (const { reason } of refusals) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const most = [...counts].sort(([, one], [, other]) => other - one).slice(0, 3);
  return `. Most: ${most.map(([reason, number]) => `${reason} ${number}`).join(", ")}`;
}

function none(others) {
  return others ? empty("None of the refusals has that in it.") : empty("No refusals.", "Requests that a filter refuses appear here as they come; the latest thousand are kept until the daemon ends.");
}

function list(refusals, withApplication) {
  const columns = ["When", ...(withApplication ? [{ title: "Application", class: "tight" }] : []),
    { title: "Address", class: "tight" }, { title: "Request", class: "roomy" }, "Reason"];
  return table("Refusals", columns, refusals.map((one) => [
    time(one.at),
    ...(withApplication ? [h("span", null, one.application)] : []),
    h("code", null, one.client),
    [h("b", null, one.method), " ", h("code", null, one.path)],
    [h("code", null, one.reason), one.meaning ? h("p", { class: "dim" }, one.meaning) : null],
  ]));
}
