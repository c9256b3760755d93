// Hits of one recording in a list, in the order of time.

import { isPlayable } from "./api.js";
import { el, icon } from "./dom.js";
import { clock, count, duration, folder, percent, silence, spoken, title } from "./format.js";
import { Waveform } from "./waveform.js";

const split = (text) => (text ? text.split(" ") : []);
const spaced = (elements) => elements.flatMap((element, n) => (n ? [" ", element] : [element]));

export class HitGroup {
  /**
   * `text` is shown for hits without words; `url` is called with a time, or nothing, for a link to the recording;
   * `onplay` with the item of a hit, and `onseek` with a time.
   */
  constructor(recording, { text, url, onplay, onseek }) {
    Object.assign(this, { recording, text, url, onplay });
    this.hits = [];
    this.items = [];
    this.isPlayable = isPlayable(recording);
    this.number = el("span");
    this.list = el("ol", { class: "hits" });
    this.wave = this.isPlayable ? new Waveform(recording, { onseek }) : null;
    const heading = `g-${recording.id}`;
    const reason = silence(recording);
    this.element = el("section", { class: "group", "aria-labelledby": heading },
      el("h2", { id: heading }, el("a", { href: url() }, title(recording.path))),
      el("p", { class: "details", title: recording.path },
        folder(recording), " · ", ...(reason ? [el("span", { class: "silent" }, reason)] : [duration(recording.duration)]), " · ", this.number),
      this.wave?.element, this.list);
  }

  close() {
    this.wave?.close();
  }

  /** Insert a hit at its time, and return its item. */
  add(hit) {
    const item = this.createItem(hit);
    const later = this.hits.findLastIndex((other) => other.start <= hit.start) + 1;
    this.list.insertBefore(item, this.items[later] ?? null);
    this.hits.splice(later, 0, hit);
    this.items.splice(later, 0, item);
    return item;
  }

  /** Show the number of hits, and mark them in the waveform. */
  update() {
    this.number.textContent = count(this.hits.length, "hit");
    this.wave?.setHits(this.hits);
  }

  createItem(hit) {
    const before = split(hit.before);
    const wordless = !hit.words.length; // hit by sound where no word was recognized
    const matched = wordless ? [this.text] : hit.words.map((word) => word.text);
    const spans = [...before, ...matched, ...split(hit.after)].map((text) => el("span", {}, text));
    const [lead, end] = [before.length, before.length + matched.length];
    const words = el("span", { class: "words" },
      ...spaced(spans.slice(0, lead)), " ", el("mark", {}, ...spaced(spans.slice(lead, end))), " ", ...spaced(spans.slice(end)));
    const meter = el("span", { class: "meter", "aria-hidden": true }, el("span"));
    meter.firstChild.style.width = `${hit.confidence * 100}%`;
    const facts = el("span", { class: "facts" },
      hit.voice ? el("span", { class: "voice", title: "speaker or channel" }, hit.voice) : null,
      hit.way === "sound" ? el("span", { class: "way", title: "found by sound, not by recognized words" }, "by sound") : null,
      el("span", { class: "confidence" }, percent(hit.confidence), meter));
    const href = this.url(Math.round(hit.start * 10) / 10);
    const at = (verb, symbol) => el("span", { class: "at" }, icon(symbol), el("span", { "aria-hidden": true }, clock(hit.start)),
      el("span", { class: "visually-hidden" }, `${verb} ${spoken(hit.start)}:`));
    const item = el("li", {}, ...(this.isPlayable
      ? [el("button", { class: "hit", type: "button", "aria-pressed": "false", onclick: () => this.onplay(item) }, at("Play at", "play"), words, facts),
        el("a", { class: "open", href, "aria-label": `Transcript at ${spoken(hit.start)}`, title: "Open the transcript here" }, icon("text"))]
      : [el("a", { class: "hit", href }, at("Transcript at", "text"), words, facts)]));
    item.hit = { recording: this.recording, hit, spans, lead, wordless };
    return item;
  }
}

/** Show that the hit of an item is the current one, and that it plays. */
export function showItemState(item, { current, playing }) {
  item.classList.toggle("current", current);
  item.classList.toggle("is-playing", playing);
  const button = item.querySelector("button.hit");
  if (!button || button.getAttribute("aria-pressed") === String(playing)) return;
  button.setAttribute("aria-pressed", String(playing));
  button.querySelector(".icon").replaceWith(icon(playing ? "pause" : "play"));
}
