/** Requests to the console's API. Each answer is JSON, or a problem with title and detail. */

import { connection } from "./model.js";

/** Why a request failed, in words for the page. */
export class Problem extends Error {
  /** @param {number} status @param {string} title @param {string} [detail] */
  constructor(status, title, detail = "") {
    super(detail ? `${title}: ${detail}` : title);
    this.status = status;
    this.title = title;
    this.detail = detail;
  }
}

/**
 * Sends a request and returns its response; a Problem for anything but a success.
 * @param {string} method
 * @param {string} path relative to `/console/`, or absolute for the outbox
 * @param {{ json?: unknown, body?: Blob | string, signal?: AbortSignal, keepalive?: boolean }} [options]
 *   `keepalive`: the request outlives the page
 * @returns {Promise<Response>}
 */
export async function request(method, path, { json, body, signal, keepalive } = {}) {
  /** @type {RequestInit} */
  const init = { method, signal, body, keepalive, credentials: "same-origin", cache: "no-store" };
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers = { "Content-Type": "application/json" };
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "The proxy does not answer", "Is it still running?");
  }
  if (response.ok) return response;
  if (response.status === 401) connection.set("signed out");
  throw await problemOf(response);
}

/**
 * Sends a request and returns the JSON of its answer.
 * @param {string} method
 * @param {string} path
 * @param {{ json?: unknown, body?: Blob | string, signal?: AbortSignal }} [options]
 * @returns {Promise<any>}
 */
export async function ask(method, path, options) {
  const response = await request(method, path, options);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/**
 * Returns each line of an NDJSON answer when it arrives.
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<any>}
 */
export async function* lines(path, signal) {
  const response = await request("GET", path, { signal });
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? "\n";
    const complete = rest.split("\n");
    rest = complete.pop() ?? "";
    for (const line of complete) if (line.trim()) yield JSON.parse(line);
    if (done) return;
  }
}

/** @param {unknown} error @returns {string} */
export function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {Response} response @returns {Promise<Problem>} */
async function problemOf(response) {
  const text = await response.text().catch(() => "");
  try {
    const { title, detail } = JSON.parse(text);
    return new Problem(response.status, String(title ?? `Status ${response.status}`), String(detail ?? ""));
  } catch {
    return new Problem(response.status, `Status ${response.status}`, text.slice(0, 300));
  }
}
