/** The proxy's time, as far as the browser's clock can tell it, and what moves with it. */

import { useEffect, useState } from "../vendor/htm-preact.js";

let offset = 0;

/** Notes what time it is for the proxy. @param {number} now Unix seconds */
export function noteServerTime(now) {
  offset = now - Date.now() / 1000;
}

/** The proxy's present time in Unix seconds. @returns {number} */
export function serverNow() {
  return Date.now() / 1000 + offset;
}

/**
 * Returns the present time and renders the component again each `period` seconds, unless the page is hidden.
 * @param {boolean} [moves] whether it needs to
 * @param {number} [period]
 * @returns {number}
 */
export function useNow(moves = true, period = 1) {
  const [, draw] = useState(0);
  useEffect(() => {
    if (!moves) return undefined;
    const timer = setInterval(() => document.hidden || draw((count) => count + 1), period * 1000);
    return () => clearInterval(timer);
  }, [moves, period]);
  return serverNow();
}
