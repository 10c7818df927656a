/** The details of one exchange: how it went, what that means, what was sent, and sending it again. */

import { BodyView } from "../parts/body.js";
import { CopyButton } from "../parts/copy.js";
import { Failure } from "../parts/empty.js";
import { Facts, FieldTable } from "../parts/fields.js";
import { Diagnosis, Story } from "../parts/outcome.js";
import { Phases } from "../parts/phases.js";
import { StatusLine } from "../parts/status.js";
import { ask, Problem, reasonOf } from "../state/api.js";
import { dateTime, size } from "../text/units.js";
import { visible, visibleLine } from "../text/visible.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { sendAgain } from "./send-again.js";

/** @import { Exchange } from "../types.js" */

/** @param {{ id: string, close: () => void }} props */
export function ExchangeDetails({ id, close }) {
  const [exchange, setExchange] = useState(/** @type {Exchange | null} */ (null));
  const [failure, setFailure] = useState("");
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    let wanted = true;
    ask("GET", `api/traffic/${encodeURIComponent(id)}`).then(
      (found) => wanted && setExchange(found),
      (error) => wanted && setFailure(error instanceof Problem && error.status === 404 ? GONE : reasonOf(error)),
    );
    if (!document.activeElement?.closest("tr")) title.current?.focus({ preventScroll: true });
    return () => void (wanted = false);
  }, [id]);
  return html`<section class="details" aria-labelledby="details-title">
    <div class="details-head">
      <h2 id="details-title" ref=${title} tabindex="-1">${exchange ? html`${visibleLine(exchange.method)} ${visibleLine(exchange.path)}` : "Exchange"}</h2>
      <button type="button" onClick=${close}>Close</button>
    </div>
    <${Failure} text=${failure} />
    ${exchange && html`<${Contents} exchange=${exchange} />`}
  </section>`;
}

const GONE = "This exchange is no longer kept. The proxy keeps the last 500.";

/** @param {{ exchange: Exchange }} props */
function Contents({ exchange }) {
  const { status, made_by, seconds, phases, attempts, request, response } = exchange;
  return html`<p><${StatusLine} status=${status} by=${made_by} /></p>
    <${Actions} exchange=${exchange} />
    <${Diagnosis} outcome=${exchange} />
    <h3>What happened</h3>
    <${Story} outcome=${exchange} />
    <h3>Phases</h3>
    <${Phases} phases=${phases} seconds=${seconds} attempts=${attempts} />
    <h3>Facts</h3>
    <${Facts} label="Facts" facts=${factsOf(exchange)} />
    ${request && html`<h3>Request</h3>
      <${FieldTable} fields=${request.fields} label="Fields of the request" />
      <${BodyView} body=${request.body} label="Body of the request" />`}
    ${response && html`<h3>Answer</h3>
      <${FieldTable} fields=${response.fields} label="Fields of the answer" />
      <${BodyView} body=${response.body} label="Body of the answer" />`}
    ${!request && !response && html`<p class="muted">Fields and bodies were not recorded. Switch on
      ${exchange.route ? ` Record ${visible(exchange.route)} ` : " Record "}above the table before the next message.</p>`}`;
}

/** @param {{ exchange: Exchange }} props */
function Actions({ exchange }) {
  const { curl, curl_reason, send_again, send_again_reason } = exchange;
  const reasons = [...new Set([curl === null && curl_reason, !send_again && send_again_reason].filter(Boolean))];
  return html`<div class="tools">
    <button type="button" disabled=${!send_again} aria-describedby="action-reason" onClick=${() => sendAgain(exchange, true)}>Send again</button>
    <button type="button" disabled=${!send_again} aria-describedby="action-reason" onClick=${() => sendAgain(exchange, false)}>Change first</button>
    <${CopyButton} text=${curl} label="Copy as curl" reason=${curl_reason} what="curl command copied" />
    ${reasons.length > 0 && html`<p id="action-reason" class="muted wrap">${visible(reasons.join(" "))}</p>`}
  </div>`;
}

/** @param {Exchange} exchange @returns {[string, unknown][]} */
function factsOf(exchange) {
  const { query, upstream_status: upstreamStatus, status } = exchange;
  return [
    ["Time", dateTime(exchange.at)],
    ["Sender", exchange.sender],
    ["User", exchange.user],
    ["Client certificate", exchange.client_certificate],
    ["Query", query],
    ["Route", exchange.route],
    ["OAuth client", exchange.oauth_client],
    ["Upstream URL", exchange.upstream],
    ["Upstream status", upstreamStatus && upstreamStatus !== status ? upstreamStatus : ""],
    ["Attempts", exchange.attempts || ""],
    ["MPL id", exchange.mpl_id && html`<code class="wrap">${visibleLine(exchange.mpl_id)}</code>${" "}<${CopyButton} text=${exchange.mpl_id} label="Copy MPL id" what="MPL id copied" />`],
    ["Correlation id", exchange.correlation_id],
    ["Body sizes", `${size(exchange.bytes_in)} sent, ${size(exchange.bytes_out)} received`],
  ];
}
