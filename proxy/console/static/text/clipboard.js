/** Copies text, also where the browser has no Clipboard API (an address that is not secure). */

/**
 * Copies and returns whether it worked.
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** @param {string} text @returns {boolean} */
function copySelected(text) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "visually-hidden";
  area.setAttribute("aria-hidden", "true");
  document.body.append(area);
  area.select();
  // What is selected is copied as it is drawn: without runs of spaces, and with other line ends. So put the text itself.
  const put = (/** @type {ClipboardEvent} */ event) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", put, { once: true });
  const copied = document.execCommand("copy");
  document.removeEventListener("copy", put);
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
