/** What happened in an exchange, told in sentences. */

/** @import { Exchange, Outcome, Summary } from "../types.js" */

import { statusClass } from "./status.js";
import { duration } from "./units.js";

/** @typedef {{ title: string, text: string }} Step */

/** Why a message was sent again, by the word that the log has. @type {Record<string, Step>} */
const REPLAYS = {
  fetch_csrf: {
    title: "CSRF handshake",
    text:
      "The flow is CSRF protected. It refused the message with 403 and X-CSRF-Token: Required, before it ran. " +
      "The proxy fetched a CSRF token with the cookies of its session, and sent the message again with both. " +
      "The sender needs to do nothing for this.",
  },
  fetch_csrf_for_next: {
    title: "CSRF token for the next message",
    text:
      "The flow is CSRF protected, and refused the message. Its body was too large to be kept, so the proxy could not " +
      "send it again. It fetched a CSRF token for the next message: let the sender send again.",
  },
  renew_token: {
    title: "New access token",
    text:
      "The tenant refused the access token with 401, before a flow ran. The proxy got a new token and sent the message " +
      "again.",
  },
  reconnect: {
    title: "New connection",
    text:
      "The tenant had closed the connection. The message had not arrived there, or its method may be repeated, so the " +
      "proxy sent it again over a new connection.",
  },
};

/** Why a message was sent again, in two words. @type {Record<string, string>} */
export const REPLAY_NAMES = {
  fetch_csrf: "CSRF handshake",
  renew_token: "new token",
  reconnect: "new connection",
};

/** Where the token was from, by the word that the log has. @type {Record<string, string>} */
const TOKENS = {
  cached: "The proxy had a valid access token from an earlier message.",
  granted: "The proxy had no valid access token, so it got one first.",
  renewed: "The access token was renewed.",
};

/** Who made the answer, for the end of a sentence. @type {Record<string, string>} */
const MAKERS = { upstream: "by the tenant", proxy: "by the proxy itself", outbox: "by the outbox" };

/** The phases in words. @type {Record<string, string>} */
export const PHASES = {
  token: "waiting for an access token",
  connect: "connecting to the tenant",
  "first byte": "sending, until the answer began",
  relay: "relaying the rest of the answer",
  waiting: "all else, above all collecting the body and waiting for a slot",
};

/**
 * Returns the steps of an exchange, in order.
 * @param {Outcome & Partial<Exchange>} exchange
 * @returns {Step[]}
 */
export function story(exchange) {
  const steps = [received(exchange)];
  if (exchange.token) steps.push(tokenStep(exchange));
  for (const each of exchange.replays) {
    const told = exchange.attempts_list?.find(({ reason }) => reason === each)?.text;
    steps.push(REPLAYS[each] ?? { title: "Sent again", text: told ?? `The proxy sent the message again: ${each}.` });
  }
  steps.push(answered(exchange));
  return steps;
}

/** Methods that need no CSRF token. */
const SAFE = ["GET", "HEAD", "OPTIONS"];

/**
 * Returns the earlier exchange whose CSRF handshake spared this one its own, if it is among those that are listed.
 * @param {Outcome & Partial<Exchange>} exchange
 * @param {Summary[]} listed newest first
 * @returns {Summary | undefined}
 */
export function handshakeBefore({ id, route, path, method = "", at = 0, status, replays, made_by: maker }, listed) {
  if (SAFE.includes(method) || maker !== "upstream" || statusClass(status) !== 2 || replays.includes("fetch_csrf")) return undefined;
  return listed.find(
    (each) =>
      each.id !== id && each.at < at && each.route === route && each.path === path && each.replays.includes("fetch_csrf"),
  );
}

/** @param {Outcome & Partial<Exchange>} exchange @returns {Step} */
function received({ sender, route, oauth_client: client, upstream }) {
  const from = { console: "This console", "": "A sender on a Unix socket" }[sender ?? "console"] ?? sender;
  if (route === "") {
    return { title: "Received", text: `${from} sent a request that matches no route. Nothing was sent to the tenant.` };
  }
  const as = client ? ` as OAuth client ${client}` : "";
  const to = upstream ? `It went to ${upstream}${as}.` : "It was not sent to the tenant.";
  return { title: "Received", text: `${from} sent it${route ? ` to the route ${route}` : ""}. ${to}` };
}

/** @param {Outcome} exchange @returns {Step} */
function tokenStep({ token, phases }) {
  const waited = phases.find((each) => each.name === "token")?.seconds ?? 0;
  const time = waited >= 0.0001 ? ` This took ${duration(waited)}.` : "";
  return { title: "Access token", text: (TOKENS[token] ?? `Access token: ${token}.`) + time };
}

/** @param {Outcome} exchange @returns {Step} */
function answered({ status, made_by: maker, seconds }) {
  if (maker === "sender") {
    return { title: "Sender left", text: `The sender closed its connection after ${duration(seconds)}, before its answer.` };
  }
  const by = MAKERS[maker] ?? `by ${maker}`;
  return { title: "Answered", text: `The answer ${status} was made ${by}, after ${duration(seconds)}.` };
}
