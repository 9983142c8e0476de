// How the machine is doing.

import { h, id, write } from "./dom.js";
import { get } from "./api.js";
import { duration, figure, size } from "./format.js";
import { every } from "./live.js";
import { errorBox } from "./notice.js";

const POLL_MS = 2000;
// The share from which on something is about to run out.
const HIGH = 0.9;

export async function show({ signal }) {
  const errors = errorBox();
  const cpu = gauge("Processors", "very busy");
  const memory = gauge("Memory", "nearly full");
  const swap = gauge("Swap", "nearly full");
  const disk = gauge("Disk", "nearly full");
  const facts = pairs(["Running for", "Load of the last minute", "Processor time used", "Memory of the daemon", "Database, mean time of a query", "Version", "System", "Runtime"]);

  function draw(now) {
    const { cpuUsage = {}, systemMemoryInfo: ram = {}, fileSystemInfo: files = {}, systemInfo = {}, jvmMemoryUsage: own = {}, softwareVersion: version = {} } = now;
    const load = cpuUsage.systemCPULoad ?? 0;
    cpu.update(load / 100, `${figure(load)} % busy`, `${figure(cpuUsage.processCPULoad)} % by this daemon, ${figure(systemInfo.processorCount)} processors`);
    const used = ram.totalMemory - (ram.availableMemory ?? ram.freeMemory);
    memory.update(used / ram.totalMemory, `${size(used)} of ${size(ram.totalMemory)}`, `${size(ram.availableMemory ?? ram.freeMemory)} available`);
    swap.element.hidden = !ram.totalSwapSpace;
    if (ram.totalSwapSpace) swap.update(ram.inUseSwapSpace / ram.totalSwapSpace, `${size(ram.inUseSwapSpace)} of ${size(ram.totalSwapSpace)}`, `${size(ram.freeSwapSpace)} free`);
    disk.update(files.inUseSpace / files.totalSpace, `${size(files.inUseSpace)} of ${size(files.totalSpace)}`, `${size(files.usableSpace)} can be used`);
    facts.update([
      now["server-timing"]?.["up-time"] >= 0 ? duration(now["server-timing"]["up-time"] / 1000) : "",
      cpuUsage.systemLoadAverageLastMinute >= 0 ? cpuUsage.systemLoadAverageLastMinute.toFixed(2) : "",
      // In microseconds.
      cpuUsage.processCPUTime >= 0 ? duration(cpuUsage.processCPUTime / 1e6) : "",
      own.inUseMemory >= 0 ? size(own.inUseMemory) : "",
      now.dbAverageQueryTimeMs >= 0 ? `${figure(now.dbAverageQueryTimeMs)} ms` : "",
      [version.versionName, version.versionType].filter(Boolean).join(", "),
      [systemInfo.osName, systemInfo.osArch].filter(Boolean).join(", "),
      systemInfo.javaVersion ?? "",
    ]);
  }

  async function read() {
    try {
      draw(await get("/system-resources", { signal }));
      errors.clear();
    } catch (error) {
      if (error.name !== "AbortError") errors.show(error);
    }
  }

  every(read, POLL_MS, signal);
  return {
    nodes: h("div", { class: "stack" }, h("h2", { class: "unseen" }, "Machine"), errors,
      h("div", { class: "gauges" }, [cpu, memory, swap, disk].map(({ element }) => element)), h("div", { class: "card" }, facts.element)),
  };
}

/** Make a gauge; *high* is said of it from `HIGH` on. */
function gauge(title, high) {
  const label = id("gauge");
  const meter = h("meter", { min: "0", max: "1", low: String(HIGH), high: String(HIGH), optimum: "0", value: "0", "aria-labelledby": label });
  const main = h("p", { class: "main" }, "measuring…");
  const more = h("p", { class: "dim" });
  return {
    element: h("section", { class: "card", "aria-labelledby": label }, h("h3", { id: label }, title), main, meter, more),
    update: (share, text, rest) => {
      meter.value = Number.isFinite(share) ? share : 0;
      write(main, share >= HIGH ? `${text}: ${high}` : text);
      write(more, rest);
    },
  };
}

function pairs(titles) {
  const rows = titles.map((title) => {
    const value = h("dd");
    return [value, h("div", null, h("dt", null, title), value)];
  });
  return {
    element: h("dl", { class: "facts wide" }, rows.map(([, row]) => row)),
    update: (texts) => texts.forEach((text, index) => {
      const [value, row] = rows[index];
      row.hidden = !text;
      write(value, text);
    }),
  };
}
