/** Takes a recorded request to the Send page, with its body byte for byte. */

import { announce } from "../parts/notice.js";
import { reasonOf, request } from "../state/api.js";
import { go } from "../state/hash.js";
import { overview } from "../state/model.js";
import { fieldLines, fieldsToSendAgain } from "../text/fields.js";
import { draft, wanted } from "./draft.js";

/** @import { Exchange } from "../types.js" */

/**
 * Fills in the form with this request, and sends it if `atOnce`.
 * @param {Exchange} exchange
 * @param {boolean} atOnce
 */
export async function sendAgain(exchange, atOnce) {
  const { fields, masked } = fieldsToSendAgain(exchange.request?.fields ?? []);
  let body;
  try {
    body = await bodyOf(exchange);
  } catch (error) {
    announce(`The body cannot be read. ${reasonOf(error)}`);
    return;
  }
  const query = exchange.query && !exchange.query.startsWith("?") ? `?${exchange.query}` : exchange.query;
  draft.set({
    route: exchange.route,
    method: exchange.method,
    path: belowRoute(exchange.route, exchange.path) + query,
    fields: fieldLines(fields),
    ...body,
  });
  if (masked.length) announce(`Left out, because credentials are not recorded: ${masked.join(", ")}.`);
  wanted.set(atOnce);
  go("send");
}

/**
 * The body as text if that gives the same bytes again, otherwise as a file.
 * @param {Exchange} exchange
 * @returns {Promise<{ body: string, file: File | null }>}
 */
async function bodyOf(exchange) {
  const body = exchange.request?.body;
  if (!body?.size) return { body: "", file: null };
  const bytes = await (await request("GET", body.download)).blob();
  const text = await bytes.text();
  const isSame = !/[\r\0\ufffd]/.test(text) && new Blob([text]).size === bytes.size;
  return isSame ? { body: text, file: null } : { body: "", file: new File([bytes], "the recorded body") };
}

/** What follows the route's path. @param {string} name @param {string} path @returns {string} */
function belowRoute(name, path) {
  const prefix = overview.value?.routes.find((each) => each.name === name)?.path.replace(/\/$/, "") ?? "";
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}
