// Users.

import { h } from "./dom.js";

export async function show() {
  return { title: "Users", section: "users", nodes: [h("h1", null, "Users")] };
}
