/** The answer to what the Send page has sent. */

import { BodyView } from "../parts/body.js";
import { CopyButton } from "../parts/copy.js";
import { Failure } from "../parts/empty.js";
import { Facts, FieldTable } from "../parts/fields.js";
import { Diagnosis, Story } from "../parts/outcome.js";
import { Phases } from "../parts/phases.js";
import { StatusLine } from "../parts/status.js";
import { addressOf } from "../state/hash.js";
import { size } from "../text/units.js";
import { visibleLine } from "../text/visible.js";
import { html, useEffect, useRef } from "../vendor/htm-preact.js";

/** @import { Answer } from "../types.js" */

/** @param {{ answer: Answer | null, failure: string, since: number }} props */
export function AnswerView({ answer, failure, since }) {
  const section = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if ((answer || failure) && matchMedia("(max-width: 60rem)").matches) section.current?.scrollIntoView();
  }, [answer, failure]);
  return html`<section class="card answer" ref=${section} aria-labelledby="answer-title" aria-busy=${since > 0}>
    <h2 id="answer-title">Answer</h2>
    <${Failure} text=${failure} />
    ${answer
      ? html`<${Contents} answer=${answer} />`
      : !failure && html`<p class="muted">${since ? "Waiting for the answer." : "The answer to your message appears here."}</p>`}
  </section>`;
}

/** @param {{ answer: Answer }} props */
function Contents({ answer }) {
  const { status, made_by, phases, seconds, replays, fields, body, upstream, mpl_id, truncated, id } = answer;
  const shown = { ...body, download: answer.download || body.download };
  const fieldTable = html`<h3>Fields</h3>
    <${FieldTable} fields=${fields} label="Fields of the answer" />`;
  return html`<p role="status"><${StatusLine} status=${status} by=${made_by} /></p>
    <${Diagnosis} outcome=${answer} />
    <h3>Body</h3>
    <${BodyView} body=${shown} label="Body of the answer">
      ${answer.whole === false && html`<p class="callout bad">The answer was cut: the connection was closed before its end.</p>`}
      ${truncated && html`<p class="muted">The first ${size(body.kept)} are shown. Save the body to have all of it.</p>`}
    <//>
    ${!body.size && fieldTable}
    <h3>What happened</h3>
    <${Story} outcome=${answer} />
    <h3>Phases</h3>
    <${Phases} phases=${phases} seconds=${seconds} attempts=${replays.length + 1} />
    <h3>Facts</h3>
    <${Facts} label="Facts" facts=${[
      ["Upstream URL", upstream],
      ["MPL id", mpl_id && html`<code class="wrap">${visibleLine(mpl_id)}</code>${" "}<${CopyButton} text=${mpl_id} label="Copy MPL id" what="MPL id copied" />`],
      ["In Traffic", id && html`<a href=${addressOf("traffic", id)}>Open this exchange</a>`],
    ]} />
    ${body.size > 0 && fieldTable}`;
}
