/** Times, durations and sizes as people read them. */

const two = (/** @type {number} */ number) => String(Math.floor(number)).padStart(2, "0");

/** Returns the Unix seconds of a time that may be RFC 3339. @param {number | string} at @returns {number} */
export function seconds(at) {
  return typeof at === "number" ? at : Date.parse(at) / 1000;
}

/** `21:03:04`, local time. @param {number} at Unix seconds @returns {string} */
export function clockTime(at) {
  const date = new Date(at * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `.120`, what follows the seconds. @param {number} at Unix seconds @returns {string} */
export function milliseconds(at) {
  return `.${String(new Date(at * 1000).getMilliseconds()).padStart(3, "0")}`;
}

/** `2026-03-01 21:03:04`, local time. @param {number | string} at @returns {string} */
export function dateTime(at) {
  const date = new Date(seconds(at) * 1000);
  if (Number.isNaN(date.getTime())) return String(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `15.7 ms`, `1.24 s`, `2 min 5 s`. @param {number} time seconds @returns {string} */
export function duration(time) {
  if (time < 0.0001) return "0 ms";
  if (time < 0.1) return `${(time * 1000).toFixed(1)} ms`;
  if (time < 1) return `${Math.round(time * 1000)} ms`;
  if (time < 60) return `${time.toFixed(2)} s`;
  return `${Math.floor(time / 60)} min ${Math.floor(time % 60)} s`;
}

/** `4:05`, `1:04:05`, or `12 days`: what a clock shows that runs down. @param {number} time @returns {string} */
export function countdown(time) {
  const whole = Math.max(0, Math.ceil(time));
  if (whole >= 2 * 86400) return `${Math.floor(whole / 86400)} days`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** `12 s`, `5 min`, `3 h`, `4 days`: about how long ago. @param {number} time @returns {string} */
export function age(time) {
  if (time < 90) return `${Math.max(0, Math.round(time))} s`;
  if (time < 5400) return `${Math.round(time / 60)} min`;
  if (time < 129600) return `${Math.round(time / 3600)} h`;
  return `${Math.round(time / 86400)} days`;
}

/** `31 bytes`, `4.2 KiB`, `1.0 MiB`. @param {number} count @returns {string} */
export function size(count) {
  if (count < 1024) return count === 1 ? "1 byte" : `${count} bytes`;
  if (count < 1048576) return `${(count / 1024).toFixed(1)} KiB`;
  if (count < 1073741824) return `${(count / 1048576).toFixed(1)} MiB`;
  return `${(count / 1073741824).toFixed(1)} GiB`;
}

/** `1 message`, `2 messages`. @param {number} count @param {string} noun @returns {string} */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
