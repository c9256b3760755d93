// Selected words of a transcript, and a toolbar to play, quote and download them.

import { ApiError } from "./api.js";
import { announce, el, icon, toast } from "./dom.js";
import { formatChoice, hasSound, save } from "./download.js";
import { count, duration } from "./format.js";
import { player } from "./player.js";
import { copy, quote } from "./quote.js";
import { CHUNK } from "./words.js";

const MARGIN = 0.1; // seconds before and after the words, in the player and in clips
const ANNOUNCE_MS = 600; // without another change

export class Selection {
  /** Words are selected as any text, by Shift and arrow keys from a focused word, or by the link of a quote. */
  constructor(recording, transcript) {
    this.recording = recording;
    this.transcript = transcript;
    this.words = transcript.words;
    this.first = this.last = null; // indices of the selected words
    this.anchor = null; // index of the word at which a selection by keys began
    this.text = el("span", { class: "selected" });
    this.playButton = el("button", { class: "tool", type: "button", onclick: () => this.togglePlaying() }, icon("play"), "Play");
    this.format = formatChoice();
    this.clipButton = el("button", { class: "tool", type: "button", onclick: () => this.saveClip() }, icon("download"), "Clip");
    const sound = hasSound(recording) ? [this.playButton] : [];
    const clip = hasSound(recording) ? [el("span", { class: "clip" }, this.clipButton, this.format)] : [];
    this.element = el("div", { class: "selection", role: "toolbar", "aria-label": "Selected words", hidden: true, onkeydown: (event) => this.handleToolbarKey(event),
      onpointerdown: (event) => event.target.closest("select") || event.preventDefault() }, // keeps the selection of the text
      this.text, ...sound,
      el("button", { class: "tool", type: "button", onclick: () => this.copyQuote() }, icon("quote"), "Copy quote"), ...clip,
      el("button", { class: "quiet", type: "button", "aria-label": "Clear the selection", title: "Clear the selection (Escape)", onclick: () => this.clear() }, icon("close")));
    this.listeners = [
      [document, "selectionchange", () => this.readSelection()],
      [player, "time", () => this.stopAtEnd()],
      [player, "state", () => this.showState()],
    ];
    for (const [target, name, listener] of this.listeners) target.addEventListener(name, listener);
    transcript.element.addEventListener("keydown", (event) => this.beginByKey(event), { capture: true });
    transcript.element.addEventListener("keydown", (event) => this.extendByKey(event)); // after the focus has moved
    transcript.onrender = (n) => this.mark(n);
  }

  close() {
    for (const [target, name, listener] of this.listeners) target.removeEventListener(name, listener);
    clearTimeout(this.announcement);
  }

  /** Select the words of a quote: those whose middle is between two times. */
  async showQuote(start, end) {
    const middle = (index) => (this.words.word(index).start + this.words.word(index).end) / 2;
    const { total } = this.words;
    let first = await this.words.at(start);
    await this.load(first, first);
    while (first + 1 < total && middle(first) < start - 0.005) await this.load(++first, first);
    let last = first;
    while (last + 1 < total && (await this.load(last + 1, last + 1), middle(last + 1) < end)) last += 1;
    this.quoted = true;
    this.set(first, last);
  }

  /** Load the words of a range. */
  load(first, last) {
    const chunks = [];
    for (let n = Math.floor(first / CHUNK); n <= Math.floor(last / CHUNK); n += 1) chunks.push(this.words.load(n));
    return Promise.all(chunks);
  }

  /** Select a range of words. */
  async set(first, last) {
    if (first === this.first && last === this.last) return;
    [this.first, this.last] = [first, last];
    this.times = null;
    this.element.hidden = first === null;
    for (const n of this.transcript.rendered.keys()) this.mark(n);
    clearTimeout(this.announcement);
    if (first === null) return;
    await this.load(first, last);
    if (first !== this.first || last !== this.last) return;
    const words = this.selected();
    this.times = { start: Math.min(...words.map((word) => word.start)), end: Math.max(...words.map((word) => word.end)) };
    this.text.textContent = `${count(words.length, "word")}, ${duration(Math.max(1, this.times.end - this.times.start))}`;
    this.showState();
    this.announcement = setTimeout(() => announce(`${this.text.textContent} selected.`), ANNOUNCE_MS);
  }

  /** The selected words. */
  selected() {
    const words = [];
    for (let n = this.first; n <= this.last; n += 1) words.push(this.words.word(n));
    return words;
  }

