// Corrections of words: a field over the words of a transcript, and marks of those that were corrected.

import { ApiError, get, library, send } from "./api.js";
import { announce, el, icon, toast } from "./dom.js";
import { player } from "./player.js";
import { CHUNK } from "./words.js";

const MAX_WORDS = 64; // of a correction

export class Correction {
  /** Words are corrected by a double click, by F2 on a focused word, or by the button for selected words. */
  constructor(recording, transcript, selection) {
    this.path = `/recordings/${encodeURIComponent(recording.id)}/corrections`;
    this.recording = recording;
    this.transcript = transcript;
    this.selection = selection;
    this.byPosition = new Map(); // index of a word → its correction
    this.form = null;
    this.button = el("button", { class: "tool edit", type: "button", onclick: () => this.edit(selection.first, selection.last) }, icon("edit"), "Edit");
  }

  /** Load the corrections, and offer editing unless the server is read-only. */
  async load() {
    const { read_only: isReadOnly } = await library();
    if (this.recording.corrected) this.read(await get(this.path));
    const { onrender } = this.transcript;
    this.transcript.onrender = (n) => {
      onrender?.(n);
      this.mark(n);
    };
    for (const n of this.transcript.rendered.keys()) this.mark(n);
    if (isReadOnly) return;
    this.selection.element.lastElementChild.before(this.button);
    this.transcript.element.addEventListener("dblclick", (event) => this.editTarget(event));
    this.transcript.element.addEventListener("keydown", (event) => event.key === "F2" && this.editTarget(event));
  }

  read({ corrections }) {
    this.byPosition.clear();
    for (const correction of corrections) {
      for (let i = 0; i < correction.words; i += 1) this.byPosition.set(correction.word + i, correction);
    }
  }

  /** Mark the corrected words of a chunk. */
  mark(n) {
    this.transcript.rendered.get(n)?.forEach((span, i) => {
      const correction = this.byPosition.get(n * CHUNK + i);
      span.classList.toggle("corrected", Boolean(correction));
      if (correction) span.title = `recognized as “${correction.recognized}”`;
    });
  }

  editTarget(event) {
    const span = event.target.closest("[data-i]");
    if (!span) return;
    event.preventDefault();
    this.edit(Number(span.dataset.i), Number(span.dataset.i));
  }

  /** Show the field in place of words. */
  edit(first, last) {
    if (first === null || last - first >= MAX_WORDS) {
      toast(`Select at most ${MAX_WORDS} words to edit.`);
      return;
    }
    this.cancel();
    if (player.playing) player.toggle();
    const words = [];
    for (let n = first; n <= last; n += 1) words.push(this.transcript.words.word(n));
    if (words.some((word) => word.voice !== words[0].voice)) {
      toast("These words are of several voices; edit those of one voice at a time.");
      return;
    }
    const old = words.map((word) => word.text);
    const text = old.join(" ");
    const input = el("input", { type: "text", value: text, size: Math.max(text.length + 2, 8), spellcheck: "true", autocapitalize: "off", "aria-label": `Correct “${text}”; empty deletes` });
    const corrections = new Set();
    for (let n = first; n <= last; n += 1) if (this.byPosition.has(n)) corrections.add(this.byPosition.get(n));
    const revert = corrections.size === 1
      ? el("button", { class: "tool", type: "button", onclick: () => this.change("DELETE", `/${[...corrections][0].number}`, undefined, first) }, `Revert to “${[...corrections][0].recognized}”`) : null;
    this.form = el("form", { class: "correction", onsubmit: (event) => {
      event.preventDefault();
      if (input.value.trim() === text) this.cancel();
      else this.change("POST", "", { first, old, new: input.value }, first);
    } }, input, el("button", { class: "tool", type: "submit" }, "Save"), el("button", { class: "tool", type: "button", onclick: () => this.cancel() }, "Cancel"), revert);
    this.form.addEventListener("click", (event) => event.stopPropagation());
    this.form.addEventListener("dblclick", (event) => event.stopPropagation());
    this.form.addEventListener("keydown", (event) => {
      event.stopPropagation(); // letters and arrows are for the field
      if (event.key === "Escape") this.cancel();
    });
    this.edited = first;
    this.selection.clear();
    this.transcript.span(first).before(this.form);
    this.hidden = [];
    for (let n = first; n <= last; n += 1) if (this.transcript.span(n)) this.hidden.push(this.transcript.span(n));
    for (const span of this.hidden) span.hidden = true;
    input.focus();
    input.select();
  }

  cancel() {
    if (!this.form) return;
    this.form.remove();
    this.form = null;
    for (const span of this.hidden) span.hidden = false;
    if (this.transcript.span(this.edited)) this.transcript.focus(this.transcript.span(this.edited));
  }

  /** Send a change, then show the words as they are. */
  async change(method, path, content, index) {
    try {
      const changed = await send(method, this.path + path, content);
      this.read(changed);
      this.recording.corrected = "now"; // the page keeps the recording for other views
      announce(method === "DELETE" ? "Reverted." : "Saved.");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message);
      if (!error.message.includes("no longer there")) return;
      this.read(await get(this.path));
    }
    this.form = null;
    await this.transcript.reload();
    const isPlayed = player.recording?.id === this.recording.id && this.transcript.words.word(player.index);
    if (isPlayed) player.dispatchEvent(new Event("word")); // the player shows words around its position
    const span = await this.transcript.show(Math.min(index, this.transcript.words.total - 1));
    if (span) this.transcript.focus(span);
  }
}
