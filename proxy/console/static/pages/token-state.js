/** What the state of a token means, at a moment. */

import { countdown } from "../text/units.js";

/** @import { Client } from "../types.js" */

/** The state at this moment: the proxy tells changes, but time passes without one. @param {Client} client @param {number} now */
export function stateAt({ state, fresh_until: fresh, expires_at: end }, now) {
  if (state !== "fresh" && state !== "stale") return state;
  if (end !== null && now >= end) return "expired";
  return fresh !== null && now >= fresh ? "stale" : state;
}

/**
 * Returns the state in words.
 * @param {Client} client
 * @param {number} now
 * @returns {{ tone: string, title: string, text: string }}
 */
export function tokenWords(client, now) {
  const left = client.expires_at === null ? "it does not expire" : `it expires in ${countdown(client.expires_at - now)}`;
  switch (stateAt(client, now)) {
    case "fresh": {
      const renewal = client.fresh_until === null ? "" : `for another ${countdown(client.fresh_until - now)}`;
      return { tone: "good", title: "Fresh", text: [renewal, left].filter(Boolean).join("; ") };
    }
    case "stale":
      return { tone: "warn", title: "Stale", text: `still used, renewed in the background with the next message; ${left}` };
    case "expired":
      return { tone: "note", title: "Expired", text: "renewed when needed, before the next message" };
    case "blocked": {
      const until = client.failure?.until;
      const wait = until && until > now ? `; the next try is possible in ${countdown(until - now)}` : "";
      return { tone: "bad", title: "Blocked", text: `there is no token, because the last grant failed${wait}` };
    }
    default:
      return { tone: "note", title: "No token yet", text: "the first message, or Renew, gets one" };
  }
}
