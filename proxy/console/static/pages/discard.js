/** Discards messages of the outbox: each after a while in which a person can undo it, or when the page is left. */

import { SHOWN, announce } from "../parts/notice.js";
import { reasonOf, request } from "../state/api.js";
import { Cell } from "../state/cell.js";
import { go } from "../state/hash.js";
import { outboxChanges } from "../state/model.js";
import { visibleLine } from "../text/visible.js";

/** The ids of messages that are discarded, or soon will be; the table leaves them out. @type {Cell<Set<string>>} */
export const discarded = new Cell(new Set());

/** The timers of those that can be undone, by id. @type {Map<string, number>} */
const timers = new Map();

/** Discards a message, unless that is undone in time. @param {string} id */
export function discard(id) {
  addEventListener("pagehide", discardNow); // again and again the same listener
  timers.set(id, setTimeout(() => void send(id), SHOWN));
  discarded.set(new Set([...discarded.value, id]));
  announce(`Message ${visibleLine(id)} is discarded.`, () => undo(id));
}

/** @param {string} id */
function undo(id) {
  clearTimeout(timers.get(id));
  timers.delete(id);
  restore(id);
  go("outbox", id);
}

/** Sends what still waits: nobody is there any more to undo it. */
function discardNow() {
  for (const [id, timer] of timers) {
    clearTimeout(timer);
    void send(id);
  }
}

/** @param {string} id */
async function send(id) {
  timers.delete(id);
  try {
    await request("DELETE", `/outbox/messages/${encodeURIComponent(id)}`, { keepalive: true });
  } catch (error) {
    restore(id);
    announce(`Message ${visibleLine(id)} was not discarded. ${reasonOf(error)}`);
  }
  outboxChanges.set(outboxChanges.value + 1);
}

/** @param {string} id */
function restore(id) {
  discarded.set(new Set([...discarded.value].filter((each) => each !== id)));
}
