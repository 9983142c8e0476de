// A small chart of the latest requests: passed above the line, refused below it.

import { fill, h, svg, write } from "./dom.js";

const WIDTH = 180;
const HEIGHT = 36;
const POINTS = 60;
const STEP = WIDTH / POINTS;
// Below this many requests a second a bar is not made taller: a single call is no burst.
const LEAST_PEAK = 2;

/** Make an empty chart; `update` fills it. It is a picture with a text for those who do not see it. */
export function chart() {
  const bars = svg("g");
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2, class: "axis" }), bars);
  const text = h("span", { class: "unseen" });
  const element = h("div", { class: "chart-box" }, picture, text);
  element.update = (points) => {
    const peak = Math.max(LEAST_PEAK, ...points.map((point) => Math.max(point.passed, point.refused)));
    const half = HEIGHT / 2 - 1;
    const first = POINTS - points.length;
    fill(bars, points.flatMap((point, index) => [
      bar(first + index, HEIGHT / 2 - (point.passed / peak) * half, (point.passed / peak) * half, "passed"),
      bar(first + index, HEIGHT / 2, (point.refused / peak) * half, "refused"),
    ]));
    const last = points.at(-1) ?? { passed: 0, refused: 0 };
    write(text, `Requests a second: ${shown(last.passed)} passed, ${shown(last.refused)} refused`);
  };
  return element;
}

function bar(index, y, height, kind) {
  return height > 0 ? svg("rect", { x: index * STEP, y, width: STEP - 0.8, height: Math.max(height, 0.8), class: kind }) : null;
}

/** Write a rate: few figures, and none that flicker. */
export function shown(rate) {
  return rate >= 10 ? Math.round(rate).toLocaleString() : rate.toFixed(1).replace(/\.0$/, "");
}
