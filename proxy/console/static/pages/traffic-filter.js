/** Which exchanges the table shows. */

import { statusClass } from "../text/status.js";

/** @import { Summary } from "../types.js" */

/** @typedef {{ text: string, status: string, route: string }} Filter */

/** @type {Filter} */
export const NO_FILTER = { text: "", status: "", route: "" };

/** Choices of the status, and what they are called. */
export const STATUS_CHOICES = [
  ["", "any status"],
  ["2", "2xx"],
  ["3", "3xx"],
  ["4", "4xx"],
  ["5", "5xx"],
  ["proxy", "answered by the proxy"],
  ["again", "sent more than once"],
];

/**
 * Returns the exchanges that match; each word of the text has to occur somewhere.
 * @param {Summary[]} exchanges
 * @param {Filter} filter
 * @returns {Summary[]}
 */
export function matching(exchanges, { text, status, route }) {
  if (!text.trim() && !status && !route) return exchanges;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return exchanges.filter(
    (each) => (!route || each.route === route) && hasStatus(each, status) && words.every((word) => textOf(each).includes(word)),
  );
}

/** @param {Summary} exchange @param {string} status @returns {boolean} */
function hasStatus(exchange, status) {
  if (status === "proxy") return exchange.made_by === "proxy";
  if (status === "again") return exchange.attempts > 1;
  return !status || statusClass(exchange.status) === Number(status);
}

/** @param {Summary} exchange @returns {string} */
function textOf(exchange) {
  const { sender, method, path, query, route, oauth_client, status, made_by, token, mpl_id, code, replays } = exchange;
  return [sender, method, path, query, route, oauth_client, status, made_by, token, mpl_id, code, ...replays].join(" ").toLowerCase();
}
