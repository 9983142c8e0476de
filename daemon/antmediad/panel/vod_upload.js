// The place where video files are dropped or chosen, and how far each of them is.

import { fill, h, id, write } from "./dom.js";
import { restOf } from "./api.js";
import { size } from "./format.js";
import { announce, icon, notify } from "./notice.js";
import { upload } from "./upload.js";

const TYPES = ["mp4", "webm", "mov", "avi", "mp3", "wmv"];

const MESSAGES = { notSupportedFileType: `Files of this type are not taken: ${TYPES.join(", ")} are.` };

/**
 * Make the place.
 * @param {string} application
 * @param {AbortSignal} signal aborted when the view is left; ends what is on its way
 * @param {() => void} added called after each file
 * @returns {{element: HTMLElement, choose: () => void, isBusy: () => boolean}}
 */
export function vodUpload(application, signal, added) {
  const waiting = [];
  let current = null;
  const list = h("ul", { class: "uploads" });
  const hint = id("drop");
  const input = h("input", {
    type: "file", multiple: true, accept: TYPES.map((type) => `.${type}`).join(","), class: "unseen", tabindex: "-1", "aria-hidden": "true",
    onchange: () => {
      add(input.files);
      input.value = "";
    },
  });
  const zone = h("div", {
    class: "drop",
    ondragover: (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      zone.classList.add("over");
    },
    ondragleave: (event) => {
      if (!zone.contains(event.relatedTarget)) zone.classList.remove("over");
    },
    ondrop: (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      add(event.dataTransfer.files);
    },
  }, input, h("button", { type: "button", class: "primary", "aria-describedby": hint, onclick: () => input.click() }, "Upload videos"),
  h("p", { id: hint, class: "dim" }, `or drop them here: ${TYPES.join(", ")}; as large as the disk has room for`));

  function add(files) {
    for (const file of files) {
      const row = uploadRow(file);
      list.append(row.element);
      const type = typeOf(file.name);
      if (!TYPES.includes(type)) row.failed(MESSAGES.notSupportedFileType);
      else if (file.size === 0) row.failed("The file is empty, or a directory.");
      else waiting.push({ file, row });
    }
    if (!current) sendAll();
  }

  async function sendAll() {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      current = next;
      if (!next.row.signal.aborted) await send(next);
    }
    current = null;
  }

  async function send({ file, row }) {
    const form = new FormData();
    form.append("file", file);
    announce(`${file.name} is being uploaded.`);
    row.progress(0, file.size);
    try {
      // The type counts in small letters only.
      const name = `${file.name.slice(0, -typeOf(file.name).length)}${typeOf(file.name)}`;
      await upload(restOf(application, ["vods", "create"], { name }), form,
        { progress: row.progress, signal: AbortSignal.any([signal, row.signal]) });
      row.element.remove();
      notify(`${file.name} is uploaded.`);
      added();
    } catch (error) {
      if (error.name === "AbortError") return;
      row.failed(MESSAGES[error.message] ?? error.message);
    }
  }

  return {
    element: h("div", { class: "stack" }, zone, list),
    isBusy: () => current !== null,
  };
}

function typeOf(name) {
  return name.includes(".") ? name.split(".").at(-1).toLowerCase() : "";
}

/** A file on its way: name, bar, and a button that cancels, or takes the row away. */
function uploadRow(file) {
  const controller = new AbortController();
  const label = id("upload");
  const bar = h("progress", { max: "1", value: "0", "aria-labelledby": label });
  const said = h("span", { class: "dim" }, "waiting");
  const wrong = h("p", { class: "message error", role: "alert" });
  const button = h("button", { type: "button", class: "small", "aria-label": `Cancel ${file.name}`, onclick: () => {
    controller.abort();
    const next = element.nextElementSibling?.querySelector("button") ?? element.closest(".stack")?.querySelector(".drop button");
    element.remove();
    next?.focus();
    announce(`${file.name}: cancelled.`);
  } }, "Cancel");
  const element = h("li", null, h("span", { id: label, class: "file-name" }, file.name), said, bar, button, wrong);
  return {
    element,
    signal: controller.signal,
    progress: (sent, total) => {
      bar.value = total ? sent / total : 0;
      write(said, sent < total ? `${size(sent)} of ${size(total)}, ${Math.floor((sent / total) * 100)} %` : "sent; being stored…");
    },
    failed: (text) => {
      bar.hidden = true;
      write(said, size(file.size));
      fill(wrong, icon("failed"), h("span", null, text));
      write(button, "Dismiss");
      button.setAttribute("aria-label", `Dismiss ${file.name}`);
    },
  };
}