  clear() {
    const within = this.element.contains(document.activeElement);
    const word = this.transcript.span(this.last);
    this.quoted = false;
    this.anchor = null;
    getSelection().removeAllRanges();
    this.set(null, null);
    if (within && word) this.transcript.focus(word);
  }

  /** Mark the words of a quote in a chunk; words selected as text are marked by the browser. */
  mark(n) {
    this.transcript.rendered.get(n)?.forEach((span, i) => {
      const index = n * CHUNK + i;
      span.classList.toggle("quoted", Boolean(this.quoted) && this.first !== null && index >= this.first && index <= this.last);
    });
  }

  /** Take over the text that is selected in the transcript. */
  readSelection() {
    const selection = getSelection();
    const range = selection.rangeCount && !selection.isCollapsed ? selection.getRangeAt(0) : null;
    if (!range) {
      if (!this.quoted && !this.element.matches(":hover, :focus-within")) this.set(null, null);
      return;
    }
    const { element, rendered } = this.transcript;
    if (!element.contains(range.startContainer) && !element.contains(range.endContainer)) return;
    let [first, last] = [null, null];
    const text = document.createRange();
    for (const [n, spans] of rendered) {
      spans.forEach((span, i) => {
        if (!span.firstChild || !range.intersectsNode(span)) return;
        text.selectNodeContents(span.firstChild);
        if (range.compareBoundaryPoints(Range.START_TO_END, text) <= 0 || range.compareBoundaryPoints(Range.END_TO_START, text) >= 0) return;
        const index = n * CHUNK + i;
        first = Math.min(first ?? index, index);
        last = Math.max(last ?? index, index);
      });
    }
    if (first === null) return;
    this.quoted = false;
    this.set(first, last);
  }

  /** Select words as text. */
  selectText(from, to) {
    const [start, end] = [this.transcript.span(from)?.firstChild, this.transcript.span(to)?.firstChild];
    if (!start || !end) return;
    const forward = from <= to;
    getSelection().setBaseAndExtent(start, forward ? 0 : start.length, end, forward ? end.length : 0);
  }

  /** The first Shift and arrow key selects the focused word; Tab goes from the words to the toolbar. */
  beginByKey(event) {
    const span = event.target.closest("[data-i]");
    if (event.key === "Escape" && this.first !== null) this.clear();
    else if (event.key === "Tab" && !event.shiftKey && span && this.first !== null) this.element.querySelector("button").focus();
    else if (["ArrowLeft", "ArrowRight"].includes(event.key) && event.shiftKey && span && this.anchor === null) {
      this.anchor = Number(span.dataset.i);
      this.selectText(this.anchor, this.anchor);
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  extendByKey(event) {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const span = document.activeElement.closest("[data-i]");
    if (event.shiftKey && span && this.anchor !== null) this.selectText(this.anchor, Number(span.dataset.i));
    else if (!event.shiftKey) this.anchor = null;
  }

  handleToolbarKey(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.clear();
  }

  /** True if the player plays the selection. */
  get isPlaying() {
    return Boolean(this.stop) && player.playing && player.recording?.id === this.recording.id;
  }

  togglePlaying() {
    if (this.isPlaying) player.toggle();
    else if (this.times) {
      this.stop = { ...this.times };
      player.play(this.recording, this.stop.start - MARGIN);
    }
    this.showState();
  }

  /** Pause at the end of the selection, unless the user has moved elsewhere. */
  stopAtEnd() {
    if (!this.stop || player.recording?.id !== this.recording.id) return;
    const { start, end } = this.stop;
    if (player.time < start - 1 || player.time > end + 1) this.stop = null; // seeking is inexact
    else if (player.time >= end + MARGIN && player.playing) {
      this.stop = null;
      player.toggle();
    }
  }

  showState() {
    const name = this.isPlaying ? "Pause" : "Play";
    if (this.playButton.textContent !== name) this.playButton.replaceChildren(icon(name.toLowerCase()), name);
  }

  copyQuote() {
    if (!this.times) return;
    const text = this.selected().map((word) => word.text).join(" ");
    copy(quote(this.recording, text, this.times.start, this.times.end), "Quote with its link copied.");
  }

  async saveClip() {
    if (!this.times) return;
    this.clipButton.disabled = true;
    const parameters = new URLSearchParams({ ...this.times, padding: MARGIN, format: this.format.value });
    try {
      await save(`/recordings/${encodeURIComponent(this.recording.id)}/clip?${parameters}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message);
    } finally {
      this.clipButton.disabled = false;
    }
  }
}
