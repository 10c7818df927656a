/** Text from outside, with everything made visible that a reader would not see or that would mislead. */

/**
 * Control characters except tab and line feed, and all that reorders text, has no width or hides.
 * U+0000 to U+001F, U+007F to U+009F, soft hyphen, Arabic letter mark, Hangul and Mongolian fillers, U+200B to U+200F,
 * U+2028 to U+202E, U+2060 to U+206F, byte order mark, interlinear annotations, tags, lone surrogates.
 */
const UNSEEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f" +
    "\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\u{e0000}-\\u{e0fff}\\ud800-\\udfff]",
  "gu",
);

/**
 * Returns the text with such characters replaced: ␀ for U+0000, ⟨U+202E⟩ for a bidirectional override.
 * @param {unknown} text
 * @returns {string}
 */
export function visible(text) {
  return String(text ?? "").replace(UNSEEN, picture);
}

/** As `visible`, for text of one line: tabs and line ends are shown too. @param {unknown} text @returns {string} */
export function visibleLine(text) {
  return visible(text).replace(/[\t\n]/g, picture);
}

/** As `visible`, for a body: CR LF ends a line as LF does. @param {string} text @returns {string} */
export function visibleBody(text) {
  return visible(text.replaceAll("\r\n", "\n"));
}

/** @param {string} character @returns {string} */
function picture(character) {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}
