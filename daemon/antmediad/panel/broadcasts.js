// An application's broadcasts: find, make, edit, delete.

import { h } from "./dom.js";
import { get, remove, restOf } from "./api.js";
import { createBroadcast, editBroadcast } from "./broadcast_form.js";
import { copyable } from "./copying.js";
import { ask } from "./dialog.js";
import { checkbox } from "./form.js";
import { timeOfMs } from "./format.js";
import { listing } from "./listing.js";
import { whenOther } from "./live.js";
import { badge, notify } from "./notice.js";
import { mayChangeStreams } from "./session.js";
import { empty, table } from "./table.js";

const SORTS = [["", "as stored"], ["name asc", "name, A to Z"], ["name desc", "name, Z to A"],
  ["date desc", "newest first"], ["date asc", "oldest first"], ["status asc", "status"]];

const STATUS = {
  created: ["off", "not started"], broadcasting: ["on", "live"], finished: ["off", "finished"], preparing: ["warning", "starting"],
  stopped: ["off", "stopped"], error: ["error", "error"], failed: ["error", "failed"], terminated_unexpectedly: ["error", "ended unexpectedly"],
};

const KINDS = { liveStream: "live stream", streamSource: "stream source", ipCamera: "IP camera", playlist: "playlist", VoD: "video" };

// What cannot be part of a path is not counted by the daemon: the pages come without a total then.
const COUNTABLE = /^(?!\.{1,2}$)[^/\\]+$/;

/** Count what a search finds; null when that cannot be asked for. */
export async function countOf(application, resource, search, signal) {
  if (search && !COUNTABLE.test(search)) return null;
  return (await get(restOf(application, [resource, "count", ...(search ? [search] : [])]), { signal })).number;
}

export async function show({ application, signal }) {
  const mayChange = mayChangeStreams(application);
  const create = () => createBroadcast(application, list.reset);
  const list = listing({
    noun: ["broadcast", "broadcasts"],
    search: { label: "Find a broadcast", placeholder: "part of a name or id" },
    sorts: SORTS,
    page: async ({ offset, size, search, sort, order }) => {
      const [rows, total] = await Promise.all([
        get(restOf(application, ["broadcasts", "list", offset, size], { search, sort_by: sort, order_by: order }), { signal }),
        countOf(application, "broadcasts", search, signal),
      ]);
      return { rows, total };
    },
    draw: (rows) => draw(rows, mayChange, {
      edit: (id) => editBroadcast(application, id, list.reload),
      drop: (broadcast) => drop(application, broadcast, list.reload),
    }),
    none: (search) => {
      if (search) return empty("No broadcast has that in its name or id.", "Try a part of it; upper and lower case are the same.");
      return mayChange
        ? empty("No broadcasts yet.", "Make the first with “New broadcast”, or with POST to ", h("code", null, `/${application}/rest/v2/broadcasts/create`), ".")
        : empty("No broadcasts yet.", "They appear here once somebody makes one.");
    },
  });
  await list.reload();
  return {
    nodes: h("div", { class: "stack" },
      h("div", { class: "head" }, h("h2", null, "Broadcasts"),
        mayChange ? h("button", { type: "button", class: "primary", onclick: create }, "New broadcast") : null),
      list.element),
    refresh: whenOther(({ state }) => state === "failed", list.reload),
  };
}

function draw(rows, mayChange, { edit, drop: dropOne }) {
  const columns = [{ title: "Name", class: "roomy" }, { title: "Id", class: "roomy" }, "Status", "Type", "Made"];
  return table("Broadcasts", [...columns, ...(mayChange ? [""] : [])], rows.map((broadcast) => {
    const id = broadcast.streamId;
    return [
      [h("b", { class: broadcast.name ? null : "dim" }, broadcast.name || "no name"),
        broadcast.description ? h("p", { class: "dim cut" }, broadcast.description) : null],
      copyable(id, "the id"),
      badge(...(STATUS[broadcast.status] ?? ["off", broadcast.status || "unknown"])),
      KINDS[broadcast.type] ?? broadcast.type ?? "",
      timeOfMs(broadcast.date, "unknown"),
      ...(mayChange ? [h("div", { class: "buttons" },
        h("button", { type: "button", class: "small", "aria-label": `Edit ${id}`, onclick: () => edit(id) }, "Edit"),
        h("button", { type: "button", class: "small quiet", "aria-label": `Delete ${id}`, onclick: () => dropOne(broadcast) }, "Delete"))] : []),
    ];
  }));
}

async function drop(application, { streamId, name }, reload) {
  const subtracks = checkbox("Delete its subtracks, too", { name: "deleteSubtracks", help: "The broadcasts that have this one as their main track." });
  const done = await ask({
    title: `Delete ${name || streamId}?`, action: "Delete the broadcast", danger: true,
    body: [h("p", null, "The broadcast ", h("code", null, streamId), " goes, with its tokens and subscribers. There is no way back."), subtracks],
    run: async () => {
      try {
        await remove(restOf(application, ["broadcasts", streamId], { deleteSubtracks: subtracks.control.checked }));
      } catch (error) {
        if (error.status === 200 && error.message.startsWith("The daemon refused")) error.message = "It is not there any more.";
        throw error;
      }
    },
  });
  if (!done) return;
  notify(`${name || streamId} is deleted.`);
  await reload();
}
