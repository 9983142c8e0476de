// Tables; on a narrow screen each row becomes a card that names its cells.

import { h } from "./dom.js";

/**
 * Make a table.
 * @param {string} caption what it holds, read out
 * @param {Array<string|{title: string, class?: string}>} columns; an empty title for a column of buttons
 * @param {Array<Array<*>>} rows of cells; a cell is nodes
 * @param {(index: number) => Object} [properties] further ones of a row
 */
export function table(caption, columns, rows, properties = () => ({})) {
  const heads = columns.map((column) => (typeof column === "string" ? { title: column } : column));
  // The roles are said again since a table that is laid out otherwise loses them.
  return h("div", { class: "table-box" }, h("table", { role: "table" },
    h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.map((head) =>
      h("th", { role: "columnheader", scope: "col", class: head.class }, head.title || h("span", { class: "unseen" }, "Actions"))))),
    h("tbody", { role: "rowgroup" }, rows.map((cells, index) => h("tr", { role: "row", ...properties(index) },
      cells.map((cell, column) =>
        h("td", { role: "cell", "data-title": heads[column].title, class: heads[column].class }, h("div", { class: "cell" }, cell))))))));
}

/** Say that there is nothing, and what to do next. */
export function empty(title, ...next) {
  return h("div", { class: "empty" }, h("p", { class: "title" }, title), next.length ? h("p", null, next) : null);
}

/**
 * Make the buttons that turn pages.
 * @param {{offset: number, size: number, shown: number, total: ?number}} place
 * @param {(offset: number) => void} turn
 */
export function pager({ offset, size, shown, total = null }, turn) {
  const last = total === null ? shown < size : offset + shown >= total;
  if (offset === 0 && last) return null;
  return h("nav", { class: "pager", "aria-label": "Pages" },
    h("button", { type: "button", disabled: offset === 0, onclick: () => turn(Math.max(0, offset - size)) }, "Previous"),
    h("span", null, `${offset + 1} to ${offset + shown}`, total === null ? "" : ` of ${total.toLocaleString()}`),
    h("button", { type: "button", disabled: last, onclick: () => turn(offset + size) }, "Next"));
}
