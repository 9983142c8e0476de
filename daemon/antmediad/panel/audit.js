// What was done through the management API and the commands, and by whom.

import { h } from "./dom.js";
import { at, get, query } from "./api.js";
import { time } from "./format.js";
import { listing } from "./listing.js";
import { badge } from "./notice.js";
import { empty, table } from "./table.js";

export async function show({ signal }) {
  const list = listing({
    noun: ["change", "changes"],
    search: { label: "Only about", placeholder: "application or user", help: "Its whole name." },
    page: async ({ offset, size, search }) => {
      const { count, entries } = await get(query(at`/audit/${offset}/${size}`, { target: search }), { signal });
      return { rows: entries, total: count };
    },
    draw,
    none: (search) => (search ? empty(`Nothing is recorded about “${search}”.`, "Enter the whole name of an application, or the e-mail address of a user.") : empty("Nothing is recorded yet.")),
  });
  await list.reload();
  return {
    nodes: h("div", { class: "stack" }, h("h2", { class: "unseen" }, "Changes"), list.element),
  };
}

function draw(entries) {
  const columns = ["When", { title: "Who", class: "roomy" }, { title: "What", class: "roomy" }, { title: "About", class: "tight" }, "Outcome"];
  return table("Changes", columns, entries.map((entry) => [
    time(entry.at),
    [h("span", null, entry.actor || (entry.source === "file" ? "not known" : "not signed in")),
      h("p", { class: "dim" }, [entry.source, entry.address].filter(Boolean).join(", from "))],
    [entry.action, entry.detail ? h("p", { class: "dim" }, entry.detail) : null],
    h("span", null, entry.target),
    entry.success ? badge("passed", "done") : badge("error", "not done"),
  ]));
}
