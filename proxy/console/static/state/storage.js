/** What this browser keeps; it works without, if the browser keeps nothing. */

const PREFIX = "cpi-oauth-proxy.";

/**
 * Returns what was kept, or the default.
 * @template T
 * @param {string} name
 * @param {T} otherwise
 * @returns {T}
 */
export function stored(name, otherwise) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** Keeps a value, if there is room. @param {string} name @param {unknown} value @returns {boolean} */
export function store(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
