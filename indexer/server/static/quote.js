// Quotes: words of a recording with its title, their time and a link that opens them.

import { clock, title } from "./format.js";
import { el, toast } from "./dom.js";

const MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g; // of direction, which would reorder what follows
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** Text on one line that reorders nothing around it. */
const plain = (text) => text.replace(MARKS, "").replace(CONTROLS, " ").trim();

const rounded = (time) => Math.round(time * 100) / 100;

/** Link to a span of a recording. */
export function quoteLink(recording, start, end) {
  return new URL(`/r/${encodeURIComponent(recording.id)}?t=${rounded(start)}&to=${rounded(end)}`, location.href).href;
}

/** Words with their source, in three lines. */
export function quote(recording, text, start, end) {
  return `“${plain(text)}”\n— ${plain(title(recording.path))}, ${clock(start)}\n${quoteLink(recording, start, end)}`;
}

/** The words of a hit and around it, as far as the page shows them. */
export function quoteOfHit({ recording, hit, spans, lead, wordless }) {
  const texts = spans.map((span) => span.textContent);
  if (wordless) texts[lead] = `[${texts[lead]}]`; // looked for, found by sound
  const text = `${hit.before ? "…" : ""}${texts.join(" ")}${hit.after ? "…" : ""}`;
  return quote(recording, text, hit.start, hit.end);
}

/** Copy a text and say so; without access to the clipboard, show it. */
export async function copy(text, done) {
  const copied = await writeClipboard(text);
  toast(copied ? done : text);
}

async function writeClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyField(text); // there is no clipboard without https
  }
}

/** Copy by the command of older browsers, which works without https too. */
function copyField(text) {
  const { activeElement } = document;
  const selection = getSelection();
  const range = selection.rangeCount ? selection.getRangeAt(0) : null;
  const field = el("textarea", { class: "visually-hidden", readonly: true, "aria-hidden": true });
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  activeElement?.focus({ preventScroll: true });
  if (range) {
    selection.removeAllRanges();
    selection.addRange(range);
  }
  return copied;
}
