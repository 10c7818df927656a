/** Fields as the Send page has them: a line each, `Name: value`. */

/** @import { Field } from "../types.js" */

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What the proxy puts in place of a credential. */
export const MASK = "***";

/** Names whose values this browser does not keep. */
const CREDENTIAL = /auth|cookie|token|secret|password|api-?key|credential|session/i;

/**
 * Reads the lines; the error names the first one that is wrong.
 * @param {string} text
 * @returns {{ fields: Field[], error: string }}
 */
export function parsedFields(text) {
  /** @type {Field[]} */
  const fields = [];
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim();
    if (colon < 1 || !NAME.test(name)) return { fields, error: `Write fields as “Name: value”, not “${line.trim()}”.` };
    fields.push([name, line.slice(colon + 1).trim()]);
  }
  return { fields, error: "" };
}

/** @param {Field[]} fields @returns {string} */
export function fieldLines(fields) {
  return fields.map(([name, value]) => `${name}: ${value}`).join("\n");
}

/** Fields that describe the connection or the body; they are made anew for each request. */
const MADE_ANEW = /^(host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*|via)$/i;

/**
 * The fields of a recorded request to send again: without those that are made anew, and without masked ones.
 * @param {Field[]} fields
 * @returns {{ fields: Field[], masked: string[] }}
 */
export function fieldsToSendAgain(fields) {
  const kept = fields.filter(([name]) => !MADE_ANEW.test(name));
  return {
    fields: kept.filter(([, value]) => value !== MASK),
    masked: kept.filter(([, value]) => value === MASK).map(([name]) => name),
  };
}

/** The fields without the values of credentials. @param {Field[]} fields @returns {Field[]} */
export function withoutCredentials(fields) {
  return fields.filter(([name]) => !CREDENTIAL.test(name));
}

/**
 * The Content-Type that a body seems to have; empty if there is no body.
 * @param {string} body
 * @returns {string}
 */
export function guessedType(body) {
  const start = body.trimStart();
  if (!start) return "";
  if (start.startsWith("{") || start.startsWith("[")) return "application/json";
  return start.startsWith("<") ? "application/xml" : "text/plain; charset=utf-8";
}
