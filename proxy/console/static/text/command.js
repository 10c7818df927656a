/** Commands for a shell, to copy. */

/** @import { Overview } from "../types.js" */

/** Quotes a word for a POSIX shell. @param {string} word @returns {string} */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command that opens this page again. */
export const CONSOLE = "cpi-oauth-proxy console";

/**
 * A first message, as a legacy sender sends it; empty if no route is known.
 * @param {Overview | null} overview
 * @returns {string}
 */
export function firstMessage(overview) {
  const url = overview?.proxy_urls[0];
  const route = overview?.routes[0];
  if (!url || !route) return "";
  const example = overview.pages.sandbox && route.path === "/http";
  const target = url.replace(/\/$/, "") + route.path + (example ? "/orders" : "");
  const body = example ? '{"productIdentifier":"HT-1080"}' : "{}";
  return `curl -i -H 'Content-Type: application/json' -d ${quoted(body)} ${quoted(target)}`;
}
