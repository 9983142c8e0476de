// The properties file as it is on disk, with what is wrong at its lines.

import { fill, h } from "./dom.js";
import { at, get } from "./api.js";
import { count } from "./format.js";
import { icon, notify, problemList } from "./notice.js";
import { empty } from "./table.js";

export function show({ application, signal, status }) {
  return showFile({ base: at`/apps/${application}`, signal, status });
}

/**
 * Show the file of an application or of the server.
 * @param {{base: string, signal: AbortSignal, status: Object}} options base: below /rest/v2
 */
export async function showFile({ base, signal, status }) {
  const place = h("div", { class: "stack" });
  let seen = signature(status);
  let digest = null;

  async function draw() {
    const file = await get(`${base}/file`, { signal });
    if (digest !== null && digest !== file.digest) notify("The file changed on disk.");
    digest = file.digest;
    fill(place, view(file));
  }

  await draw();
  return {
    nodes: [h("h2", null, "File on disk"), place],
    refresh: async (latest) => {
      if (signature(latest) === seen) return;
      seen = signature(latest);
      // A failure here is one of the connection, which is told above.
      await draw().catch(() => (seen = ""));
    },
  };
}

function signature({ digest, generation, state, problems }) {
  return JSON.stringify([digest, generation, state, problems]);
}

function view({ path, lines, problems }) {
  const numbers = new Set(lines.map((line) => line.number));
  const atLine = new Map();
  for (const problem of problems) atLine.set(problem.line, [...(atLine.get(problem.line) ?? []), problem]);
  const whole = problems.filter((problem) => !numbers.has(problem.line));
  return [
    h("p", { class: "dim" }, h("code", { class: "path" }, path), ` · ${count(lines.length, "line")}`,
      problems.length ? ` · ${count(problems.length, "problem")}` : " · no problems", ". Secrets are masked."),
    whole.length ? h("div", { class: "card" }, h("h3", null, "About the file as a whole"), problemList(whole)) : null,
    lines.length
      ? h("div", { class: "file", role: "region", "aria-label": "Lines of the file", tabindex: "0" },
        h("ol", null, lines.map((line) => row(line, atLine.get(line.number) ?? []))))
      : empty("The file is empty, or not there.", "The last good settings stay in force. Write the file again, or restore a version from the history."),
  ];
}

function row({ number, text }, problems) {
  const severity = problems.some((problem) => problem.severity === "error") ? "error" : problems.length ? "warning" : "";
  return h("li", { class: `${severity} ${/^\s*[#!]/.test(text) ? "comment" : ""}`, value: number },
    h("span", { class: "line-number", "aria-hidden": "true" }, number), h("code", null, text || "\u00a0"),
    problems.map((problem) => h("p", { class: problem.severity }, icon(problem.severity),
      h("span", null, h("b", null, problem.severity === "error" ? "Error" : "Warning"), ": ", problem.message))));
}
