/** The stand-in tenant: faults to switch on, and the messages that it got. */

import { Command } from "../parts/copy.js";
import { Empty } from "../parts/empty.js";
import { StatusCode } from "../parts/status.js";
import { Switch } from "../parts/switch.js";
import { ask } from "../state/api.js";
import { useCell } from "../state/cell.js";
import { addressOf } from "../state/hash.js";
import { overview, sandbox } from "../state/model.js";
import { clockTime, counted, seconds, size } from "../text/units.js";
import { visibleLine } from "../text/visible.js";
import { Wide } from "../parts/wide.js";
import { html, useEffect } from "../vendor/htm-preact.js";

/** @import { Fault } from "../types.js" */

/** The parts of the stand-in tenant, by the beginning of a fault's name. @type {Record<string, { title: string, about: string }>} */
const PARTS = {
  runtime: { title: "Runtime node", about: "Runs the flows. Its faults strike the next message." },
  neo: { title: "Authorization server, Neo", about: "Grants the tokens of the route /http." },
  xsuaa: { title: "Authorization server, BTP", about: "Grants the tokens of the route /btp." },
};

export function SandboxPage() {
  const isThere = useCell(overview)?.pages.sandbox;
  const known = useCell(sandbox);
  useEffect(() => {
    if (isThere) void load();
  }, [isThere]);
  if (isThere === false) {
    return html`<h1>Sandbox</h1>
      <${Empty} title="No sandbox runs here">
        <p>A stand-in tenant with a proxy in front of it, to try things out:</p>
        <${Command} text="cpi-oauth-proxy sandbox --proxy config/sandbox.yaml" />
      <//>`;
  }
  const on = known?.faults.filter((each) => each.on) ?? [];
  return html`<h1>Sandbox</h1>
    <div class="tools">
      <p class="grow">Switch on a fault, <a href=${addressOf("send")}>try SAP's example</a> again, and
        ${" "}<a href=${addressOf("traffic")}>read what it means</a> on the page Traffic.</p>
      <span class="muted">${on.length ? `On: ${on.map((each) => each.name).join(", ")}` : "All faults are off."}</span>
      <button type="button" disabled=${!on.length} onClick=${() => put(Object.fromEntries(on.map((each) => [each.name, false])))}>All off</button>
    </div>
    <div class="cards">${known && grouped(known.faults).map(([part, faults]) => html`<${Part} key=${part} part=${part} faults=${faults} />`)}</div>
    ${known && html`<h2>Messages</h2><${Messages} messages=${known.messages} />`}`;
}

/** @param {{ part: string, faults: Fault[] }} props */
function Part({ part, faults }) {
  const id = `part-${part}`;
  const { title, about } = PARTS[part] ?? { title: visibleLine(part), about: "" };
  return html`<section class="card" aria-labelledby=${id}>
    <h2 id=${id}>${title}</h2>
    <p class="muted">${about}${part !== "runtime" && html` A token is used until it expires, so a fault shows when the next one is
      needed: <a href=${addressOf("clients")}>press Renew</a> on the page OAuth clients.`}</p>
    <ul class="faults">
      ${faults.map(
        ({ name, description, on, value, struck }) => html`<li key=${name} class=${on ? "on" : ""}>
          <${Switch} name=${name} on=${on} describedBy=${`about-${name}`} change=${(/** @type {boolean} */ wanted) => put({ [name]: wanted })} />
          <p id=${`about-${name}`} class="muted wrap">${visibleLine(description)}${on && value !== null && value !== undefined ? ` The value is ${visibleLine(value)}.` : ""}${struck ? ` It struck ${counted(struck, "time")}.` : ""}</p>
        </li>`,
      )}
    </ul>
  </section>`;
}

/** @param {{ messages: Record<string, unknown>[] }} props */
function Messages({ messages }) {
  if (!messages.length) return html`<p class="muted">The stand-in tenant has not received a message yet.</p>`;
  const known = ["at", "flow", "status", "bytes"];
  const more = [...new Set(messages.flatMap(Object.keys))].filter((each) => !known.includes(each));
  return html`<${Wide} label="Messages"><table aria-label="Messages">
    <thead><tr>${["time", "flow", "status", "bytes", ...more].map((each) => html`<th key=${each} scope="col">${each.replaceAll("_", " ")}</th>`)}</tr></thead>
    <tbody>
      ${messages.map(
        (each, at) => html`<tr key=${at}>
          <td class="time">${clockTime(seconds(/** @type {number} */ (each.at)))}</td>
          <td class="wrap">${visibleLine(each.flow)}</td>
          <td>${typeof each.status === "number" ? html`<${StatusCode} status=${each.status} />` : ""}</td>
          <td class="number">${typeof each.bytes === "number" ? size(each.bytes) : ""}</td>
          ${more.map((name) => html`<td key=${name} class="wrap">${visibleLine(plain(each[name]))}</td>`)}
        </tr>`,
      )}
    </tbody>
  </table><//>`;
}

/** @param {unknown} value @returns {unknown} */
function plain(value) {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}

/** Switches faults. @param {Record<string, boolean>} wanted */
async function put(wanted) {
  sandbox.set(await ask("PUT", "api/sandbox/faults", { json: wanted }));
}

async function load() {
  sandbox.set(await ask("GET", "api/sandbox"));
}

/** @param {Fault[]} faults @returns {[string, Fault[]][]} */
function grouped(faults) {
  /** @type {Map<string, Fault[]>} */
  const parts = new Map(Object.keys(PARTS).map((part) => [part, []]));
  for (const each of faults) {
    const part = each.name.split(".")[0];
    parts.set(part, [...(parts.get(part) ?? []), each]);
  }
  return [...parts].filter(([, found]) => found.length > 0);
}
