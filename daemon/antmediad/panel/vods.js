// An application's videos: find, upload, play, delete.

import { h } from "./dom.js";
import { get, remove, restOf } from "./api.js";
import { countOf } from "./broadcasts.js";
import { copyable } from "./copying.js";
import { ask } from "./dialog.js";
import { duration, size, timeOfMs } from "./format.js";
import { listing } from "./listing.js";
import { whenOther } from "./live.js";
import { badge, notify } from "./notice.js";
import { mayChangeStreams } from "./session.js";
import { empty, table } from "./table.js";
import { vodUpload } from "./vod_upload.js";

const SORTS = [["date desc", "newest first"], ["date asc", "oldest first"], ["name asc", "name, A to Z"], ["name desc", "name, Z to A"]];

const KINDS = { uploadedVod: "uploaded", userVod: "imported", streamVod: "recorded" };
const PROCESS = { inqueue: ["warning", "waiting to be processed"], processing: ["warning", "being processed"], finished: ["passed", "processed"], failed: ["error", "processing failed"] };
// What browsers play themselves; others are kept on disk.
const PLAYED = ["mp4", "webm", "mov", "mp3"];

export async function show({ application, signal }) {
  const mayChange = mayChangeStreams(application);
  const list = listing({
    noun: ["video", "videos"],
    search: { label: "Find a video", placeholder: "name, id, description or metadata" },
    sorts: SORTS,
    page: async ({ offset, size: number, search, sort, order }) => {
      const [rows, total] = await Promise.all([
        get(restOf(application, ["vods", "list", offset, number], { search, sort_by: sort, order_by: order }), { signal }),
        countOf(application, "vods", search, signal),
      ]);
      return { rows, total };
    },
    draw: (rows) => draw(application, rows, mayChange, (vod) => drop(application, vod, list.reload)),
    none: (search) => {
      if (search) return empty("No video has that in its name, id, description or metadata.", "Try a part of it.");
      return mayChange ? empty("No videos yet.", "Upload the first with the button above.") : empty("No videos yet.");
    },
  });
  const uploads = mayChange ? vodUpload(application, signal, list.reset) : null;
  await list.reload();
  return {
    nodes: h("div", { class: "stack" }, h("h2", null, "VoDs"), uploads?.element, list.element),
    refresh: whenOther(({ state }) => state === "failed", list.reload),
    isDirty: () => uploads?.isBusy() ?? false,
  };
}

function draw(application, rows, mayChange, dropOne) {
  const actions = mayChange ? [""] : [];
  return table("Videos", [{ title: "Name", class: "roomy" }, { title: "Id", class: "roomy" }, { title: "Size", class: "number" }, "Added", "Origin", ...actions], rows.map((vod) => [
    [link(application, vod), vod.description ? h("p", { class: "dim cut" }, vod.description) : null,
      vod.duration > 0 ? h("p", { class: "dim" }, duration(vod.duration / 1000)) : null],
    copyable(vod.vodId, "the id"),
    size(vod.fileSize),
    timeOfMs(vod.creationDate, "unknown"),
    [KINDS[vod.type] ?? vod.type ?? "", PROCESS[vod.processStatus] ? [" ", badge(...PROCESS[vod.processStatus])] : null],
    ...(mayChange ? [h("div", { class: "buttons" },
      h("button", { type: "button", class: "small quiet", "aria-label": `Delete ${vod.vodName || vod.vodId}`, onclick: () => dropOne(vod) }, "Delete"))] : []),
  ]));
}

/** Link to the file; what is not below streams/ is not served. */
function link(application, { vodName, vodId, filePath }) {
  const name = vodName || vodId;
  if (!filePath?.startsWith("streams/")) return h("b", null, name);
  const href = `/${[application, ...filePath.split("/")].map(encodeURIComponent).join("/")}`;
  return PLAYED.includes(filePath.split(".").at(-1).toLowerCase())
    ? h("a", { href, target: "_blank", rel: "noopener" }, name, h("span", { class: "unseen" }, " (plays in a new tab)"))
    : h("a", { href, download: name }, name, h("span", { class: "unseen" }, " (download)"));
}

async function drop(application, vod, reload) {
  const name = vod.vodName || vod.vodId;
  const done = await ask({
    title: `Delete ${name}?`, action: "Delete the video", danger: true,
    body: h("p", null, `The file of ${size(vod.fileSize)} goes from the disk, with its record${vod.type === "userVod" ? ", also where it was imported from" : ""}. There is no way back.`),
    run: async () => {
      try {
        await remove(restOf(application, ["vods", vod.vodId]));
      } catch (error) {
        if (error.status === 200 && error.message.startsWith("The daemon refused")) error.message = "It is not there any more, or its file cannot be removed; the daemon's log says more.";
        throw error;
      }
    },
  });
  if (!done) return;
  notify(`${name} is deleted.`);
  await reload();
}
