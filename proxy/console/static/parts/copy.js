/** A button that copies, and a command with such a button. */

import { copy } from "../text/clipboard.js";
import { html } from "../vendor/htm-preact.js";
import { announce } from "./notice.js";

/**
 * @param {{ text: string | null, label: string, reason?: string, what?: string }} props
 *   `reason`: why there is nothing to copy
 */
export function CopyButton({ text, label, reason = "", what = "Copied" }) {
  const click = async () => announce((await copy(text ?? "")) ? `${what}.` : "The browser does not allow copying.");
  return html`<button type="button" disabled=${text === null} title=${reason} onClick=${click}>${label}</button>`;
}

/** @param {{ text: string }} props */
export function Command({ text }) {
  return html`<div class="command">
    <pre tabindex="0" aria-label="Command"><code>${text}</code></pre>
    <${CopyButton} text=${text} label="Copy" what="Command copied" />
  </div>`;
}
