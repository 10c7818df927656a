/** What a status code means, and how it counts. */

/** @type {Record<number, string>} */
const REASONS = {
  200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found", 303: "See Other",
  304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
  403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict",
  411: "Length Required", 413: "Content Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Content",
  429: "Too Many Requests", 431: "Fields Too Large", 499: "Sender left", 500: "Internal Server Error",
  501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 508: "Loop Detected",
};

/** The reason phrase, or the class. @param {number} status @returns {string} */
export function reason(status) {
  return REASONS[status] ?? { 2: "Success", 3: "Redirection", 4: "Client error", 5: "Server error" }[statusClass(status)] ?? "";
}

/** The first digit. @param {number} status @returns {number} */
export function statusClass(status) {
  return Math.floor(status / 100);
}

/** `good`, `note` or `bad`: the colour beside the text. @param {number} status @returns {string} */
export function toneOf(status) {
  const first = statusClass(status);
  if (first === 2) return "good";
  return first === 4 ? "warn" : first >= 5 || first === 0 ? "bad" : "note";
}
