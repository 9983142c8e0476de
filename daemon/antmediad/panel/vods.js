// A tab of an application.

import { h } from "./dom.js";

export async function show(context) {
  return { nodes: [h("p", null, context.application)] };
}
