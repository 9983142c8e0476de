// Activity.

import { h } from "./dom.js";

export async function show() {
  return { title: "Activity", section: "activity", nodes: [h("h1", null, "Activity")] };
}
