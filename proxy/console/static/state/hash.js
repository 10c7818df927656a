/** Which page the address names: `#/traffic`, `#/traffic/ID`. */

import { Cell } from "./cell.js";

/** @typedef {{ page: string, id: string }} Place */

/** @type {Cell<Place>} */
export const place = new Cell(read());

/** Follows the address from now on. */
export function followAddress() {
  addEventListener("hashchange", () => place.set(read()));
}

/** Goes to a page, and keeps the present one for "back". @param {string} page @param {string} [id] */
export function go(page, id = "") {
  location.hash = addressOf(page, id);
}

/** The address of a page, for a link. @param {string} page @param {string} [id] @returns {string} */
export function addressOf(page, id = "") {
  return id ? `#/${page}/${encodeURIComponent(id)}` : `#/${page}`;
}

/** @returns {Place} */
function read() {
  const [page, id = ""] = location.hash.replace(/^#\/?/, "").split("/");
  return { page: page || "traffic", id: decoded(id) };
}

/** @param {string} text @returns {string} */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
