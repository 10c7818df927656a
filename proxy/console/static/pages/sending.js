/** Makes a message of the form, and sends it. It goes on while another page is shown. */

import { ask, reasonOf } from "../state/api.js";
import { Cell } from "../state/cell.js";
import { guessedType, parsedFields } from "../text/fields.js";
import { size } from "../text/units.js";
import { routeOf } from "./draft.js";
import { remember } from "./history.js";

/** @import { Answer, Field, Route } from "../types.js" */
/** @import { Draft } from "./draft.js" */

/** @typedef {{ route: string, method: string, path: string, fields: Field[], content: Blob | string }} Message */

/** `since`: when the message was sent (`performance.now()`), 0 if none is on its way. */
/** @type {Cell<{ since: number, answer: Answer | null, failure: string }>} */
export const progress = new Cell({ since: 0, answer: /** @type {Answer | null} */ (null), failure: "" });

/** @type {AbortController | null} */
let running = null;

/** Sends what the form has, unless a message is on its way. @param {Draft} form @param {Route[]} routes */
export async function submit(form, routes) {
  if (running) return;
  const { message, error } = prepared(form, routeOf(form, routes));
  if (!message) {
    progress.set({ since: 0, answer: null, failure: error });
    return;
  }
  const { signal } = (running = new AbortController());
  progress.set({ since: performance.now(), answer: null, failure: "" });
  remember(message, form);
  try {
    progress.set({ since: 0, answer: await send(message, signal), failure: "" });
  } catch (problem) {
    const failure = signal.aborted ? "Canceled. The message may have reached the tenant." : reasonOf(problem);
    progress.set({ since: 0, answer: null, failure });
  } finally {
    running = null;
  }
}

/** Gives up the message that is on its way. */
export function cancel() {
  running?.abort();
}

/**
 * Returns the message, or what is wrong with the form.
 * @param {Draft} form
 * @param {Route | undefined} route
 * @returns {{ message: Message | null, error: string }}
 */
function prepared(form, route) {
  if (!route) return { message: null, error: "There is no route to send to." };
  const { fields, error } = parsedFields(form.fields);
  if (error) return { message: null, error };
  const content = form.file ?? form.body;
  const bytes = new Blob([content]).size;
  if (route.max_body !== null && bytes > route.max_body) {
    const [has, accepted] = told(bytes, route.max_body);
    return { message: null, error: `The body has ${has}; the route accepts ${accepted}.` };
  }
  const path = form.path.trim();
  return { message: { route: route.name, method: form.method, path, fields: withType(fields, form), content }, error: "" };
}

/** Two sizes that differ, so that their texts differ too. @param {number} one @param {number} other @returns {string[]} */
function told(one, other) {
  return size(one) === size(other) ? [`${one} bytes`, `${other} bytes`] : [size(one), size(other)];
}

/** The Content-Type that is added; empty if the fields have one, or there is no body. @param {Draft} form @returns {string} */
export function addedType(form) {
  const { fields } = parsedFields(form.fields);
  if (fields.some(([name]) => name.toLowerCase() === "content-type")) return "";
  return form.file ? form.file.type || "application/octet-stream" : guessedType(form.body);
}

/** A field `Content-Type:` without a value means none, as in curl. @param {Field[]} fields @param {Draft} form @returns {Field[]} */
function withType(fields, form) {
  const type = addedType(form);
  const kept = fields.filter(([name, value]) => value || name.toLowerCase() !== "content-type");
  return type ? [...kept, ["Content-Type", type]] : kept;
}

/**
 * Sends the message and returns the answer. The first line describes it; the body follows byte for byte.
 * @param {Message} message
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
function send({ content, ...line }, signal) {
  return ask("POST", "api/send", { body: new Blob([`${JSON.stringify(line)}\n`, content]), signal });
}
