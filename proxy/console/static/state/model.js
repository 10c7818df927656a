/** All that the pages know of the proxy, and how events change it. */

import { Cell } from "./cell.js";

/** @import { Client, Overview, Recording, Sandbox, Summary, Traffic } from "../types.js" */

/** Exchanges that the table shows. */
export const MOST_EXCHANGES = 500;

/** @type {Cell<Overview | null>} */
export const overview = new Cell(/** @type {Overview | null} */ (null));
/** @type {Cell<Traffic | null>} */
export const traffic = new Cell(/** @type {Traffic | null} */ (null));
/** @type {Cell<Client[] | null>} */
export const clients = new Cell(/** @type {Client[] | null} */ (null));
/** @type {Cell<Recording[]>} */
export const recordings = new Cell(/** @type {Recording[]} */ ([]));
/** @type {Cell<Sandbox | null>} */
export const sandbox = new Cell(/** @type {Sandbox | null} */ (null));
/** Counts the events of the outbox; its page asks again at each. */
export const outboxChanges = new Cell(0);

/** Whether the page is connected: `connecting`, `live`, `lost`, `busy` (too many pages) or `signed out`. */
export const connection = new Cell("connecting");

/**
 * Returns the list with these exchanges in front, newest first, each once.
 * @param {Summary[]} known
 * @param {Summary[]} added
 * @returns {Summary[]}
 */
export function merged(known, added) {
  const fresh = [...added].sort((a, b) => b.at - a.at);
  const ids = new Set(fresh.map((each) => each.id));
  return [...fresh, ...known.filter((each) => !ids.has(each.id))].slice(0, MOST_EXCHANGES);
}

/**
 * Returns the OAuth clients with those that changed.
 * @param {Client[]} known
 * @param {Client[]} changed
 * @returns {Client[]}
 */
export function withChanged(known, changed) {
  const byName = new Map(changed.map((each) => [each.name, each]));
  const kept = known.map((each) => byName.get(each.name) ?? each);
  const names = new Set(known.map((each) => each.name));
  return [...kept, ...changed.filter((each) => !names.has(each.name))];
}
