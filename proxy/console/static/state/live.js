/** Keeps the model up to date by server-sent events, and connects again when the stream ends. */

import { Problem, ask } from "./api.js";
import { noteServerTime } from "./clock.js";
import * as model from "./model.js";

/** @import { Overview, Summary } from "../types.js" */

/** Seconds before the next try, after each failure; the last repeats. */
const WAITS = [1, 2, 4, 8, 15];

/** Seconds without more left out. */
const CALM = 2;

let failures = 0;
/** What the last event said was left out. @type {number | null} */
let leftOut = null;
let gapTimer = 0;
/** @type {EventSource | null} */
let stream = null;
let timer = 0;

/** Asks for everything once, then follows the events. */
export async function connect() {
  stream?.close();
  clearTimeout(timer);
  try {
    await loadAll();
  } catch (error) {
    if (model.connection.value !== "signed out") retry(error instanceof Problem && error.status === 429);
    return;
  }
  listen();
}

/** Tries again when somebody comes back to a page that is signed out: another one may have signed in. */
export function followAttention() {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && model.connection.value === "signed out") void connect();
  });
}

/** Asks for the routes and their connections, of which no event tells. @returns {Promise<Overview>} */
export async function loadOverview() {
  const state = await ask("GET", "api/state");
  noteServerTime(state.now);
  model.overview.set(state);
  model.recordings.set(state.recordings);
  return state;
}

/** Asks for all that the pages show. */
async function loadAll() {
  const [state, traffic, clients] = await Promise.all([
    loadOverview(),
    ask("GET", "api/traffic"),
    ask("GET", "api/clients"),
  ]);
  const known = model.traffic.value?.exchanges ?? [];
  const restarted = known.length > 0 && known[0].at < state.started_at;
  const exchanges = restarted ? traffic.exchanges : model.merged(known, traffic.exchanges);
  model.traffic.set({ exchanges, total: traffic.exchanges.length + traffic.dropped });
  model.clients.set(clients.clients);
  model.sandbox.set(state.pages.sandbox ? await ask("GET", "api/sandbox") : null);
  model.outboxChanges.set(model.outboxChanges.value + 1);
}

/** Opens the stream of events. */
function listen() {
  leftOut = null;
  const source = (stream = new EventSource("api/events"));
  source.onopen = () => {
    failures = 0;
    model.connection.set("live");
  };
  source.onerror = () => {
    source.close(); // the browser's own retry would miss what happened meanwhile
    void lost();
  };
  /** @param {string} name @param {(data: any) => void} apply */
  const on = (name, apply) => source.addEventListener(name, (event) => apply(JSON.parse(event.data)));
  on("traffic", noteTraffic);
  on("clients", (data) => model.clients.set(model.withChanged(model.clients.value ?? [], data.clients)));
  on("recordings", (data) => model.recordings.set(data.recordings));
  on("sandbox", (data) => model.sandbox.set(data));
  on("outbox", () => model.outboxChanges.set(model.outboxChanges.value + 1));
}

/**
 * Adds exchanges. When too many end at once the stream leaves some out; they are asked for when it is calmer.
 * @param {{ exchanges: Summary[], dropped: number }} event
 */
function noteTraffic({ exchanges, dropped }) {
  const known = model.traffic.value ?? { exchanges: [], total: 0 };
  const missed = leftOut === null ? 0 : dropped - leftOut;
  leftOut = dropped;
  model.traffic.set({
    exchanges: model.merged(known.exchanges, exchanges),
    total: known.total + exchanges.length + missed,
  });
  if (!missed) return;
  clearTimeout(gapTimer);
  gapTimer = setTimeout(() => void fillGaps().catch(() => {}), CALM * 1000); // a lost connection asks for all anyway
}

/** Asks for the list. */
async function fillGaps() {
  const { exchanges, dropped } = await ask("GET", "api/traffic");
  model.traffic.set({
    exchanges: model.merged(model.traffic.value?.exchanges ?? [], exchanges),
    total: exchanges.length + dropped,
  });
}

/** Finds out why the stream ended: signed out, too many pages, or no proxy. */
async function lost() {
  model.connection.set("lost");
  try {
    await ask("GET", "api/state");
    retry(failures > 0); // the API answers, but the stream is refused again and again
  } catch {
    if (/** @type {string} */ (model.connection.value) !== "signed out") retry(false);
  }
}

/** @param {boolean} busy whether the proxy has too many streams */
function retry(busy) {
  model.connection.set(busy ? "busy" : "lost");
  const wait = WAITS[Math.min(failures, WAITS.length - 1)];
  failures += 1;
  timer = setTimeout(connect, wait * 1000);
}
