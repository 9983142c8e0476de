// What happens: refused requests, changes, the log, the machine.

import { h } from "./dom.js";
import { show as showChanges } from "./audit.js";
import { show as showLog } from "./log_tail.js";
import { show as showRefusals } from "./refusals.js";
import { seesSystem } from "./session.js";
import { show as showMachine } from "./machine.js";
import { focusOf, tabs } from "./tabs.js";

/** By the part of the address: title, who sees it, and what shows it; a view without title and section. */
const PARTS = {
  refusals: ["Refusals", () => true, showRefusals],
  changes: ["Changes", seesSystem, showChanges],
  log: ["Log", seesSystem, showLog],
  machine: ["Machine", seesSystem, showMachine],
};

export async function show(context) {
  const allowed = Object.entries(PARTS).filter(([, [, may]]) => may());
  const [current, [title, , showPart]] = allowed.find(([part]) => part === context.params.tab) ?? allowed[0];
  const view = await showPart(context);
  const part = h("section", { class: "tab" }, view.nodes);
  return {
    ...view,
    title: `${title} · Activity`,
    section: "activity",
    focus: focusOf("activity", part),
    nodes: [h("div", { class: "head" }, h("h1", null, "Activity")),
      allowed.length > 1 ? tabs("activity", "Activity", allowed.map(([name, [text]]) => [name, text]), current) : null, part],
  };
}
