/** What this browser has sent: the last requests, without credentials and large bodies. */

import { Cell } from "../state/cell.js";
import { store, stored } from "../state/storage.js";
import { withoutCredentials } from "../text/fields.js";

/** @import { SavedRequest } from "../types.js" */
/** @import { Draft } from "./draft.js" */
/** @import { Message } from "./sending.js" */

/** @typedef {SavedRequest & { at: number, bodyKept: boolean }} Sent */

const MOST = 30;
/** Characters of a body that is kept. */
const LARGEST = 8192;

/** @type {Cell<Sent[]>} */
export const history = new Cell(/** @type {Sent[]} */ (read()));

/** Adds a request in front, and drops an equal one. @param {Message} message @param {Draft} form */
export function remember({ route, method, path, fields }, form) {
  const bodyKept = !form.file && form.body.length <= LARGEST;
  const sent = {
    name: `${method} ${path || "/"}`, route, method, path, fields: withoutCredentials(fields),
    body: bodyKept ? form.body : "", bodyKept, at: Date.now() / 1000,
  };
  const others = history.value.filter((each) => keyOf(each) !== keyOf(sent));
  history.set([sent, ...others].slice(0, MOST));
  store("history", history.value);
}

/** Forgets all of it. */
export function forget() {
  history.set([]);
  store("history", []);
}

/** @param {Sent} sent @returns {string} */
function keyOf({ route, method, path, fields, body, bodyKept }) {
  return JSON.stringify([route, method, path, fields, body, bodyKept]);
}

/** What was kept; anything that an older version or somebody else wrote is dropped. @returns {Sent[]} */
function read() {
  const kept = stored("history", /** @type {any[]} */ ([]));
  if (!Array.isArray(kept)) return [];
  return kept.filter((each) => typeof each?.method === "string" && typeof each.body === "string" && Array.isArray(each.fields));
}
