/** Sends a message through the proxy, as a sender would, and shows the answer. */

import { useKeys } from "../keys.js";
import { Empty } from "../parts/empty.js";
import { useCell } from "../state/cell.js";
import { overview } from "../state/model.js";
import { html, useEffect } from "../vendor/htm-preact.js";
import { AnswerView } from "./answer.js";
import { draft, wanted } from "./draft.js";
import { Saved } from "./saved.js";
import { SendForm } from "./send-form.js";
import { cancel, progress, submit } from "./sending.js";

export function SendPage() {
  const known = useCell(overview);
  const form = useCell(draft);
  const { since, answer, failure } = useCell(progress);
  const routes = known?.routes ?? [];
  const isReady = Boolean(known);
  useKeys([{ key: "Escape", does: "Cancel", run: cancel }]);
  useEffect(() => {
    if (!wanted.value || !isReady) return;
    wanted.set(false);
    void submit(draft.value, routes);
  }, [isReady]);
  if (known && !routes.length) {
    return html`<h1>Send</h1>
      <${Empty} title="There is no route"><p>Add one to <code>routes</code> in <code>${known.config}</code>.</p><//>`;
  }
  return html`<h1>Send</h1>
    <div class="send">
      <div class="stack">
        <${SendForm} form=${form} routes=${routes} since=${since} submit=${() => submit(form, routes)} cancel=${cancel} />
        <${Saved} />
      </div>
      <${AnswerView} answer=${answer} failure=${failure} since=${since} />
    </div>`;
}
