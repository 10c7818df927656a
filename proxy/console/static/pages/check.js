/** Checks a route step by step, and shows each step as it ends. */

import { Failure } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { lines, reasonOf } from "../state/api.js";
import { counted } from "../text/units.js";
import { visible, visibleLine } from "../text/visible.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

/** @import { CheckStep } from "../types.js" */

/** @type {Record<string, string>} */
const ICONS = { ok: "good", warning: "warn", failed: "bad", skipped: "skip" };

/** @param {{ route: string, describedBy: string }} props */
export function Check({ route, describedBy }) {
  const [steps, setSteps] = useState(/** @type {CheckStep[]} */ ([]));
  const [state, setState] = useState(""); // "", "running", "done"
  const [failure, setFailure] = useState("");
  const running = useRef(/** @type {AbortController | null} */ (null));
  useEffect(() => () => running.current?.abort(), []);
  const run = async () => {
    running.current?.abort();
    const { signal } = (running.current = new AbortController());
    setSteps([]);
    setFailure("");
    setState("running");
    try {
      for await (const step of lines(`api/routes/${encodeURIComponent(route)}/check`, signal)) {
        if (!step.done) setSteps((before) => [...before, step]);
      }
    } catch (error) {
      if (signal.aborted) return;
      setFailure(reasonOf(error));
    }
    setState("done");
  };
  return html`<div class="check">
    <div class="tools">
      <button type="button" aria-describedby=${describedBy} aria-busy=${state === "running"} onClick=${run}>Check</button>
      <span class="muted" role="status">${verdict(state, steps, failure)}</span>
    </div>
    <${Failure} text=${visible(failure)} />
    ${steps.length > 0 &&
    html`<ol class="steps">
      ${steps.map(
        (step, at) => html`<li key=${at} class=${ICONS[step.result]}>
          <${Icon} name=${ICONS[step.result] ?? "note"} />
          <div class="wrap">
            <b>${visibleLine(step.name)}</b> <span class="muted">${visibleLine(step.group)}</span> <span class="tag">${step.result}</span>
            ${step.detail && html`<p>${visible(step.detail)}</p>`}
            ${step.advice && html`<p><b>What to do:</b> ${visible(step.advice)}</p>`}
          </div>
        </li>`,
      )}
    </ol>`}
  </div>`;
}

/** @param {string} state @param {CheckStep[]} steps @param {string} failure @returns {string} */
function verdict(state, steps, failure) {
  if (!state) return "Tries the whole way to the tenant; no message is sent.";
  if (state === "running") return `Step ${steps.length + 1} is running.`;
  if (failure) return "";
  const failed = steps.filter((each) => each.result === "failed").map((each) => visibleLine(each.name));
  const warnings = steps.filter((each) => each.result === "warning").length;
  return failed.length ? `Failed: ${failed.join(", ")}.` : warnings ? `It works, with ${counted(warnings, "warning")}.` : "All is well.";
}
