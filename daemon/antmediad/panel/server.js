// Server.

import { h } from "./dom.js";

export async function show() {
  return { title: "Server", section: "server", nodes: [h("h1", null, "Server")] };
}
