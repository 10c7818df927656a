/** One OAuth client. */

import { Failure } from "../parts/empty.js";
import { Facts } from "../parts/fields.js";
import { Icon } from "../parts/icon.js";
import { announce } from "../parts/notice.js";
import { ask, reasonOf } from "../state/api.js";
import { clients, withChanged } from "../state/model.js";
import { age, countdown, dateTime } from "../text/units.js";
import { visible, visibleLine } from "../text/visible.js";
import { html, useState } from "../vendor/htm-preact.js";
import { TokenClock } from "./token-clock.js";
import { tokenWords } from "./token-state.js";

/** @import { Certificate, Client } from "../types.js" */

/** @param {{ client: Client, now: number }} props */
export function ClientCard({ client, now }) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState("");
  const { tone, title, text } = tokenWords(client, now);
  const id = `client-${client.name}`;
  const renew = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const changed = await ask("POST", `api/clients/${encodeURIComponent(client.name)}/renew`);
      clients.set(withChanged(clients.value ?? [], [changed]));
      setFailure("");
      announce(`${client.name} has a new token.`);
    } catch (error) {
      setFailure(reasonOf(error));
    } finally {
      setBusy(false);
    }
  };
  return html`<section class="card" aria-labelledby=${id}>
    <div class="tools">
      <h2 id=${id} class="grow wrap">${visibleLine(client.name)}</h2>
      <button type="button" aria-busy=${busy} aria-describedby=${id} onClick=${renew}>Renew</button>
    </div>
    <p class=${`state ${tone}`}><${Icon} name=${tone} /> <b>${title}</b> ${text}</p>
    <${TokenClock} client=${client} now=${now} />
    <${Failure} text=${visible(failure)} />
    ${client.failure && !failure && html`<${LastFailure} failure=${client.failure} now=${now} />`}
    <${Facts} label="OAuth client" facts=${factsOf(client, now)} />
    ${client.claims && html`<details><summary>Claims of the token</summary>
      <${Facts} label="Claims" facts=${Object.entries(client.claims).map(([name, value]) => [visibleLine(name), claimText(name, value)])} />
      <p class="muted">Without the signature; the token itself never leaves the proxy.</p>
    </details>`}
    ${client.certificates.length > 0 && html`<h3>Certificates</h3><${Certificates} certificates=${client.certificates} now=${now} />`}
  </section>`;
}

/** @param {{ failure: NonNullable<Client["failure"]>, now: number }} props */
function LastFailure({ failure, now }) {
  const { at, code, detail, what_to_do: advice, until } = failure;
  return html`<div class="callout bad">
    <h3><${Icon} name="bad" /> Last failure <code>${visibleLine(code)}</code></h3>
    <p class="wrap">${visible(detail)}</p>
    ${advice && html`<p class="wrap"><b>What to do:</b> ${visible(advice)}</p>`}
    <p class="muted">${age(now - at)} ago${until && until > now ? `; the next try in ${countdown(until - now)}` : ""}</p>
  </div>`;
}

/** @param {Client} client @param {number} now @returns {[string, unknown][]} */
function factsOf({ provider, token_url: url, client_id: id, auth_method: method, obtained_at: obtained }, now) {
  return [
    ["Provider", provider],
    ["Token URL", url],
    ["Client id", id],
    ["Authentication", method],
    ["Obtained", obtained && `${dateTime(obtained)}, ${age(now - obtained)} ago`],
  ];
}

/** @param {string} name @param {unknown} value @returns {string} */
function claimText(name, value) {
  if (["exp", "iat", "nbf", "auth_time"].includes(name) && typeof value === "number") return `${dateTime(value)} (${value})`;
  if (Array.isArray(value)) return value.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** @param {{ certificates: Certificate[], now: number }} props */
function Certificates({ certificates, now }) {
  return html`<ul class="certificates">
    ${certificates.map(({ file, subject, ends_at: end }) => {
      const left = end - now;
      const tone = left < 0 ? "bad" : left < 30 * 86400 ? "warn" : "good";
      return html`<li key=${file} class="wrap">${visibleLine(subject)}
        <p class=${`state ${tone}`}><${Icon} name=${tone} /> ${left < 0 ? "Expired on" : "Valid until"} ${dateTime(end)}${left < 0 ? "" : `, ${countdown(left)} left`}</p>
        <p class="muted">${visibleLine(file)}</p>
      </li>`;
    })}
  </ul>`;
}
