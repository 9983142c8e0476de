// The end of the daemon's log.

import { fill, h, write } from "./dom.js";
import { get, query } from "./api.js";
import { checkbox, field } from "./form.js";
import { count, size } from "./format.js";
import { every } from "./live.js";
import { errorBox } from "./notice.js";

const POLL_MS = 2000;
const TAIL = 65_536;
const FILES = [["server", "ant-media-server.log: everything"], ["error", "antmedia-error.log: errors only"]];
const LEVELS = [[/\b(ERROR|CRITICAL|Traceback)\b/, "error"], [/\bWARN(ING)?\b/, "warning"], [/\bDEBUG\b/, "dim"]];

export async function show({ signal }) {
  const which = field("File", { name: "file", type: "select", choices: FILES });
  const find = field("Only lines with", { name: "filter", type: "search" });
  const follow = checkbox("Follow", { name: "follow", checked: true });
  const said = h("p", { class: "dim" });
  const errors = errorBox();
  const lines = h("ol");
  const box = h("div", { class: "file log", role: "region", "aria-label": "End of the log", tabindex: "0" }, lines);
  let content = null;
  let fileSize = 0;

  async function read() {
    const file = which.value;
    try {
      const answer = await get(query(`/log-file/-1/${TAIL}`, { logType: file }), { signal });
      if (file !== which.value) return;
      errors.clear();
      if (answer.logContent === content) return;
      content = answer.logContent ?? "";
      fileSize = answer.logFileSize ?? 0;
      draw();
    } catch (error) {
      if (error.name !== "AbortError") errors.show(error);
    }
  }

  function draw() {
    const words = find.value.trim().toLowerCase();
    const all = (content ?? "").split("\n").filter(Boolean);
    // The first is the rest of a line, unless the whole file is here.
    const whole = fileSize > TAIL ? all.slice(1) : all;
    const found = whole.filter((line) => line.toLowerCase().includes(words));
    const wasAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    fill(lines, found.map((line) => h("li", { class: LEVELS.find(([pattern]) => pattern.test(line))?.[1] }, h("code", null, line))));
    if (!found.length) fill(lines, h("li", null, h("code", null, words ? "No line has that in it." : "Nothing yet.")));
    write(said, `${count(found.length, "line")}${fileSize ? `, the end of ${size(fileSize)}` : ""}`);
    if (wasAtEnd || box.scrollTop === 0) box.scrollTop = box.scrollHeight;
  }

  const live = every(read, POLL_MS, signal);
  which.control.addEventListener("change", () => {
    content = null;
    live.now();
  });
  find.control.addEventListener("input", draw);
  follow.control.addEventListener("change", () => {
    live.isPaused = !follow.control.checked;
    if (!live.isPaused) live.now();
  });
  return {
    nodes: h("div", { class: "stack" }, h("h2", { class: "unseen" }, "Log"), h("div", { class: "bar" }, which, find, follow), errors, said, box),
  };
}
