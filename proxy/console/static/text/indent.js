/** Indents JSON and XML without reading their values: numbers, duplicate names and entities stay as they are. */

const STEP = "  ";
const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;
const XML_TOKEN = /<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<!DOCTYPE[^>]*>|<[^>]+>|[^<]+/gs;

/**
 * Returns the text indented, or null if its kind is unknown or it is not well-formed enough.
 * @param {string} text
 * @param {string} mediaType
 * @returns {string | null}
 */
export function indented(text, mediaType) {
  const start = text.trimStart();
  if (/\bjson\b/i.test(mediaType) || start.startsWith("{") || start.startsWith("[")) return indentedJson(text);
  if (/\bxml\b/i.test(mediaType) || (start.startsWith("<") && !/\bhtml\b/i.test(mediaType))) return indentedXml(text);
  return null;
}

/** @param {string} text @returns {string | null} */
export function indentedJson(text) {
  try {
    JSON.parse(text); // only whether it is JSON; a parsed number could have lost digits
  } catch {
    return null;
  }
  const tokens = text.match(JSON_TOKEN) ?? [];
  let [depth, out] = [0, ""];
  const line = () => `\n${STEP.repeat(depth)}`;
  tokens.forEach((token, at) => {
    const next = tokens[at + 1];
    if (token === "{" || token === "[") {
      depth += 1;
      out += token + (next === "}" || next === "]" ? "" : line());
    } else if (token === "}" || token === "]") {
      depth -= 1;
      const before = tokens[at - 1];
      out += (before === "{" || before === "[" ? "" : line()) + token;
    } else if (token === ",") out += token + line();
    else out += token === ":" ? ": " : token;
  });
  return out;
}

/**
 * Elements that hold text beside elements keep it in one line, because white space may matter there.
 * @param {string} text
 * @returns {string | null}
 */
export function indentedXml(text) {
  const tokens = text.trim().match(XML_TOKEN) ?? [];
  if (tokens.join("").length !== text.trim().length) return null;
  const lines = [];
  let [depth, mixed] = [0, -1];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    const closes = token.startsWith("</");
    const opens = /^<[^!?/]/.test(token) && !token.endsWith("/>");
    if (!token.startsWith("<") && !token.trim() && mixed < 0) continue;
    if (closes) depth -= 1;
    if (depth < 0) return null;
    if (mixed >= 0) lines[lines.length - 1] += token;
    else lines.push(STEP.repeat(depth) + token);
    if (closes && depth === mixed) mixed = -1;
    if (opens && mixed < 0 && holdsText(tokens, at + 1)) mixed = depth;
    if (opens) depth += 1;
  }
  return depth === 0 ? lines.join("\n") : null;
}

/** Whether the element that was just opened has text of its own. @param {string[]} tokens @param {number} from @returns {boolean} */
function holdsText(tokens, from) {
  const first = tokens[from] ?? "";
  if (first.startsWith("</") || first.startsWith("<![CDATA[")) return true;
  if (!first.startsWith("<")) return first.trim() !== "" || (tokens[from + 1] ?? "").startsWith("</");
  return false;
}
