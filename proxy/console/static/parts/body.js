/** A body: indented or as it was received, or to be saved if it is binary. */

import { indented } from "../text/indent.js";
import { counted, size } from "../text/units.js";
import { visibleBody, visibleLine } from "../text/visible.js";
import { html, useMemo, useState } from "../vendor/htm-preact.js";
import { CopyButton } from "./copy.js";

/** @import { Body } from "../types.js" */

/** @param {{ body: Body, label: string, children?: unknown }} props */
export function BodyView({ body, label, children }) {
  const [raw, setRaw] = useState(false);
  const text = body.text ?? "";
  const pretty = useMemo(() => indented(text, body.media_type), [text, body.media_type]);
  if (!body.size) return html`<p class="muted">No body.</p>`;
  const shown = raw || pretty === null ? text : pretty;
  return html`<div class="body">
    <div class="tools">
      <span class="muted grow">
        ${[visibleLine(body.media_type), size(body.size), body.kept < body.size && `the first ${size(body.kept)} were kept`]
          .filter(Boolean)
          .join(", ")}
      </span>
      ${pretty !== null &&
      html`<button type="button" aria-pressed=${!raw} onClick=${() => setRaw(!raw)}>Indented</button>`}
      ${body.text !== null && html`<${CopyButton} text=${text} label="Copy body" what="Body copied" />`}
      ${body.download && html`<a class="button" href=${body.download} download>Save</a>`}
    </div>
    ${body.text === null
      ? html`<p class="muted">${counted(body.size, "byte")} that are not text. Save the body to look at it.</p>`
      : html`<pre class="content" tabindex="0" aria-label=${label}>${visibleBody(shown)}</pre>`}
    ${children}
  </div>`;
}
